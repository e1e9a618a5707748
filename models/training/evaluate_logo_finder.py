"""Measures the logo finder on a labelled folder of real photos (photos.csv, references.csv, boxes.csv, references/vector-*.png).

    python evaluate_logo_finder.py --folder LOGOS --model FOLDER_OF_THE_MODEL [--levels 512,256,128] [--close]

Close-ups are left out unless --close is given. `at 1 %`: share of genuine pairs above the 99 % quantile of the scores of other brands and none; the
calibration's limit is that quantile of calibration brands on photos of other calibration brands.
"""

import argparse
import collections
import csv
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from logo_finder_reference import LogoFinder, read


def tight(image):
    """A drawing on white cropped to its ink."""
    ys, xs = np.where(image.min(2) < 128)
    return np.ascontiguousarray(image[ys.min():ys.max() + 1, xs.min():xs.max() + 1])


def auc(a, b):
    b = np.sort(b)
    return np.mean((np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")) / 2 / len(b))


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0, w) * max(0, h)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both + 1e-9)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--folder", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--levels", default="512,256,128")
    p.add_argument("--candidates", type=int, default=6)
    p.add_argument("--close", action="store_true")
    p.add_argument("--weights", help="three numbers, to try others than the model's")
    p.add_argument("--dump")
    a = p.parse_args()
    folder = pathlib.Path(a.folder)
    rows = lambda n: list(csv.DictReader(open(folder / f"{n}.csv")))
    finder = LogoFinder(a.model)
    if a.weights:
        finder.weights = [float(v) for v in a.weights.split(",")]
    levels = [int(v) for v in a.levels.split(",")]
    photos = [r for r in rows("photos") if a.close or "-close-" not in r["path"]]
    split = {r["brand"]: r["split"] for r in photos}
    boxes = {r["path"]: tuple(float(r[k]) for k in ("x0", "y0", "x1", "y1")) for r in rows("boxes")}
    crops, vectors = collections.defaultdict(list), {}
    t, n = time.process_time(), 0
    for r in rows("references"):
        crops[r["brand"]].append(finder.query(read(folder / r["path"])))
        n += 1
    print(f"query: {(time.process_time() - t) / n * 1000:.0f} ms of CPU each, once")
    for f in sorted((folder / "references").glob("vector-*.png")):
        vectors[f.stem[7:]] = [finder.query(tight(read(f)))]
    encode = search = 0.0
    searches = 0
    kinds = {"photo crops": crops, "vector": vectors}
    score = {k: {} for k in kinds}
    where = {k: {} for k in kinds}
    for r in photos:
        image = read(folder / r["path"])
        t = time.process_time()
        maps = finder.photo(image, levels)
        encode += time.process_time() - t
        t = time.process_time()
        for kind, brands in kinds.items():
            for brand, references in brands.items():
                hits = [h for q in references for h in finder.search(maps, q, a.candidates, detail=True)]
                searches += len(references)
                best = max(hits, key=lambda h: h[0])
                score[kind][r["path"], brand] = best[0]
                where[kind][r["path"], brand] = best
        search += time.process_time() - t
    print(f"{len(photos)} photos: encoding {encode / len(photos) * 1000:.1f} ms of CPU a photo, search {search / searches * 1000:.2f} ms a query picture (numpy)")
    if a.dump:
        import pickle
        pickle.dump((photos, score, where, boxes), open(a.dump, "wb"))
    report(photos, split, boxes, score, where)


def report(photos, split, boxes, score, where):
    for kind, s in score.items():
        brands = sorted({b for _, b in s})
        for part in ("all", "test", "calibration"):
            chosen = [b for b in brands if part == "all" or split[b] == part]
            shown = [p for p in photos if part == "all" or p["split"] == part]
            genuine = [(p["path"], p["brand"]) for p in shown if p["brand"] in chosen]
            other = np.array([s[p["path"], b] for p in shown for b in chosen if p["brand"] != b])
            right = np.array([s[g] for g in genuine])
            limit = np.quantile(other, .99)
            first = sum(max(chosen, key=lambda b: s[path, b]) == brand for path, brand in genuine)
            line = f"{kind:12s} {part:11s} AUC {auc(right, other):.3f}  at 1 % {np.mean(right > limit):.2f} (limit {limit:.2f}; {len(right)} genuine, {len(other)} other)  first {first}/{len(genuine)}"
            if part == "test":
                cal = [b for b in brands if split[b] == "calibration"]
                base = [s[p["path"], b] for p in photos if p["split"] == "calibration" for b in cal if p["brand"] != b]
                fixed = np.quantile(base, .99)
                line += f"  at the calibration's limit {fixed:.2f}: found {np.mean(right > fixed):.2f}, false {np.mean(other > fixed):.3f}"
            print(line)
            if part != "all":
                continue
            sizes = {"under 3 %": (0, .03), "3-10 %": (.03, .1), "over 10 %": (.1, 2)}
            for name, (low, high) in sizes.items():
                those = [g for g in genuine if g[0] in boxes and low <= (boxes[g[0]][2] - boxes[g[0]][0]) * (boxes[g[0]][3] - boxes[g[0]][1]) < high]
                if not those:
                    continue
                v = np.array([s[g] for g in those])
                inside = iou = 0
                for g in those:
                    box, got = boxes[g[0]], where[kind][g][1]
                    cx, cy = (got[0] + got[2]) / 2, (got[1] + got[3]) / 2
                    inside += box[0] <= cx <= box[2] and box[1] <= cy <= box[3]
                    iou += overlap(box, got) >= .5
                print(f"    {name:10s} {len(those)} photos: AUC {auc(v, other):.3f}, at 1 % {np.mean(v > limit):.2f}, box centre inside {inside}, IoU .5 {iou}")
            print("    by brand, found at 1 %:", ", ".join(f"{b} {sum(s[g] > limit for g in genuine if g[1] == b)}/{sum(g[1] == b for g in genuine)}" for b in brands))


if __name__ == "__main__":
    main()
