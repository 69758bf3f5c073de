#!/usr/bin/env python3
"""Every record that real Chroma returns for a directory, with its vector in full: one JSON object per collection.

    replayed.py DIR [TENANT/DATABASE ...]

Only on a copy: opening a directory changes it.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../fixtures"))

import dump  # noqa: E402


def main() -> None:
    directory, *named = sys.argv[1:]
    # Some Chroma versions print; standard output belongs to the JSON alone.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    opened = dump.open_directory(directory)
    databases = [dump.parse_database(each) for each in named] if opened.has_tenants else [dump.DEFAULT_DATABASE]
    for tenant, database in databases:
        for collection in opened.collections(opened.client((tenant, database))):
            records = dump.fetch_records(collection)
            vectors = {}
            for start in range(0, len(records), dump.CHUNK):
                vectors.update(dump.fetch_embeddings(collection, [each[0] for each in records[start : start + dump.CHUNK]]))
            found = {
                "tenant": tenant,
                "database": database,
                "name": collection.name,
                "records": [
                    {
                        "id": record,
                        "document": document,
                        "metadata": metadata or None,
                        "embedding": None if vectors[record] is None else [float(x) for x in vectors[record]],
                    }
                    for record, document, metadata in records
                ],
            }
            output.write(json.dumps(found, ensure_ascii=False) + "\n")
    output.close()


if __name__ == "__main__":
    main()
