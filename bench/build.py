#!/usr/bin/env python3
"""Writes one benchmark set with real Chroma, through its public API.

    build.py SET DIR

Run with the interpreter that `fixtures/chroma_env.py` prints for 0.5.5, or for 0.6.3 where bench/sets.js says so. Vectors and texts come from seeded generators,
so a set has the same records wherever it is built; ids that Chroma makes up differ.
"""

from __future__ import annotations

import argparse
import os
import random
from dataclasses import dataclass

os.environ["ANONYMIZED_TELEMETRY"] = "False"

import chromadb  # noqa: E402
import numpy  # noqa: E402
from chromadb.config import Settings  # noqa: E402


@dataclass(frozen=True)
class Recipe:
    collections: int
    records: int
    dimension: int
    characters: int
    # The index is saved at every multiple of it; what lies above the last one stays in the WAL.
    threshold: int = 1000
    deleted: int = 0
    # Records of one more collection, whose index is never saved.
    unsaved: int = 0
    # The first of them are never written: what a directory is that has had no others.
    skipped: int = 0
    # False to switch off the purge that 0.5.6 and later do by themselves in a new directory.
    purges: bool = True
    # Links of each vector in the index. Fewer are built faster, and nothing here ever searches.
    links: int = 16


SETS = {
    "S": Recipe(collections=1, records=25_300, dimension=384, characters=600),
    "M": Recipe(collections=4, records=25_063, dimension=1536, characters=600),
    "MANY": Recipe(collections=1_200, records=150, dimension=64, characters=300, threshold=100),
    "ORPHAN": Recipe(collections=20, records=2_000, dimension=384, characters=600, deleted=10),
    # Written by 0.6.3, which leaves everything of a deleted collection behind; and the same without the deleted ones.
    "DELETED": Recipe(collections=20, records=2_000, dimension=128, characters=600, deleted=10, purges=False),
    "LIVE": Recipe(collections=20, records=2_000, dimension=128, characters=600, skipped=10, purges=False),
    "PICKLE": Recipe(collections=1, records=1_000_000, dimension=2, characters=10, threshold=250_000),
    "L": Recipe(collections=4, records=107_500, dimension=3072, characters=600, threshold=10_000, links=4),
}
# The growth curve: one quantity at a time.
for rows in (5_000, 10_000, 20_000, 40_000, 80_000):
    SETS[f"rows-{rows}"] = Recipe(collections=1, records=rows + 300, dimension=384, characters=600, links=4)
for count in (10, 100, 400, 1_200):
    SETS[f"collections-{count}"] = Recipe(
        collections=count, records=24_000 // count, dimension=64, characters=300, threshold=16_000 // count, links=4
    )
for percent in (10, 30, 50, 70, 90):
    saved = 200 * percent
    SETS[f"share-{percent}"] = Recipe(
        collections=1, records=saved, unsaved=20_000 - saved, dimension=384, characters=600, threshold=saved, links=4
    )

WORDS = [f"{first}{second}" for first in ("am", "bir", "co", "del", "em", "fj", "gro", "har") for second in ("ber", "ch", "lta", "or")]
BATCH = 1_000


def text(source: random.Random, characters: int) -> str:
    words: list[str] = []
    length = 0
    while length < characters:
        word = source.choice(WORDS) + str(source.randrange(1000))
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[:characters]


def switch_purge_off(client: chromadb.ClientAPI) -> None:
    """Through the queue's own producer: there is no public setting."""
    from chromadb.api.configuration import ConfigurationParameter, EmbeddingsQueueConfigurationInternal

    off = ConfigurationParameter("automatically_purge", False)
    client._server._producer.set_config(EmbeddingsQueueConfigurationInternal([off]))


def build(recipe: Recipe, directory: str) -> None:
    client = chromadb.PersistentClient(directory, Settings(anonymized_telemetry=False, allow_reset=True))
    if not recipe.purges:
        switch_purge_off(client)
    numbers = numpy.random.default_rng(1)
    source = random.Random(1)
    sizes = [(recipe.records, recipe.threshold)] * recipe.collections
    if recipe.unsaved:
        sizes.append((recipe.unsaved, 2 * recipe.unsaved))
    for index, (records, threshold) in enumerate(sizes):
        metadata = {
            "hnsw:sync_threshold": threshold,
            "hnsw:batch_size": min(100, threshold),
            "hnsw:M": recipe.links,
            "hnsw:construction_ef": 100 * recipe.links // 16,
        }
        is_written = index >= recipe.skipped
        if is_written:
            collection = client.create_collection(f"collection-{index:04d}", metadata=metadata)
        for start in range(0, records, BATCH):
            ids = [f"{index:04d}-{number:08d}-{'x' * 22}" for number in range(start, min(start + BATCH, records))]
            vectors = numbers.random((len(ids), recipe.dimension), dtype=numpy.float32)
            documents = [text(source, recipe.characters) for _ in ids]
            if is_written:
                collection.add(ids=ids, embeddings=vectors.tolist(), documents=documents)
        print(f"{index + 1} of {len(sizes)}", flush=True)
    for index in range(recipe.deleted):
        client.delete_collection(f"collection-{index:04d}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("set", choices=sorted(SETS))
    parser.add_argument("directory")
    arguments = parser.parse_args()
    build(SETS[arguments.set], arguments.directory)


if __name__ == "__main__":
    main()
