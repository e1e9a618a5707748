"""Makes the sample pictures: references, photos, and the tables that say what they are.

    python -m venv venv && venv/bin/pip install -r samples/requirements.txt
    venv/bin/python samples/generate.py

Everything in them is invented: the brands, the packs, the barcodes (numbers kept for use inside shops) and the scenes, which are
ray traced. No photo, no real logo and no third-party picture goes in. Fonts come from the pip packages named `font-*` in
`requirements.txt` (SIL Open Font License 1.1, Roboto: Apache 2.0), which bundle the font files, so that the same versions draw the
same letters everywhere. One seed per picture, one thread: a second run with the pinned packages writes the same bytes.

`--only NAME...` makes some photos only, `--draft 0.5` makes small ones, `--out DIR` writes elsewhere.
"""
import argparse
import csv
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from studio import shots

SEED = 20250


def save(path, picture, quality):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, quality=quality, subsampling="4:2:0", optimize=True)


def write_table(path, head, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)


def references(out):
    """One flat picture per product and the table of protected marks."""
    rows = []
    for (brand, product), art in shots.PRODUCTS.items():
        art = shots.print_of(art)
        save(out / "brands" / brand / product / "pack.jpg", art.reference, 90)
        rows += [(brand, product, "pack.jpg", m["name"], m["kind"], m["text"], *m["region"]) for m in art.marks]
    write_table(out / "marks.csv", ("brand", "product", "image", "name", "kind", "text", "x0", "y0", "x1", "y1"), rows)


def photos(out, only, draft):
    for shot in shots.SHOTS:
        if only and shot.name not in only:
            continue
        rng = np.random.default_rng([SEED, zlib.crc32(shot.name.encode())])
        quality = int(rng.integers(75, 88))
        save(out / "photos" / f"{shot.name}.jpg", shots.photograph(shot, rng, draft), quality)
        print(shot.name, flush=True)
    rows = [(f"photos/{s.name}.jpg", *s.claim, s.expected, s.what) for s in shots.SHOTS]
    write_table(out / "expected.csv", ("path", "brand", "product", "expected", "what"), rows)


def main():
    parser = argparse.ArgumentParser(description="make the sample pictures")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--draft", type=float, default=1.0)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if not args.only:
        references(args.out)
    photos(args.out, args.only, args.draft)


if __name__ == "__main__":
    main()
