"""Measures search by embedding alone on a labelled folder: rank of the true product among all unedited references.

    python embedder_eval.py --folder DATA --model ../embedder.onnx [--split test] [--brands a,b]

Photos are cut to their middle (0.75 of each side), as the program does while it does not know where the article lies.
"""

import argparse
import csv
import math
import pathlib

import cv2
import numpy as np
import onnxruntime

from embedder_data import DEVIATION, MEAN, square


def middle(image, share=0.75):
    h, w = image.shape[:2]
    y, x = int(h * (1 - share) / 2), int(w * (1 - share) / 2)
    return image[y:h - y, x:w - x]


def wilson(hits, total, z=1.96):
    p, d = hits / total, 1 + z * z / total
    centre, half = (p + z * z / 2 / total) / d, z * math.sqrt(p * (1 - p) / total + z * z / 4 / total**2) / d
    return f"{100 * p:.1f} % [{100 * (centre - half):.1f}, {100 * (centre + half):.1f}] ({hits}/{total})"


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--folder", required=True)
    ask.add_argument("--model", required=True)
    ask.add_argument("--output", help="name of the output to take, the first if left out")
    ask.add_argument("--split", default="test")
    ask.add_argument("--brands", help="only photos of these brands, separated by commas")
    a = ask.parse_args()
    folder = pathlib.Path(a.folder)
    rows = lambda name: list(csv.DictReader(open(folder / name)))
    read = lambda path: cv2.cvtColor(cv2.imread(str(folder / path)), cv2.COLOR_BGR2RGB)
    photos = rows("photos.csv")
    shown = {(p["brand"], p["product"]) for p in photos}
    references = [r for r in rows("references.csv") if (r["brand"], r["product"]) in shown]
    photos = [p for p in photos if p["split"] == a.split and (not a.brands or p["brand"] in a.brands.split(","))]
    session = onnxruntime.InferenceSession(a.model)

    def embed(image):
        tensor = ((square(image).astype(np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)[None]
        values = session.run([a.output] if a.output else None, {"image": tensor})[0][0]
        return values / np.linalg.norm(values)

    gallery = np.stack([embed(read(r["path"])) for r in references])
    keys = [(r["brand"], r["product"]) for r in references]
    ranks = []
    for p in photos:
        likeness = gallery @ embed(middle(read(p["path"])))
        ranks.append(int((likeness > max(l for l, k in zip(likeness, keys) if k == (p["brand"], p["product"]))).sum()))
    ranks = np.array(ranks)
    print(f"{len(photos)} photos of split {a.split} against {len(references)} references")
    for n in (1, 3, 10):
        print(f"among the first {n}: {wilson(int((ranks < n).sum()), len(ranks))}")


if __name__ == "__main__":
    main()
