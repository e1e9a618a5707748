"""Measures the comparator on a labelled folder: genuine against edited claims, by kind of edit.

    pip install rapidocr_onnxruntime==1.4.4
    python comparator_eval.py --folder DATA --models .. --xfeat ../xfeat_dense.onnx --cache CACHE

Marks are the largest text boxes found on the genuine reference. "known" scores the one that holds the edit (against the largest box of
the genuine claims), "worst of N" the highest score of the N largest. Aligned photos and boxes are kept in the cache folder.
"""

import argparse
import collections
import json
import pathlib

import cv2
import numpy as np

from comparator_align import Frame, Keypoints, read_rgb, rows_of
from comparator_run import Comparator

PAD, CELL = 8, 16


def text_boxes(image, frame, least=0.6):
    """Boxes `(x0, y0, x1, y1)` of read text in the frame's pixels, largest first."""
    from rapidocr_onnxruntime import RapidOCR

    if not hasattr(text_boxes, "reader"):
        text_boxes.reader = RapidOCR(intra_op_num_threads=1)
    scale = np.array([frame.shape[1] / image.shape[1], frame.shape[0] / image.shape[0]])
    boxes = []
    for quad, text, sure in text_boxes.reader(image[:, :, ::-1])[0] or []:
        quad = np.array(quad) * scale
        low, high = quad.min(0).astype(int), np.ceil(quad.max(0)).astype(int)
        if float(sure) > least and len(text) >= 3:
            boxes.append([max(0, int(low[0])), max(0, int(low[1])), min(frame.shape[1], int(high[0])), min(frame.shape[0], int(high[1]))])
    return sorted(boxes, key=lambda b: -(b[2] - b[0]) * (b[3] - b[1]))


def span(low, high, limit, least, most):
    """The side of a box with its context, a multiple of 16 between `least` and `most`, inside the frame."""
    size = min(most, limit // CELL * CELL, max(least, -(-(high - low + 2 * PAD) // CELL) * CELL))
    start = min(max(0, (low + high - size) // 2), limit - size)
    return start, start + size


class Marks:
    """Scores marks with the exported networks."""

    def __init__(self, folder):
        self.comparator = Comparator(folder)

    def cells(self, reference, photo, box):
        x0, x1 = span(box[0], box[2], reference.shape[1], 32, 512)
        y0, y1 = span(box[1], box[3], reference.shape[0], 32, 256)
        return self.comparator.probabilities(reference[y0:y1, x0:x1], photo[y0:y1, x0:x1])


def mark_score(p, top=6):
    """Mean of the top cells of p(different), each times the least chance of being seen among itself and its eight neighbours."""
    unseen = cv2.dilate(p[2], np.ones((3, 3), np.uint8))
    return float(np.sort((p[1] * (1 - unseen)).ravel())[-top:].mean())


def margin_score(p, top=6):
    """Mean of the top cells' log-odds of `different`."""
    return float(np.sort((np.log(p[1] + 1e-9) - np.log(1 - p[1] + 1e-9)).ravel())[-top:].mean())


def mass_score(p):
    """Log of the total of p(different) over cells, each squared so that faint doubt does not add up."""
    return float(np.log((p[1] ** 2 * (1 - p[2])).sum() + 1e-6))


SCORES = {"top6": mark_score, "top3": lambda p: mark_score(p, 3), "top12": lambda p: mark_score(p, 12), "margin6": margin_score, "mass": mass_score}


def auc(high, low):
    if not len(high) or not len(low):
        return float("nan")
    high, low = np.array(high)[:, None], np.array(low)[None]
    return float((high > low).mean() + 0.5 * (high == low).mean())


def prepare(folder, xfeat, cache, split):
    """Aligned photos (`photo path -> array`) and marks per brand, from the cache where they are there already."""
    cache.mkdir(parents=True, exist_ok=True)
    points, frames, marks = Keypoints(xfeat), {}, {}
    references = {(r["brand"], r["product"]): r["path"] for r in rows_of(folder / "references.csv")}
    flats = {}
    for row in rows_of(folder / "photos.csv"):
        if row["split"] != split:
            continue
        key, kept = (row["brand"], row["product"]), cache / (row["path"].replace("/", "-") + ".npz")
        boxes = cache / f"{row['brand']}.json"
        if not (kept.exists() and boxes.exists()):
            if key not in frames:
                image = read_rgb(folder / references[key])
                frames[key] = Frame(points, image)
                boxes.write_text(json.dumps(text_boxes(image, frames[key].image)))
            flat = frames[key].rectify(points, read_rgb(folder / row["path"]))
            np.savez(kept, reference=frames[key].image, photo=np.zeros((0, 0, 3), np.uint8) if flat is None else flat)
        data = np.load(kept)
        marks[row["brand"]] = json.loads(boxes.read_text())
        if data["photo"].size:
            flats[row["path"]] = (data["reference"], data["photo"])
    return flats, marks, references


def edit_place(edited, genuine):
    """Centre of what differs between two references, or None."""
    mask = (np.abs(edited.astype(int) - genuine).max(2) > 40).astype(np.uint8)
    ys, xs = np.where(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2))))
    return (np.median(xs), np.median(ys)) if len(xs) else None


def score_claims(folder, flats, marks, references, network, count):
    """Rows `(kind, photo, {score name: (worst, known or None, of the largest box)})` of the aligned photos."""
    rows, images, unseen = [], {}, []
    for claim in rows_of(folder / "claims.csv"):
        if claim["path"] not in flats or claim["truth"] not in ("genuine", "edited"):
            continue
        genuine, photo = flats[claim["path"]]
        key = (claim["brand"], claim["product"])
        if key not in images:
            images[key] = cv2.resize(read_rgb(folder / references[key]), genuine.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        boxes, held = marks[claim["brand"]][:max(count, 3)], None
        if claim["edit"]:
            at = edit_place(images[key], genuine)
            inside = [b for b in boxes if at and b[0] - 4 <= at[0] <= b[2] + 4 and b[1] - 4 <= at[1] <= b[3] + 4]
            held = inside[0] if inside else None
        cells = [network.cells(images[key], photo, b) for b in boxes]
        if not cells:
            continue
        if not claim["edit"]:
            unseen.append(float(cells[0].argmax(0).__eq__(2).mean()))
        known = cells[boxes.index(held)] if held else None
        found = {name: (max(f(p) for p in cells[:count]), None if known is None else f(known), f(cells[0])) for name, f in SCORES.items()}
        rows.append((claim["edit"] or "genuine", claim["path"], found))
    return rows, unseen


def report(rows, name, count):
    null = [r[2][name] for r in rows if r[0] == "genuine"]
    worst_null, first_null = [n[0] for n in null], [n[2] for n in null]
    caught = lambda scores, null, budget: 100 * float(np.mean(np.array(scores) > np.quantile(null, 1 - budget))) if scores else float("nan")
    print(f"\nscore `{name}`: {len(null)} genuine claims")
    print(f"| edit | known: n | AUC | @1 % | @5 % | worst of {count}: n | AUC | @1 % | @5 % |\n|---|---|---|---|---|---|---|---|---|")
    for kind in sorted({r[0] for r in rows} - {"genuine"}):
        of = [r[2][name] for r in rows if r[0] == kind]
        known, worst = [o[1] for o in of if o[1] is not None], [o[0] for o in of]
        print(f"| {kind} | {len(known)} | {auc(known, first_null):.3f} | {caught(known, first_null, .01):.0f} | {caught(known, first_null, .05):.0f} "
              f"| {len(worst)} | {auc(worst, worst_null):.3f} | {caught(worst, worst_null, .01):.0f} | {caught(worst, worst_null, .05):.0f} |")


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--folder", required=True)
    ask.add_argument("--models", required=True, help="folder of the exported comparator")
    ask.add_argument("--xfeat", required=True)
    ask.add_argument("--cache", required=True)
    ask.add_argument("--split", default="test")
    ask.add_argument("--marks", type=int, default=2, help="marks taken for the worst-of score")
    ask.add_argument("--score", choices=[*SCORES, "all"], default="top6")
    a = ask.parse_args()
    cv2.setNumThreads(1)
    folder = pathlib.Path(a.folder)
    flats, marks, references = prepare(folder, a.xfeat, pathlib.Path(a.cache), a.split)
    rows, unseen = score_claims(folder, flats, marks, references, Marks(a.models), a.marks)
    print(f"{len(flats)} photos aligned, {len(rows)} claims, cannot see on genuine marks {100 * np.mean(unseen):.1f} % of cells")
    for name in SCORES if a.score == "all" else [a.score]:
        report(rows, name, a.marks)
    genuine = collections.defaultdict(float)
    for kind, path, found in rows:
        if kind == "genuine":
            genuine[path] = max(genuine[path], found["top6"][0])
    print("\nworst genuine:", ", ".join(f"{p} {s:.3f}" for p, s in sorted(genuine.items(), key=lambda g: -g[1])[:8]))


if __name__ == "__main__":
    main()
