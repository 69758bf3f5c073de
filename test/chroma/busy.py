#!/usr/bin/env python3
"""A Chroma that writes without a pause, and one that looks at what is left of it.

    busy.py write DIR         adds records to two collections until SIGTERM; prints how many were acknowledged
    busy.py check DIR         in a copy: which records are there, and does it take more? One JSON object

One collection saves its index every hundred writes, so that a copy is likely to meet a save; the other never does.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from typing import Any, List

os.environ["ANONYMIZED_TELEMETRY"] = "False"

BATCH = 20
DIMENSION = 64
OFTEN = {"hnsw:batch_size": 50, "hnsw:sync_threshold": 100}


def client(directory: str) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=directory, settings=Settings(anonymized_telemetry=False))


def vector(number: int) -> List[float]:
    generator = random.Random(number)
    return [generator.uniform(-1, 1) for _ in range(DIMENSION)]


def add(collections: List[Any], first: int) -> None:
    numbers = range(first, first + BATCH)
    for collection in collections:
        collection.add(
            ids=[f"busy-{number}" for number in numbers],
            embeddings=[vector(number) for number in numbers],
            documents=[f"document {number}" for number in numbers],
        )


def write(directory: str) -> None:
    chroma = client(directory)
    collections = [
        chroma.get_or_create_collection("often", metadata=OFTEN),
        chroma.get_or_create_collection("never"),
    ]
    written = 0
    stopping: List[int] = []
    # A Chroma that is killed while it saves an index tears that by itself.
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    while not stopping:
        add(collections, written)
        written += BATCH
        print(written, flush=True)


def seen(collection: Any) -> dict:
    records = collection.get(include=["embeddings", "documents"])
    numbers = sorted(int(each.split("-")[1]) for each in records["ids"])
    wrong = []
    for record, embedding, document in zip(records["ids"], records["embeddings"], records["documents"]):
        number = int(record.split("-")[1])
        expected = vector(number)
        is_same = embedding is not None and max(abs(a - b) for a, b in zip(embedding, expected)) < 1e-5
        if not is_same or document != f"document {number}":
            wrong.append(record)
    probes = [numbers[at] for at in (0, len(numbers) // 2, -1)] if numbers else []
    for number in probes:
        found = collection.query(query_embeddings=[vector(number)], n_results=min(100, len(numbers)))["ids"][0]
        if f"busy-{number}" not in found:
            wrong.append(f"busy-{number} is not found by its vector")
    return {"records": len(numbers), "isWhole": numbers == list(range(len(numbers))), "wrong": wrong}


def check(directory: str) -> None:
    chroma = client(directory)
    collections = {name: chroma.get_collection(name) for name in ("often", "never")}
    before = {name: seen(collection) for name, collection in collections.items()}
    for name, collection in collections.items():
        add([collection], before[name]["records"])
    after = {name: seen(collection) for name, collection in collections.items()}
    print(json.dumps({"before": before, "after": after}))


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](sys.argv[2])
