"""Minimal implementation (numpy, OpenCV for resizing, ONNX Runtime) of the one-shot logo search; the port is tested against it.

    python logo_finder_reference.py PHOTO QUERY [QUERY ...]      # queries: logo pictures cropped tight
    python logo_finder_reference.py --example FOLDER             # runs the pictures of the folder and compares with its expected.json
    python logo_finder_reference.py --write FOLDER               # writes expected.json

All pictures are arrays of bytes, HxWx3, RGB.
"""

import json
import pathlib
import sys

import cv2
import numpy as np
import onnxruntime

LEVELS = (512, 256, 128)  # longer side of the photo
SIZES = {48: 96, 72: 128, 108: 160, 160: 224}  # longer side of the logo in the query: canvas
STRIDE, FINE, GRID, UNIT = 16, 8, 5, 64.0
CANDIDATES = 6  # places that are verified, per query picture
WEIGHTS = (7.2974, 7.3111, -8.5807)  # of the map, of the parts, bias; replaced by weights.json where that lies beside the model
MEAN = np.float32([0.485, 0.456, 0.406])
DEVIATION = np.float32([0.229, 0.224, 0.225])


def resize(image, w, h):
    """Area average when it shrinks, bilinear (half-pixel centres) when it grows."""
    return cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if w * h < image.shape[0] * image.shape[1] else cv2.INTER_LINEAR)


def tensor(image):
    return np.ascontiguousarray(((image.astype(np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1))[None]


def bilinear(fine, x, y):
    """Samples of a map PxHxW at x, y in its own cells (0.0 is the middle of the first), held at the edges: PxN."""
    _, h, w = fine.shape
    x, y = np.clip(x, 0, w - 1), np.clip(y, 0, h - 1)
    x0, y0 = np.minimum(np.floor(x).astype(int), w - 1), np.minimum(np.floor(y).astype(int), h - 1)
    x1, y1 = np.minimum(x0 + 1, w - 1), np.minimum(y0 + 1, h - 1)
    fx, fy = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    return (fine[:, y0, x0] * (1 - fx) + fine[:, y0, x1] * fx) * (1 - fy) + (fine[:, y1, x0] * (1 - fx) + fine[:, y1, x1] * fx) * fy


def parts_of(fine, boxes):
    """Unit vectors of GRID x GRID samples over boxes Nx4 (pixels of the encoded picture): Nx(P*GRID*GRID), channel first, then row, column."""
    t = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    x = boxes[:, None, None, 0] + (boxes[:, 2] - boxes[:, 0])[:, None, None] * t[None, None, :] + 0 * t[None, :, None]
    y = boxes[:, None, None, 1] + (boxes[:, 3] - boxes[:, 1])[:, None, None] * t[None, :, None] + 0 * t[None, None, :]
    got = bilinear(fine, x.reshape(-1) / FINE - 0.5, y.reshape(-1) / FINE - 0.5)
    got = got.reshape(len(fine), len(boxes), -1).transpose(1, 0, 2).reshape(len(boxes), -1)
    return got / np.maximum(np.linalg.norm(got, axis=1, keepdims=True), 1e-12)


class LogoFinder:
    def __init__(self, folder, threads=1, model="logo_encoder.onnx"):
        folder = pathlib.Path(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(folder / model), options, providers=["CPUExecutionProvider"])
        self.weights = WEIGHTS
        if (folder / "weights.json").exists():
            self.weights = json.loads((folder / "weights.json").read_text())["weights"]

    def run(self, image):
        return [o[0] for o in self.session.run(None, {"image": tensor(image)})]

    def photo(self, image, levels=LEVELS):
        """Maps of a photo at each level: (cells D x n, their columns, rows, box map 4 x n, fine map, scale)."""
        out = []
        for side in levels:
            k = side / max(image.shape[:2])
            h, w = max(1, round(image.shape[0] * k)), max(1, round(image.shape[1] * k))
            small = resize(image, w, h)
            H, W = -(-h // 32) * 32, -(-w // 32) * 32
            padded = np.pad(small, ((0, H - h), (0, W - w), (0, 0)), mode="edge")
            vectors, boxes, fine = self.run(padded)
            rows, columns = -(-h // STRIDE), -(-w // STRIDE)  # cells that begin inside the photo
            y, x = np.mgrid[0:rows, 0:columns].reshape(2, -1)
            out.append((vectors[:, :rows, :columns].reshape(len(vectors), -1), x, y, boxes[:, :rows, :columns].reshape(4, -1), fine, (w, h)))
        return out

    def query(self, tight, negative=True):
        """Query entries of one picture cropped tight: per size and polarity (vector, parts, width, height)."""
        edge = np.concatenate([tight[0], tight[-1], tight[:, 0], tight[:, -1]])
        ground = np.median(edge, 0)
        out = []
        for size, canvas in SIZES.items():
            k = size / max(tight.shape[:2])
            w, h = max(2, round(tight.shape[1] * k)), max(2, round(tight.shape[0] * k))
            picture = np.empty((canvas, canvas, 3), np.uint8)
            picture[:] = ground.astype(np.uint8)
            y, x = (canvas - h) // 2, (canvas - w) // 2
            picture[y:y + h, x:x + w] = resize(tight, w, h)
            for image in (picture, 255 - picture)[:2 if negative else 1]:
                vectors, _, fine = self.run(image)
                m = canvas // 32
                v = vectors[:, m - 1:m + 1, m - 1:m + 1].mean((1, 2))
                out.append((v / np.linalg.norm(v), parts_of(fine, np.float32([[x, y, x + w, y + h]]))[0], w, h))
        return out

    def search(self, photo, query, candidates=CANDIDATES, detail=False):
        """Best hit of one query picture: (score, box as fractions of the photo x0 y0 x1 y1). The score is a logit."""
        V = np.stack([q[0] for q in query])
        found = []
        for level, (cells, _, _, _, _, _) in enumerate(photo):
            s = V @ cells
            best = s.argmax(1)
            found += [(float(s[e, c]), level, e, int(c)) for e, c in enumerate(best)]
        found.sort(reverse=True)
        hits = []
        for s, level, e, c in found[:candidates]:
            _, columns, rows, boxes, fine, (w, h) = photo[level]
            cx, cy = (columns[c] + 0.5) * STRIDE, (rows[c] + 0.5) * STRIDE
            dx, dy, lw, lh = boxes[:, c]
            px, py = cx + dx * STRIDE, cy + dy * STRIDE
            pw, ph = UNIT * np.exp(lw), UNIT * np.exp(lh)
            qw, qh = query[e][2], query[e][3]
            mw, mh = np.sqrt(pw * qw), np.sqrt(ph * qh)
            tries = np.float32([[px - a / 2, py - b / 2, px + a / 2, py + b / 2] for a, b in ((pw, ph), (qw, qh), (mw, mh))])
            agree = parts_of(fine, tries) @ query[e][1]
            n = int(agree.argmax())
            score = self.weights[0] * s + self.weights[1] * float(agree[n]) + self.weights[2]
            x0, y0, x1, y1 = tries[n] / [w, h, w, h]
            hits.append((score, (max(0.0, x0), max(0.0, y0), min(1.0, x1), min(1.0, y1)), s, float(agree[n]), level, e))
        hits.sort(key=lambda a: a[0], reverse=True)
        return hits if detail else hits[0][:2]


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    if image.shape[2] == 4:  # on white
        a = image[..., 3:].astype(np.float32) / 255
        image = np.rint(image[..., :3] * a + 255 * (1 - a)).astype(np.uint8)
    return np.ascontiguousarray(image[..., ::-1])


def expected(finder, folder):
    out = {"weights": list(finder.weights), "queries": {}, "searches": []}
    queries = {}
    for path in sorted(folder.glob("query*.png")):
        queries[path.name] = finder.query(read(path))
        out["queries"][path.name] = [{"width": w, "height": h, "vector": np.round(v, 6).tolist(), "parts_first_64": np.round(p[:64], 6).tolist()} for v, p, w, h in queries[path.name]]
    for path in sorted(folder.glob("photo*.png")):
        maps = finder.photo(read(path))
        for name, query in queries.items():
            hits = finder.search(maps, query, detail=True)
            out["searches"].append({"photo": path.name, "query": name, "hits": [
                {"score": round(float(s), 4), "box": [round(float(v), 4) for v in box], "map": round(float(m), 5), "parts": round(float(a), 5), "level": level, "entry": e}
                for s, box, m, a, level, e in hits]})
        out.setdefault("photos", {})[path.name] = [{"size": list(m[5]), "cells": int(m[0].shape[1]), "cell_0": np.round(m[0][:8, 0], 5).tolist(), "mean_abs_fine": round(float(np.abs(m[4]).mean()), 5)} for m in maps]
    return out


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    finder = LogoFinder(here)
    if sys.argv[1] in ("--example", "--write"):
        folder = pathlib.Path(sys.argv[2])
        got = expected(finder, folder)
        if sys.argv[1] == "--write":
            (folder / "expected.json").write_text(json.dumps(got, indent=1))
        else:
            want = json.loads((folder / "expected.json").read_text())
            for a, b in zip(got["searches"], want["searches"]):
                print(a["photo"], a["query"], a["hits"][0], "as expected" if abs(a["hits"][0]["score"] - b["hits"][0]["score"]) < 1e-3 else f"EXPECTED {b['hits'][0]}")
    else:
        maps = finder.photo(read(sys.argv[1]))
        for name in sys.argv[2:]:
            score, box = finder.search(maps, finder.query(read(name)))
            print(name, f"score {score:.2f} box", [round(float(v), 3) for v in box])
