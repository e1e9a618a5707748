"""Training pairs for the embedder, made on the fly: a print as its reference shows it and as a photo shows it.

Half of the prints come with a sibling: the same print with one thing of it changed, which must stay apart from it. A quarter of a batch
may be real: calibration photos of a labelled folder, one product a row. Every batch is made from its own number, so a run repeats
whatever the number of workers.
"""

import copy
import csv
import math
import pathlib
import random

import cv2
import numpy as np
import torch

import comparator_camera as camera
from comparator_data import scan
from comparator_edits import edit_crop, edit_text
from comparator_print import turn_hue

SIDE = 224
LONG = 320  # pixels of a print's long side
CLUTTERED = 0.45  # share of photos with surroundings; the others are cut to the article
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def square(image):
    """Squashed to the network's side, as the program does it: areas averaged going down, bicubic going up."""
    down = min(image.shape[:2]) >= SIDE
    return cv2.resize(np.clip(image, 0, 255).astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_AREA if down else cv2.INTER_CUBIC)


class Prints:
    """Whole prints: made-up packs, covers and labels, and pieces of pictures with lettering on them."""

    def __init__(self, printer, seeds):
        self.printer, self.r = printer, seeds

    def pack(self):
        """`(h, w)` and a scene of a ground, panels, one to three logos and up to eight lines of text."""
        r, printer = self.r, self.printer
        aspect = math.exp(r.uniform(math.log(0.45), math.log(1.9)))
        h, w = (LONG, max(120, int(LONG * aspect))) if aspect < 1 else (max(120, int(LONG / aspect)), LONG)
        base = printer.picture_crop(r, h, w) if printer.pictures and r.random() < 0.35 else printer.background(r, h, w)
        for _ in range(r.choice([0, 0, 1, 2, 3])):
            self.panel(base)
        elements = []
        for _ in range(r.choice([0, 1, 1, 2, 3])):
            logo = printer.logo(r, base, h, w)
            logo["side"] = r.uniform(0.12, 0.8) * min(h, w)
            logo["x"], logo["y"] = r.uniform(0.1, 0.9) * w, r.uniform(0.1, 0.9) * h
            elements.append(logo)
        for _ in range(r.choice([1, 2, 3, 4, 6, 8] if elements else [2, 3, 5, 8])):
            size = int(math.exp(r.uniform(math.log(10), math.log(0.22 * h + 12))))
            line = printer.text_style(r, base, size)
            line["chars"] = list(printer.word(r, max(3, int(r.uniform(0.3, 1.0) * w / (0.6 * size)))))
            line["x"], line["y"] = r.uniform(0.25, 0.75) * w, r.uniform(0.04, 0.96) * h
            printer.lay_out(line)
            elements.append(line)
        return {"base": np.clip(base, 0, 255), "elements": elements}

    def panel(self, base):
        r, (h, w) = self.r, base.shape[:2]
        y, x = r.randrange(h), r.randrange(w)
        bottom, right = y + r.randint(h // 8, h), x + r.randint(w // 8, w)
        if r.random() < 0.35:
            y, x, bottom, right = (0, x, h, right) if r.random() < 0.5 else (y, 0, bottom, w)
        bottom, right = min(bottom, h), min(right, w)
        if r.random() < 0.35 and self.printer.pictures and bottom - y > 24 and right - x > 24:
            base[y:bottom, x:right] = self.printer.picture_crop(r, bottom - y, right - x)
        else:
            base[y:bottom, x:right] = [r.randrange(256) for _ in range(3)]

    def sibling(self, scene):
        """A product of the same line: another flavour's colours, other words, another picture, at least one of them."""
        r, printer = self.r, self.printer
        other = {"base": scene["base"].copy(), "elements": [copy.copy(e) for e in scene["elements"]]}
        h, w = scene["base"].shape[:2]
        changes = r.sample(["colour", "words", "logo", "crop"], r.choice([1, 1, 2]))
        if "colour" in changes:
            y0, x0 = (0, 0) if r.random() < 0.4 else (r.randrange(h // 2), r.randrange(w // 2))
            y1, x1 = min(h, y0 + r.randint(h // 3, h)), min(w, x0 + r.randint(w // 3, w))
            part = other["base"][y0:y1, x0:x1]
            if part.max(2).mean() - part.min(2).mean() < 25:
                part[:] = np.clip(part * 0.6 + 0.4 * np.float32([r.randrange(256) for _ in range(3)]), 0, 255)
            else:
                part[:] = turn_hue(part, r.choice([-1, 1]) * r.uniform(35, 170))
        if "logo" in changes:
            for e in other["elements"]:
                if e["kind"] == "logo":
                    e["image"] = printer.pick_logo(r, scene["base"])
        if "words" in changes or not {"colour", "crop"} & set(changes):
            lines = [e for e in other["elements"] if e["kind"] == "text"]
            for e in r.sample(lines, min(len(lines), r.choice([1, 1, 2]))):
                if r.random() < 0.15:
                    edit_text(printer, r, e)
                else:
                    e["chars"] = list(printer.word(r, max(3, len(e["chars"]))))
                    printer.lay_out(e)
                if r.random() < 0.3:
                    e["colour"] = printer.contrasting(r, scene["base"])
        image = printer.render(other)
        return edit_crop(printer, r, image, 4) if "crop" in changes else image

    def next(self):
        """A print and its sibling or None, as float RGB."""
        scene = self.pack()
        image = self.printer.render(scene)
        return image, self.sibling(scene) if self.r.random() < 0.5 else None


def reference(r, image):
    """What an owner uploads: a scan or a shop's picture, at times with a plain border."""
    image = scan(r, image)
    if r.random() < 0.15:
        room = [r.randint(0, int(0.06 * s)) for s in (image.shape[0], image.shape[0], image.shape[1], image.shape[1])]
        image = cv2.copyMakeBorder(image, *room, cv2.BORDER_CONSTANT, value=r.choice([(255, 255, 255), (0, 0, 0), (240, 240, 240)]))
    return square(image)


def trim(r, h, w, cluttered):
    """Corners in the photo's 0..1 of a print laid in it: the article cut out nearly right, or among surroundings."""
    if not cluttered:
        jitter = r.choice([0.01, 0.03, 0.06])
        return np.float32([[x + r.gauss(0, jitter), y + r.gauss(0, jitter)] for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))])
    turn = math.radians(r.choice([0, 0, 0, 90, 180, 270]) + r.gauss(0, 9))
    big = r.uniform(0.55, 1.15)
    frame = r.choice([0.75, 1, 1.33])  # width to height of the photo
    half = np.float32([[-w, -h], [w, -h], [w, h], [-w, h]]) / (2 * math.hypot(w, h)) * big * 1.25
    half += np.float32([[r.gauss(0, 0.04), r.gauss(0, 0.04)] for _ in range(4)]) * big
    spun = half @ np.float32([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    spun[:, 0] /= math.sqrt(frame)
    spun[:, 1] *= math.sqrt(frame)
    return np.float32([r.gauss(0.5, 0.07), r.gauss(0.5, 0.07)]) + spun


def photo(printer, r, image):
    """The print photographed, squashed to the network's square."""
    h, w = image.shape[:2]
    cluttered = r.random() < CLUTTERED
    side = SIDE + 32
    corners = trim(r, h, w, cluttered) * side
    move = cv2.getPerspectiveTransform(np.float32([[0, 0], [w, 0], [w, h], [0, h]]), corners)
    ground = printer.picture_crop(r, side, side) if printer.pictures and r.random() < 0.6 else printer.background(r, side, side)
    soft = cv2.GaussianBlur(image, (0, 0), 0.4 * max(1.0, math.sqrt(h * w) / side))
    shot = cv2.warpPerspective(soft, move, (side, side), flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.ones((h, w), np.float32), move, (side, side), flags=cv2.INTER_LINEAR)[..., None]
    shot = ground * (1 - inside) + shot * inside
    shot, _ = camera.soften(r, shot, r.random() < 0.25)
    shot, seen = camera.light(r, shot), np.ones((side, side), np.float32)
    if r.random() < 0.35:
        shot, seen = camera.glare(r, shot, seen)
    for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
        shot, seen = camera.cover_up(r, shot, seen)
    if r.random() < 0.15:
        shot = camera.mirrored_room(r, shot)
    return square(camera.finish(r, shot))


class Shots:
    """Real photos and references of some brands of a labelled folder, calibration photos only."""

    def __init__(self, folder, brands):
        folder = pathlib.Path(folder)
        read = lambda path: cv2.cvtColor(cv2.imread(str(folder / path)), cv2.COLOR_BGR2RGB)
        rows = lambda name: [r for r in csv.DictReader(open(folder / name)) if r["brand"] in brands]
        photos = [p for p in rows("photos.csv") if p["split"] == "calibration"]
        references = rows("references.csv")
        self.products = []
        for r in references:
            own = [(p["item"], read(p["path"])) for p in photos if p["product"] == r["product"]]
            if own:
                self.products.append((read(r["path"]), own))

    @staticmethod
    def cut(r, image):
        """A piece about the middle, where the article is held."""
        h, w = image.shape[:2]
        share = r.uniform(0.55, 0.95)
        ch, cw = int(h * share * r.uniform(0.9, 1.05)), int(w * share * r.uniform(0.9, 1.05))
        ch, cw = min(h, ch), min(w, cw)
        y = min(h - ch, max(0, int((h - ch) / 2 + r.gauss(0, 0.05 * h))))
        x = min(w - cw, max(0, int((w - cw) / 2 + r.gauss(0, 0.05 * w))))
        return image[y:y + ch, x:x + cw]

    def rows(self, r, count):
        """Pairs of different products: catalogue picture or another item's photo, and a photo."""
        for reference_image, photos in r.sample(self.products, min(count, len(self.products))):
            item, shot = r.choice(photos)
            others = [image for other, image in photos if other != item]
            left = scan(r, reference_image) if r.random() < 0.5 or not others else self.cut(r, r.choice(others))
            right = self.cut(r, shot).astype(np.float32)
            if r.random() < 0.5:
                right = camera.light(r, right)
            if r.random() < 0.15:
                right, _ = camera.glare(r, right, np.ones(right.shape[:2], np.float32))
            yield square(left), square(right)


class Batches(torch.utils.data.Dataset):
    """Batch number n: references and photos, uint8 `[size, 224, 224, 3]` each, row by row of the same print."""

    def __init__(self, printer, size, seed=0, shots=None):
        self.printer, self.size, self.seed, self.shots = printer, size, seed, shots

    def __len__(self):
        return 10**7

    def __getitem__(self, n):
        cv2.setNumThreads(1)
        r = random.Random(self.seed * 1_000_003 + n)
        prints = Prints(self.printer, r)
        rows = list(self.shots.rows(r, self.size // 4)) if self.shots else []
        while len(rows) < self.size:
            try:
                for image in prints.next():
                    if image is not None:
                        rows.append((reference(r, image), photo(self.printer, r, image)))
            except (cv2.error, ValueError, IndexError, OSError):  # a degenerate crop or glyph: the next print takes its place
                continue
        return [torch.from_numpy(np.stack(c)) for c in zip(*rows[:self.size])]


def tensor(images):
    """Network input of uint8 RGB squares `[n, 224, 224, 3]`."""
    mean, deviation = (torch.from_numpy(v).to(images.device) for v in (MEAN, DEVIATION))
    return ((images.float() / 255 - mean) / deviation).permute(0, 3, 1, 2).contiguous()
