#!/usr/bin/env python3
"""Which records of a collection are nearest to a vector, in the words of real Chroma.

    nearest.py DIR COLLECTION VECTOR        VECTOR is a JSON array; prints a JSON array of ids, or the error

Run it with the interpreter of the Chroma version that shall answer, and only on a COPY: opening a directory migrates
it, may replay its log and may purge it.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["ANONYMIZED_TELEMETRY"] = "False"

import chromadb  # noqa: E402
from chromadb.config import Settings  # noqa: E402


def main() -> None:
    directory, name, vector = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    client = chromadb.PersistentClient(path=directory, settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection(name, embedding_function=None)
    try:
        found = collection.query(query_embeddings=[vector], n_results=3)["ids"][0]
    except Exception as failure:  # noqa: BLE001
        print(json.dumps(f"{type(failure).__name__}: {failure}"))
        return
    print(json.dumps(found))


if __name__ == "__main__":
    main()
