#!/usr/bin/env python3
"""Fills the review queue of a data folder with copies of one of its flagged checks.

    assay demo --keep DIR
    python3 benches/fill_queue.py DIR 1000000
    assay serve --data DIR --requests-per-minute 0

Written past the program, in one database of SQLite: the audit log knows nothing of these checks, so use a folder that can go.
"""

import json
import sqlite3
import sys
import time
import uuid
from pathlib import Path

BATCH = 20_000


def uuid7(ms: int, n: int) -> str:
    """A UUID of version 7 of that time, by the number of the check."""
    low = n * 2654435761 & (1 << 62) - 1
    return str(uuid.UUID(int=ms << 80 | 7 << 76 | (n & 0xFFF) << 64 | 2 << 62 | low))


def checks(answer: dict, count: int):
    """Rows of `checks`, `reviews` and `review_words`."""
    first = int(time.time() * 1000) - count * 40
    for n in range(count):
        ms = first + n * 40
        listing, seller, rank = f"item-{n}", f"shop-{n % 5000}", n * 7919 % 10_000 / 1e6
        answer |= {"id": uuid7(ms, n), "listing_id": listing, "seller_id": seller, "p_value": rank}
        words = {listing, seller, *listing.split("-"), *seller.split("-")}
        brand = answer["claim"]["brand"]
        row = (answer["id"], "deviates", brand, seller, listing, json.dumps(answer), "local")
        yield row, (answer["id"], "open", 0, ms, "deviates", brand, rank), [(w, answer["id"]) for w in words]


def main(folder: str, count: int) -> None:
    db = sqlite3.connect(Path(folder) / "assay.sqlite")
    db.execute("PRAGMA synchronous = OFF")
    kept = db.execute("SELECT answer FROM checks WHERE verdict = 'deviates' ORDER BY id LIMIT 1").fetchone()
    if kept is None:
        sys.exit(f"`{folder}` holds no check that deviates; make one by `assay demo --keep {folder}`")
    answer = json.loads(kept[0])
    # Whole answers would fill the disk and are not what is measured.
    answer["photos"][0] |= {"matches": [], "instances": []}
    rows: list = []

    def flush() -> None:
        db.executemany(
            "INSERT INTO checks (id, verdict, brand, seller, listing, answer, actor) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [check for check, _, _ in rows],
        )
        db.executemany(
            "INSERT INTO reviews (check_id, state, disputed, since_ms, verdict, brand, rank) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [review for _, review, _ in rows],
        )
        db.executemany(
            "INSERT INTO review_words (word, check_id) VALUES (?, ?)",
            [word for _, _, words in rows for word in words],
        )
        db.commit()
        rows.clear()

    for row in checks(answer, count):
        rows.append(row)
        if len(rows) == BATCH:
            flush()
    flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
