#!/usr/bin/env python3
"""The logic of the published wal_clean.py: one DELETE per topic below the position in each pickle, no VACUUM.

    wal-clean.py DIR

Only the way from segment to topic is another one, because the published script fails on the column `topic`, which
Chroma has dropped. Needs chromadb for the class that the pickles name.
"""

import pickle
import sqlite3
import sys

directory = sys.argv[1]
database = sqlite3.connect(f"{directory}/chroma.sqlite3")
topics = {topic.rsplit("/", 1)[1]: topic for (topic,) in database.execute("SELECT DISTINCT topic FROM embeddings_queue")}
deletes = []
for segment, collection in database.execute("SELECT id, collection FROM segments WHERE scope = 'VECTOR'").fetchall():
    with open(f"{directory}/{segment}/index_metadata.pickle", "rb") as file:
        last = pickle.load(file).max_seq_id
    deletes.append(f"DELETE FROM embeddings_queue WHERE seq_id < {last} AND topic = '{topics[collection]}';")
database.executescript("\n".join(deletes))
database.close()
