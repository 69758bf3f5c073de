#!/usr/bin/env python3
"""Directories in the middle of their work: nothing is wrong with any of them.

    work.py DIR         makes one persist directory below DIR for each name in WORKS
"""

from __future__ import annotations

import os
import random
import sys
from typing import Any, Dict, List, Optional

os.environ["ANONYMIZED_TELEMETRY"] = "False"

import chromadb  # noqa: E402
from chromadb.config import Settings  # noqa: E402

SOURCE = random.Random(7)
BATCH = 10


def vector() -> List[float]:
    return [SOURCE.uniform(-1, 1) for _ in range(4)]


def ids(first: int, end: int) -> List[str]:
    return [f"record-{number:04d}" for number in range(first, end)]


def records(names: List[str], text: bool = True) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        "ids": names,
        "embeddings": [vector() for _ in names],
        "metadatas": [{"rank": at} for at, _ in enumerate(names)],
    }
    if text:
        found["documents"] = [f"what there is to say about {name}" for name in names]
    return found


def collection(directory: str, sync: Optional[int] = 50, batch: Optional[int] = BATCH) -> Any:
    settings = Settings(anonymized_telemetry=False)
    settings.is_persistent = True
    settings.persist_directory = directory
    metadata: Dict[str, Any] = {"hnsw:space": "l2"}
    if sync is not None:
        metadata["hnsw:sync_threshold"] = sync
    if batch is not None:
        metadata["hnsw:batch_size"] = batch
    client = chromadb.PersistentClient(path=directory, settings=settings)
    return client.create_collection("books", metadata=metadata, embedding_function=None)


def add(books: Any, names: List[str], verb: str = "add") -> None:
    for at in range(0, len(names), BATCH):
        getattr(books, verb)(**records(names[at : at + BATCH]))


def nothing(directory: str) -> None:
    collection(directory)


def one(directory: str) -> None:
    add(collection(directory, None, None), ids(0, 1))


def before_the_first_save(directory: str) -> None:
    add(collection(directory, None, None), ids(0, 30))


def at_the_threshold(directory: str) -> None:
    add(collection(directory), ids(0, 50))


def one_after_the_threshold(directory: str) -> None:
    add(collection(directory), ids(0, 51))


def everything_waits(directory: str) -> None:
    books = collection(directory)
    add(books, ids(0, 60))
    books.update(**records(ids(5, 9)))
    books.update(ids=ids(10, 12), metadatas=[{"rank": -1}, {"rank": -2}])
    books.upsert(**records(ids(55, 65)))
    books.delete(ids=ids(0, 3))
    books.delete(ids=ids(62, 63))


def upserts_alone(directory: str) -> None:
    books = collection(directory)
    for _ in range(40):
        books.upsert(**records(ids(0, 10)))


def metadata_alone(directory: str) -> None:
    books = collection(directory)
    add(books, ids(0, 60))
    for turn in range(40):
        books.update(ids=ids(0, 10), metadatas=[{"rank": turn} for _ in range(10)])


def a_threshold_below_the_batch(directory: str) -> None:
    add(collection(directory, 10, None), ids(0, 90))


def a_batch_above_the_threshold(directory: str) -> None:
    add(collection(directory, 50, 500), ids(0, 450))


def documents_that_change(directory: str) -> None:
    books = collection(directory)
    add(books, ids(0, 60))
    books.update(ids=ids(0, 5), documents=["another text"] * 5, embeddings=[vector() for _ in range(5)])
    books.upsert(**records(ids(3, 8), text=False))


def deleted_and_added_again(directory: str) -> None:
    books = collection(directory)
    add(books, ids(0, 60))
    books.delete(ids=ids(10, 20))
    add(books, ids(60, 110))
    add(books, ids(10, 20))


def all_deleted(directory: str) -> None:
    books = collection(directory)
    add(books, ids(0, 60))
    for at in range(0, 60, BATCH):
        books.delete(ids=ids(at, at + BATCH))


WORKS = {
    work.__name__.replace("_", "-"): work
    for work in (
        nothing,
        one,
        before_the_first_save,
        at_the_threshold,
        one_after_the_threshold,
        everything_waits,
        upserts_alone,
        metadata_alone,
        a_threshold_below_the_batch,
        a_batch_above_the_threshold,
        documents_that_change,
        deleted_and_added_again,
        all_deleted,
    )
}

if __name__ == "__main__":
    for name, work in WORKS.items():
        work(os.path.join(sys.argv[1], name))
