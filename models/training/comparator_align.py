"""Real pairs for the comparator: photos of a labelled folder brought into their reference's frame (long side 640 px, or
what the photos support).

    python comparator_align.py --folder DATA --xfeat ../xfeat_dense.onnx --out PAIRS [--long-side 384]

Takes the photos of the `calibration` split only, and only references of kind `pack` that a genuine claim or the photo's own row names.
Each pair is kept with a map of where print and photo visibly agree; elsewhere a finger or a reflection may lie.
"""

import argparse
import csv
import pathlib

import cv2
import numpy as np

FRAME = 640


def rows_of(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def read_rgb(path):
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"cannot read `{path}`")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def to_frame(image, long_side):
    """Resized so that the long side is `long_side` and both are multiples of 32."""
    h, w = image.shape[:2]
    k = long_side / max(h, w)
    size = (max(64, round(w * k / 32) * 32), max(64, round(h * k / 32) * 32))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if k < 1 else cv2.INTER_CUBIC)


class Keypoints:
    """XFeat: points and unit descriptors of an image whose sides are multiples of 32."""

    def __init__(self, path, threads=1):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options)
        self.name = self.session.get_inputs()[0].name

    def __call__(self, image, top=1200):
        grey = image.mean(2).astype(np.float32)[None, None]
        feats, heat, rel = self.session.run(None, {self.name: grey})
        feats, heat, rel = feats[0], heat[0, 0], rel[0, 0]
        h, w = heat.shape
        ys, xs = np.where((heat == cv2.dilate(heat, np.ones((5, 5), np.uint8))) & (heat > 0.05))
        fx = np.clip(xs / (w - 1) * (w // 8) - 0.5, 0, w // 8 - 1).astype(np.float32)
        fy = np.clip(ys / (h - 1) * (h // 8) - 0.5, 0, h // 8 - 1).astype(np.float32)
        score = heat[ys, xs] * sample(rel[None], fx, fy)[:, 0]
        order = np.argsort(-score)[:top]
        d = sample(feats, fx[order], fy[order])
        d /= np.linalg.norm(d, axis=1, keepdims=True) + 1e-9
        return np.stack([xs[order], ys[order]], 1).astype(np.float32), d


def sample(maps, x, y):
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x1, y1 = np.minimum(x0 + 1, maps.shape[2] - 1), np.minimum(y0 + 1, maps.shape[1] - 1)
    a, b = x - x0, y - y0
    return (maps[:, y0, x0] * (1 - a) * (1 - b) + maps[:, y0, x1] * a * (1 - b) + maps[:, y1, x0] * (1 - a) * b + maps[:, y1, x1] * a * b).T


def homography(query, reference, limit):
    """Reference to query by mutual nearest neighbours and MAGSAC: `(matrix or None, inliers)`."""
    (pq, dq), (pr, dr) = query, reference
    cos = dq @ dr.T
    best, back = cos.argmax(1), cos.argmax(0)
    n = np.arange(len(best))
    keep = (back[best] == n) & (cos[n, best] > 0.75)
    if keep.sum() < 8:
        return None, 0
    cv2.setRNGSeed(0)
    matrix, mask = cv2.findHomography(pr[best[keep]], pq[n[keep]], cv2.USAC_MAGSAC, limit, maxIters=1500, confidence=0.999)
    return (None, 0) if matrix is None else (matrix, int(mask.sum()))


def plausible(matrix, size, query_size):
    w, h = size
    quad = cv2.perspectiveTransform(np.float32([[[0, 0], [w, 0], [w, h], [0, h]]]), matrix)[0]
    edge = np.roll(quad, -1, 0) - quad
    following = np.roll(edge, -1, 0)
    if not (edge[:, 0] * following[:, 1] - edge[:, 1] * following[:, 0] > 0).all():
        return False
    area = abs(cv2.contourArea(quad.astype(np.float32))) / (query_size[0] * query_size[1])
    long = np.linalg.norm(edge, axis=1)
    return 0.01 < area < 6 and max(long[0], long[2]) < 4 * min(long[0], long[2]) and max(long[1], long[3]) < 4 * min(long[1], long[3])


class Frame:
    """A reference in its frame, with the keypoints of its four rotations."""

    def __init__(self, points, image, long_side=FRAME):
        self.image = to_frame(image, long_side)
        h, w = self.image.shape[:2]
        self.turned = []
        for q in range(4):
            xy, d = points(np.ascontiguousarray(np.rot90(self.image, q)), 700)
            x, y = xy[:, 0], xy[:, 1]
            back = [(x, y), (w - 1 - y, x), (w - 1 - x, h - 1 - y), (y, h - 1 - x)][q]
            self.turned.append((np.stack(back, 1).astype(np.float32), d))

    def rectify(self, points, photo, least=25):
        """The photo in the reference's frame, refined once, or None when it does not align."""
        size = (self.image.shape[1], self.image.shape[0])
        small = to_frame(photo, 960)
        found, best = points(small), (None, 0)
        for turned in self.turned:
            matrix, inliers = homography(found, turned, 6.0)
            if matrix is not None and inliers > best[1] and plausible(matrix, size, (small.shape[1], small.shape[0])):
                best = (matrix, inliers)
        if best[1] < least:
            return None
        k = np.diag([photo.shape[1] / small.shape[1], photo.shape[0] / small.shape[0], 1.0])
        matrix = k @ best[0]
        flat = self.warp(photo, matrix)
        finer, inliers = homography(points(flat), self.turned[0], 3.0)
        return self.warp(photo, matrix @ finer) if inliers >= 40 else flat

    def warp(self, photo, matrix):
        size = (self.image.shape[1], self.image.shape[0])
        return cv2.warpPerspective(photo, matrix, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)


def agreement(reference, photo):
    """1 where the two agree up to a shift of 4 px: best normalised cross-correlation in 25 px windows above 0.6, or both plain."""
    grey = lambda image: cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.2)
    box = lambda image: cv2.boxFilter(image, -1, (25, 25))
    a, b = grey(reference), grey(photo)
    ma, va = box(a), np.maximum(box(a * a) - box(a) ** 2, 0)
    best = np.full(a.shape, -1, np.float32)
    for dy in (-4, -2, 0, 2, 4):
        for dx in (-4, -2, 0, 2, 4):
            s = np.roll(b, (dy, dx), (0, 1))
            ms, vs = box(s), np.maximum(box(s * s) - box(s) ** 2, 0)
            best = np.maximum(best, (box(a * s) - ma * ms + 4) / np.sqrt((va + 4) * (vs + 4)))
    return (best > 0.6).astype(np.uint8)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--folder", required=True)
    ask.add_argument("--xfeat", required=True)
    ask.add_argument("--out", required=True)
    ask.add_argument("--per-product", type=int, default=30, help="photos of one product at most")
    ask.add_argument("--long-side", type=int, default=FRAME, help="of the frame in pixels: small photos are not blown up for it")
    a = ask.parse_args()
    cv2.setNumThreads(1)
    root, out = pathlib.Path(a.folder), pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    points, frames, count, kept = Keypoints(a.xfeat), {}, {}, 0
    paths = {(r["brand"], r["product"]): r["path"] for r in reversed(rows_of(root / "references.csv")) if r["kind"] == "pack"}
    for row in rows_of(root / "photos.csv"):
        key = (row["brand"], row["product"])
        if row["split"] != "calibration" or key not in paths or count.get(key, 0) >= a.per_product:
            continue
        count[key] = count.get(key, 0) + 1
        if key not in frames:
            frames[key] = Frame(points, read_rgb(root / paths[key]), a.long_side)
        flat = frames[key].rectify(points, read_rgb(root / row["path"]))
        if flat is None:
            continue
        reference = frames[key].image
        kept += 1
        np.savez(out / f"{root.name}-{pathlib.Path(row['path']).stem}.npz", reference=reference, photo=flat, clear=agreement(reference, flat))
    print(f"{kept} of {sum(count.values())} photos aligned")


if __name__ == "__main__":
    main()
