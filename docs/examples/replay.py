#!/usr/bin/env python3
"""Replays an export of `chroma-maint wal export` through Chroma's own API.

    replay.py EXPORT DIR [--to ID=[TENANT/DATABASE/]NAME ...]

EXPORT is a file of JSON Lines, compressed where its name ends in .gz. DIR is the persist directory that it goes into;
an empty or new one for a copy. Run it with the Python that has the chromadb you want to write with.

Every operation is done again, in the order of the log: add, update, upsert, delete. As in the log, an add of an id
that is there and an update of one that is not do nothing. A collection gets the name that stands in the export, in the
default database, unless --to gives it another place; one that is there already is used as it is. What the log does not
hold is the collection's own settings (distance, metadata): create it with them first, where they matter.
"""

import argparse
import base64
import collections
import gzip
import json
import struct
import sys

DOCUMENT, URI = "chroma:document", "chroma:uri"
DEFAULT = ("default_tenant", "default_database")
MOST_AT_ONCE = 100


class Target:
    """The directory that is written to. Versions before 0.4.15 have no tenants and databases."""

    def __init__(self, directory):
        # Here: what is wrong with the command line is said before, and needs no chromadb.
        import chromadb
        from chromadb.config import Settings

        self.chromadb = chromadb
        self.settings = Settings(anonymized_telemetry=False)
        self.settings.is_persistent = True
        self.settings.persist_directory = directory
        self.directory = directory
        self.clients = {}

    def collection(self, tenant, database, name):
        client = self.client((tenant, database))
        try:
            return client.get_collection(name, embedding_function=None)
        except Exception:  # Which one it is differs from version to version.
            return client.create_collection(name, embedding_function=None)

    def client(self, place):
        if place not in self.clients:
            self.clients[place] = self.opened(place)
        return self.clients[place]

    def opened(self, place):
        tenant, database = place
        chromadb = self.chromadb
        if not hasattr(chromadb, "AdminClient"):
            return chromadb.PersistentClient(path=self.directory, settings=self.settings)
        if place != DEFAULT:
            self.client(DEFAULT)
            admin = chromadb.AdminClient(self.settings)
            for make in (lambda: admin.create_tenant(tenant), lambda: admin.create_database(database, tenant=tenant)):
                try:
                    make()
                except Exception:
                    pass  # It is there already; if not, the client says so.
        return chromadb.PersistentClient(
            path=self.directory, settings=self.settings, tenant=tenant, database=database
        )


def numbers(vector, encoding):
    """The stored bytes are four-byte numbers, little endian; with `--vectors array` they are decoded already."""
    if vector is None or isinstance(vector, list):
        return vector
    stored = base64.b64decode(vector)
    if encoding not in ("FLOAT32", "INT32") or len(stored) % 4 != 0:
        raise SystemExit(f"replay: a vector of {len(stored)} bytes and encoding {encoding}")
    return list(struct.unpack(f"<{len(stored) // 4}{'f' if encoding == 'FLOAT32' else 'i'}", stored))


def fields_of(row):
    """What a row gives to the API. The document and the URI are stored among the metadata."""
    metadata = json.loads(row["metadata"]) if row["metadata"] is not None else {}
    document, uri = metadata.pop(DOCUMENT, None), metadata.pop(URI, None)
    fields = {"ids": row["id"]}
    if row["vector"] is not None:
        fields["embeddings"] = numbers(row["vector"], row["encoding"])
    if metadata:
        fields["metadatas"] = metadata  # An update to None deletes a key, in the log as in the API.
    if document is not None:
        fields["documents"] = document
    if uri is not None:
        fields["uris"] = uri
    return fields


class Batch:
    """Rows that follow each other and can go into one call: one collection, one operation, the same fields."""

    def __init__(self):
        self.collection, self.verb, self.rows, self.ids = None, None, [], set()

    def fits(self, collection, verb, fields):
        return (
            len(self.rows) in range(1, MOST_AT_ONCE)
            and self.collection is collection
            and self.verb == verb
            and self.rows[0].keys() == fields.keys()
            and fields["ids"] not in self.ids
        )

    def add(self, collection, verb, fields):
        if not self.fits(collection, verb, fields):
            self.write()
            self.collection, self.verb = collection, verb
        self.rows.append(fields)
        self.ids.add(fields["ids"])

    def write(self):
        if self.rows:
            call = getattr(self.collection, self.verb)
            call(**{name: [row[name] for row in self.rows] for name in self.rows[0]})
        self.rows, self.ids = [], set()


def place_of(row, places):
    """Where the row's collection goes; None where the export has no name for it and none was given."""
    if row["collection"] in places:
        return places[row["collection"]]
    return None if row["collection_name"] is None else (*DEFAULT, row["collection_name"])


def replay(lines, target, places):
    done, left, used, opened, batch = collections.Counter(), collections.Counter(), {}, {}, Batch()
    for line in lines:
        row = json.loads(line)
        verb, place = row["op"], place_of(row, places)
        if place is None or verb not in ("add", "update", "upsert", "delete"):
            left["of no collection" if place is None else verb] += 1
            continue
        if used.setdefault(place, row["collection"]) != row["collection"]:
            raise SystemExit(f"replay: two collections are called {place[2]}: give one of them another place with --to")
        if place not in opened:
            opened[place] = target.collection(*place)
        fields = {"ids": row["id"]} if verb == "delete" else fields_of(row)
        if verb == "add" and "embeddings" not in fields:
            raise SystemExit(f"replay: row {row['seq_id']} adds a record without a vector: exported with --vectors none?")
        if verb != "delete" and len(fields) == 1:
            left["without anything in it"] += 1
            continue
        batch.add(opened[place], verb, fields)
        done[verb] += 1
    batch.write()
    return done, left


def parse_place(text):
    collection, separator, name = text.partition("=")
    parts = name.split("/", 2)
    if not separator or not all([collection, *parts]) or len(parts) == 2:
        raise argparse.ArgumentTypeError(f"expected ID=NAME or ID=TENANT/DATABASE/NAME, got {text!r}")
    return collection, tuple(parts) if len(parts) == 3 else (*DEFAULT, name)


def verify_places(to, lines):
    """Ends the run before anything is written where --to cannot be followed."""
    for what, named in (("collection", [each for each, _ in to]), ("place", ["/".join(each) for _, each in to])):
        twice = sorted(each for each, number in collections.Counter(named).items() if number > 1)
        if twice:
            raise SystemExit(f"replay: --to names a {what} twice: {', '.join(twice)}")
    missing, known = {each for each, _ in to}, {}
    for line in lines if missing else ():
        row = json.loads(line)
        missing.discard(row["collection"])
        if not missing:
            return
        known[row["collection"]] = row["collection_name"]
    if missing:
        there = ", ".join(f"{each} ({name})" for each, name in known.items() if each is not None) or "none"
        raise SystemExit(f"replay: --to names {', '.join(sorted(missing))}, which the export has not; it has: {there}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", metavar="EXPORT")
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--to", action="append", default=[], type=parse_place, metavar="ID=[TENANT/DATABASE/]NAME")
    options = parser.parse_args()
    opening = gzip.open if options.export.endswith(".gz") else open
    with opening(options.export, "rt", encoding="utf-8") as lines:
        verify_places(options.to, lines)
    with opening(options.export, "rt", encoding="utf-8") as lines:
        done, left = replay(lines, Target(options.directory), dict(options.to))
    print("replayed " + (", ".join(f"{number} {verb}" for verb, number in done.items()) or "nothing"))
    for what, number in left.items():
        print(f"left out {number}: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
