#!/usr/bin/env python3
"""A server of Chroma under load, and whether it has kept what it acknowledged.

    load.py prepare DIR                      a directory that does not purge its log by itself
    load.py serve DIR PORT                   the server of this version; never returns
    load.py press PORT SECONDS CLIENTS       constant reads and writes; prints one JSON object
    load.py verify DIR < what press printed  in a new process, with the server stopped; prints one JSON object

Every client writes records of its own, and knows what must be there: whatever was acknowledged. A write that failed
may have been done or not.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sqlite3
import sys
import time
from typing import Any, Dict, List, Optional, Tuple

os.environ["ANONYMIZED_TELEMETRY"] = "False"

DIMENSION = 32
ATTEMPTS = 3
OFTEN = {"hnsw:batch_size": 20, "hnsw:sync_threshold": 60}
COLLECTIONS = {"often": OFTEN, "seldom": {"hnsw:batch_size": 50, "hnsw:sync_threshold": 400}}
PURGE_OFF = '{"automatically_purge": false, "_type": "EmbeddingsQueueConfigurationInternal"}'

Record = Tuple[int, str]


def settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def vector(seed: int) -> List[float]:
    source = random.Random(seed)
    return [source.uniform(-1, 1) for _ in range(DIMENSION)]


def prepare(directory: str) -> None:
    import chromadb

    client = chromadb.PersistentClient(path=directory, settings=settings())
    for name, metadata in COLLECTIONS.items():
        client.create_collection(name, metadata=metadata, embedding_function=None)
    database = sqlite3.connect(os.path.join(directory, "chroma.sqlite3"))
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    if "embeddings_queue_config" in tables:
        database.execute("INSERT OR REPLACE INTO embeddings_queue_config (id, config_json_str) VALUES (1, ?)", [PURGE_OFF])
        database.commit()


def serve(directory: str, port: str) -> None:
    chroma = os.path.join(os.path.dirname(sys.executable), "chroma")
    os.chdir(os.path.dirname(directory))  # where it puts its log file
    os.execv(chroma, [chroma, "run", "--path", directory, "--host", "127.0.0.1", "--port", port])


class Client:
    """One of many, with the records that it has written itself."""

    def __init__(self, port: int, number: int) -> None:
        self.port = port
        self.number = number
        self.source = random.Random(number)
        self.written = 0
        self.collections: Optional[Dict[str, Any]] = None
        self.known: Dict[str, Dict[str, Record]] = {name: {} for name in COLLECTIONS}
        self.uncertain: Dict[str, set] = {name: set() for name in COLLECTIONS}
        self.latencies: List[float] = []
        self.failures: Dict[str, int] = {}
        self.wrong: List[str] = []

    def connect(self) -> Dict[str, Any]:
        if self.collections is None:
            import chromadb

            client = chromadb.HttpClient(host="127.0.0.1", port=self.port, settings=settings())
            self.collections = {name: client.get_collection(name, embedding_function=None) for name in COLLECTIONS}
        return self.collections

    def fresh(self, many: int) -> List[str]:
        first = self.written
        self.written += many
        return [f"client-{self.number}-{at}" for at in range(first, first + many)]

    def some(self, name: str, many: int) -> List[str]:
        ids = sorted(self.known[name])
        return self.source.sample(ids, min(many, len(ids)))

    def asked(self, request: Any) -> Any:
        begun = time.monotonic()
        try:
            return request()
        except Exception as error:
            message = f"{type(error).__name__}: {error}"[:200]
            self.failures[message] = self.failures.get(message, 0) + 1
            self.collections = None
            time.sleep(0.2)
            raise
        finally:
            self.latencies.append(time.monotonic() - begun)

    def write(self, name: str, verb: str, ids: List[str]) -> None:
        records = {each: (self.source.randrange(2**31), f"{verb} {each} {self.source.random()}") for each in ids}
        fields: Dict[str, Any] = {"ids": ids}
        if verb != "delete":
            fields["embeddings"] = [vector(seed) for seed, _ in records.values()]
            fields["documents"] = [document for _, document in records.values()]
        try:
            self.asked(lambda: getattr(self.connect()[name], verb)(**fields))
        except Exception:
            self.uncertain[name].update(ids)
            for each in ids:
                self.known[name].pop(each, None)
            return
        for each, record in records.items():
            if verb == "delete":
                self.known[name].pop(each)
            else:
                self.known[name][each] = record

    def read(self, name: str) -> None:
        ids = self.some(name, 10)
        if not ids:
            return
        expected = {each: self.known[name][each] for each in ids}
        wrong: List[str] = []
        # Chroma moves new vectors into its index while others read, which may miss one for a moment.
        for _ in range(ATTEMPTS):
            try:
                found = self.asked(lambda: self.connect()[name].get(ids=ids, include=["embeddings", "documents"]))
            except Exception:
                return
            wrong = differences(found, expected)
            if not wrong:
                return
            time.sleep(0.2)
        self.wrong += wrong

    def query(self, name: str) -> None:
        if not self.known[name]:
            return
        near = vector(self.source.randrange(2**31))
        try:
            self.asked(lambda: self.connect()[name].query(query_embeddings=[near], n_results=3))
        except Exception:
            return

    def work(self) -> None:
        name = self.source.choice(list(COLLECTIONS))
        action = self.source.random()
        if action < 0.3:
            self.write(name, "add", self.fresh(10))
        elif action < 0.4 and self.known[name]:
            self.write(name, "update", self.some(name, 5))
        elif action < 0.5:
            self.write(name, "upsert", self.some(name, 3) + self.fresh(3))
        elif action < 0.55 and self.known[name]:
            self.write(name, "delete", self.some(name, 3))
        elif action < 0.9:
            self.read(name)
        else:
            self.query(name)

    def result(self) -> Dict[str, Any]:
        return {
            "latencies": self.latencies,
            "failures": self.failures,
            "wrong": self.wrong,
            "known": self.known,
            "uncertain": {name: sorted(ids) for name, ids in self.uncertain.items()},
        }


def differences(found: Any, expected: Dict[str, Record]) -> List[str]:
    seen = {
        each: (embedding, document)
        for each, embedding, document in zip(found["ids"], found["embeddings"], found["documents"])
    }
    wrong = [f"{each} is missing" for each in expected if each not in seen]
    for each, (seed, document) in expected.items():
        if each not in seen:
            continue
        embedding, text = seen[each]
        if text != document:
            wrong.append(f"{each} has another document")
        if embedding is None or max(abs(a - b) for a, b in zip(embedding, vector(seed))) > 1e-5:
            wrong.append(f"{each} has another vector, or none")
    return wrong


def pressing(port: int, seconds: float, number: int) -> Dict[str, Any]:
    client = Client(port, number)
    while client.collections is None:
        try:
            client.connect()
        except Exception:
            time.sleep(0.2)  # the server may have been killed this early
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client.work()
    return client.result()


def press(port: str, seconds: str, clients: str) -> None:
    with multiprocessing.get_context("spawn").Pool(int(clients)) as pool:
        results = pool.starmap(pressing, [(int(port), float(seconds), number) for number in range(int(clients))])
    latencies = sorted(latency for result in results for latency in result["latencies"])
    failures: Dict[str, int] = {}
    for result in results:
        for message, count in result["failures"].items():
            failures[message] = failures.get(message, 0) + count
    summary = {
        "requests": len(latencies),
        "failures": failures,
        "wrong": [each for result in results for each in result["wrong"]],
        "p50Ms": round(latencies[len(latencies) // 2] * 1000, 1),
        "p99Ms": round(latencies[len(latencies) * 99 // 100] * 1000, 1),
        "known": {name: {k: v for result in results for k, v in result["known"][name].items()} for name in COLLECTIONS},
        "uncertain": {name: [each for result in results for each in result["uncertain"][name]] for name in COLLECTIONS},
    }
    json.dump(summary, sys.stdout)


def verify(directory: str) -> None:
    import chromadb

    pressed = json.load(sys.stdin)
    client = chromadb.PersistentClient(path=directory, settings=settings())
    wrong: List[str] = []
    records = 0
    for name in COLLECTIONS:
        collection = client.get_collection(name, embedding_function=None)
        found = collection.get(include=["embeddings", "documents"])
        records += len(found["ids"])
        known = {each: (seed, document) for each, (seed, document) in pressed["known"][name].items()}
        wrong += differences(found, known)
        strangers = set(found["ids"]) - set(known) - set(pressed["uncertain"][name])
        wrong += [f"{each} should not be there" for each in sorted(strangers)]
        for each in random.Random(1).sample(sorted(known), min(50, len(known))):
            nearest = collection.query(query_embeddings=[vector(known[each][0])], n_results=min(100, len(found["ids"])))
            if each not in nearest["ids"][0]:
                wrong.append(f"{each} is not found by its vector")
        collection.add(ids=["afterwards"], embeddings=[vector(1)], documents=["afterwards"])
        if collection.get(ids=["afterwards"])["ids"] != ["afterwards"]:
            wrong.append(f"{name} loses what is written afterwards")
    json.dump({"records": records, "wrong": wrong}, sys.stdout)


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve, "press": press, "verify": verify}[sys.argv[1]](*sys.argv[2:])
