"""Photos as honest sellers send them, made from the calibration photos of a labelled folder.

    python widen_calibration.py FOLDER OUT [--each N]

OUT becomes a labelled folder for `assay eval OUT --rows FILE`: the references of FOLDER, and of each product N calibration
photos (default 1) in every form below, all genuine, all of split `calibration`; no test photo is read. `fit_fusion.py --widen FILE` takes their
scores into the shipped calibration. Needs numpy and opencv-python-headless.
"""
import argparse, csv, os, random, shutil
import cv2
import numpy as np


def words(picture, text, at, height, colour):
    scale = height / 22
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_DUPLEX, scale, colour, max(1, round(1.6 * scale)), cv2.LINE_AA)


def on_ground(picture, share, rng, side=1500):
    """The picture `share` of the side large, somewhere on a wall of another colour."""
    zoom = share * side / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    height, width = max(round(side * 0.7), small.shape[0]), side
    colour = rng.uniform(90, 220, 3)
    ground = np.clip(rng.normal(0, 6, (height, width, 1)) + colour, 0, 255).astype(np.uint8)
    y, x = (rng.integers(0, m + 1) for m in (height - small.shape[0], width - small.shape[1]))
    ground[y : y + small.shape[0], x : x + small.shape[1]] = small
    return ground


def beside(picture, other, rng):
    height = 900
    pictures = [cv2.resize(p, None, fx=height / p.shape[0], fy=height / p.shape[0], interpolation=cv2.INTER_AREA) for p in (picture, other)]
    return np.hstack(pictures if rng.random() < 0.5 else pictures[::-1])


def rows_of(picture, columns, rows):
    small = cv2.resize(picture, None, fx=480 / picture.shape[1], fy=480 / picture.shape[1], interpolation=cv2.INTER_AREA)
    return np.vstack([np.hstack([small] * columns)] * rows)


def watermarked(picture, rng):
    layer, unit = np.zeros_like(picture), max(picture.shape[:2]) / 30
    step, text = rng.uniform(3, 5), rng.choice(["sample shop", "best deals", "my store"])
    for k, y in enumerate(np.arange(0, picture.shape[0] + step * unit, step * unit)):
        for x in np.arange(-8 * unit, picture.shape[1], 9 * unit):
            words(layer, text, (int(x + k % 2 * 3 * unit), int(y)), unit, (255,) * 3)
    share = (layer > 0) * rng.uniform(0.25, 0.45)
    return (picture * (1 - share) + 255 * share).astype(np.uint8)


def bannered(picture, rng):
    made, (h, w) = picture.copy(), picture.shape[:2]
    high = int(rng.uniform(0.1, 0.16) * h)
    top = 0 if rng.random() < 0.5 else h - high
    made[top : top + high] = rng.integers(0, 160, 3)
    words(made, "SALE  free returns", (int(0.05 * w), top + int(0.7 * high)), high * 0.45, (255,) * 3)
    return made


def in_page(picture):
    page = np.full((1500, 750, 3), 247, np.uint8)
    zoom = 750 / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    page[180 : 180 + small.shape[0], : small.shape[1]] = small
    words(page, "my listing", (30, 110), 34, (60,) * 3)
    words(page, "12.50", (30, 1010), 46, (30, 30, 160))
    return page


def grey(picture):
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def tinted(picture, gains):
    return np.clip(picture * np.array(gains), 0, 255).astype(np.uint8)


def forms(picture, other, rng):
    """(name, picture) of every form."""
    yield "mirrored", picture[:, ::-1]
    yield "half turn", picture[::-1, ::-1]
    yield "beside another", beside(picture, other, rng)
    yield "four copies", rows_of(picture, 2, 2)
    yield "watermark", watermarked(picture, rng)
    yield "banner", bannered(picture, rng)
    yield "page", in_page(picture)
    yield "grey", grey(picture)
    yield "sepia", tinted(grey(picture), (0.75, 0.93, 1.08))
    yield "warm", tinted(picture, (0.8, 1.0, 1.12))
    yield "faded", (picture * 0.55 + 95).astype(np.uint8)
    yield "thumbnail", cv2.resize(picture, None, fx=(z := min(1, 340 / max(picture.shape[:2]))), fy=z, interpolation=cv2.INTER_AREA)
    for share in (0.7, 0.45, 0.33, 0.2):
        yield f"{share:.2f} of the side", on_ground(picture, share, rng)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("folder")
    ask.add_argument("out")
    ask.add_argument("--each", type=int, default=1, help="calibration photos of each product")
    a = ask.parse_args()
    read = lambda name: list(csv.DictReader(open(f"{a.folder}/{name}.csv")))
    photos = [p for p in read("photos") if p["split"] == "calibration"]
    products = sorted({(p["brand"], p["product"]) for p in photos})
    references = [r for r in read("references") if (r["brand"], r["product"]) in products]
    for r in references:
        os.makedirs(os.path.dirname(f"{a.out}/{r['path']}"), exist_ok=True)
        shutil.copy(f"{a.folder}/{r['path']}", f"{a.out}/{r['path']}")
    os.makedirs(f"{a.out}/photos", exist_ok=True)
    rng, made = np.random.default_rng(11), []
    chosen = {key: random.Random(3).sample(own, min(a.each, len(own))) for key in products if (own := [p for p in photos if (p["brand"], p["product"]) == key])}
    for n, key in enumerate(products):
        other = cv2.imread(f"{a.folder}/{chosen[products[(n + 1) % len(products)]][0]['path']}")
        for k, photo in enumerate(chosen[key]):
            for name, picture in forms(cv2.imread(f"{a.folder}/{photo['path']}"), other, rng):
                path = f"photos/{key[0]}-{key[1]}-{k}-{name.replace(' ', '-')}.jpg"
                cv2.imwrite(f"{a.out}/{path}", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 95))])
                made.append([path, *key, photo["item"], "calibration"])
    # The evaluation wants a claim to judge: the last photo is it, and is left out of the scores.
    made[-1][-1] = "test"
    tables = {
        "references": (["brand", "product", "path", "kind"], [[r[c] for c in ("brand", "product", "path", "kind")] for r in references]),
        "photos": (["path", "brand", "product", "item", "split"], made),
        "claims": (["path", "brand", "product", "truth", "edit"], [[*made[-1][:3], "genuine", "widened"]]),
    }
    for name, (head, rows) in tables.items():
        with open(f"{a.out}/{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    print(f"{len(made)} photos of {len(products)} products in {a.out}")


if __name__ == "__main__":
    main()
