#!/usr/bin/env python3
"""Writes to a collection whose index is saved every twenty records, and leaves the purge of the log to Chroma.

    purging.py write DIR     adds 60 records, and prints how many there are then
    purging.py off DIR       0.5.6 to 0.6.3: switches the purge off through the queue's own producer

Run it with the interpreter of the Chroma version that shall write.
"""

from __future__ import annotations

import os
import random
import sys

os.environ["ANONYMIZED_TELEMETRY"] = "False"

import chromadb  # noqa: E402
from chromadb.config import Settings  # noqa: E402

BATCH = 10
MANY = 60


def write(client: "chromadb.ClientAPI") -> None:
    metadata = {"hnsw:sync_threshold": 20, "hnsw:batch_size": BATCH}
    books = client.get_or_create_collection("books", metadata=metadata, embedding_function=None)
    first = books.count()
    source = random.Random(first)
    for at in range(first, first + MANY, BATCH):
        ids = [f"record-{number:04d}" for number in range(at, at + BATCH)]
        books.add(ids=ids, embeddings=[[source.uniform(-1, 1) for _ in range(4)] for _ in ids])
    print(books.count())


def off(client: "chromadb.ClientAPI") -> None:
    from chromadb.api.configuration import ConfigurationParameter, EmbeddingsQueueConfigurationInternal

    setting = ConfigurationParameter("automatically_purge", False)
    client._server._producer.set_config(EmbeddingsQueueConfigurationInternal([setting]))


if __name__ == "__main__":
    opened = chromadb.PersistentClient(path=sys.argv[2], settings=Settings(anonymized_telemetry=False))
    {"write": write, "off": off}[sys.argv[1]](opened)
