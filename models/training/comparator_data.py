"""Training pairs for the comparator, made on the fly: `(reference, photo, label per 8 px cell, offset class per 4 px cell)`.

Labels: 0 same, 1 different, 2 cannot see, 3 anything but different (a real genuine pair whose cover is not known),
255 not judged. Every batch is made from its own number, so a run repeats whatever the number of workers.
"""

import pathlib
import random

import cv2
import numpy as np
import torch

import comparator_camera as camera
import comparator_edits as edits
from comparator_print import Printer, list_fonts, load_logos

MARGIN = 16
SHAPES = [(64, 192)] * 5 + [(96, 128), (48, 256), (112, 112), (32, 352), (128, 96), (80, 160), (192, 64)]
REACH = 3  # cells of 4 px searched each way, as in the network
SHARP, VISIBLE = 34.0, 11.0  # grey levels: a change before and after the photo's blur


class Material:
    """Everything pairs are made of: fonts, logos, pictures (optional folder), aligned real pairs (optional folder)."""

    def __init__(self, npm_folder, cache, pictures=None, aligned=None, held_out=False):
        images = []
        for path in sorted(pathlib.Path(pictures).rglob("*.jpg")) if pictures else []:
            image = cv2.imread(str(path))
            k = min(1.0, 900 / max(image.shape[:2]))
            image = cv2.resize(image, None, fx=k, fy=k, interpolation=cv2.INTER_AREA) if k < 1 else image
            images.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        self.skins = camera.skins_of(images)
        self.pairs = []
        for path in sorted(pathlib.Path(aligned).glob("*.npz")) if aligned else []:
            data = np.load(path)
            self.pairs.append((data["reference"], data["photo"], data["clear"]))
        self.printer = Printer(list_fonts(), load_logos(npm_folder, pathlib.Path(cache) / "logos.npz"), images, held_out)


def cells(mask, size=8):
    """Share of each cell that the mask covers."""
    h, w = mask.shape
    return cv2.resize(mask.astype(np.float32), (w // size, h // size), interpolation=cv2.INTER_AREA)


def strongest(image):
    """Largest magnitude over the colours."""
    d = np.abs(image)
    return np.maximum(np.maximum(d[..., 0], d[..., 1]), d[..., 2])


def changed(a, b, level):
    return strongest(a - b) > level


def judge(reference, origin, sigma, seen):
    """Label per cell from the two prints before the photo, the photo's blur and what it covers (all in the reference's frame)."""
    smooth = lambda image, s: cv2.GaussianBlur(image, (0, 0), s)
    sharp = cells(changed(smooth(reference, 0.8), smooth(origin, 0.8), SHARP))
    label = np.where(sharp > 0.08, 1, np.where(sharp > 0.01, 255, 0)).astype(np.uint8)
    if sigma > 0.8:
        a, b = smooth(reference, sigma), smooth(origin, sigma)
        lost = cells(changed(a, b, VISIBLE)) < 0.08
        label[(label == 1) & lost] = 2 if sigma > 2.5 else 255
        if sigma > 1.8:
            coarse = smooth(reference, 5.0)
            before = cv2.boxFilter(strongest(smooth(reference, 0.8) - coarse), -1, (15, 15))
            after = cv2.boxFilter(strongest(smooth(a, 0.8) - coarse), -1, (15, 15))
            gone = cells((before > 9) & (after < 0.3 * before)) > 0.5
            label[gone & (label != 1)] = 2
    visible = cells(seen)
    label[visible < 0.5] = 2
    label[(visible >= 0.5) & (visible < 0.8) & (label == 1)] = 255
    return label


def offsets(reference, field, label):
    """Class of the offset at which each textured, visible, unchanged 4 px cell lies in the photo, else 255."""
    h, w = reference.shape[:2]
    moved = -cv2.resize(field, (w // 4, h // 4), interpolation=cv2.INTER_AREA) / 4
    step = np.round(moved).astype(int)
    inside = (np.abs(step) <= REACH).all(2)
    grey = cv2.cvtColor(reference, cv2.COLOR_RGB2GRAY)
    spread = cv2.boxFilter(grey * grey, -1, (9, 9)) - cv2.boxFilter(grey, -1, (9, 9)) ** 2
    textured = cells((spread > 150).astype(np.float32), 4) > 0.5
    plain = np.repeat(np.repeat(label == 0, 2, 0), 2, 1)
    klass = (step[..., 1] + REACH) * (2 * REACH + 1) + step[..., 0] + REACH
    return np.where(inside & textured & plain, klass, 255).astype(np.uint8)


def scan(r, image):
    """What a reference picture went through: at times small, a little soft, another exposure, JPEG."""
    h, w = image.shape[:2]
    if r.random() < 0.3:
        s = r.uniform(0.3, 0.9)
        small = cv2.resize(image, (max(4, round(w * s)), max(4, round(h * s))), interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC)
    if r.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), r.uniform(0.3, 1.0))
    if r.random() < 0.3:
        image = 255 * np.clip(image / 255, 0, 1) ** r.uniform(0.8, 1.25) * np.float32([r.uniform(0.93, 1.05) for _ in range(3)])
    image = np.clip(image, 0, 255)
    return (edits.jpeg(image, r.randint(60, 95)) if r.random() < 0.7 else image).astype(np.uint8)


def made_pair(material, r, h, w):
    """A pair of which the photo side is simulated."""
    printer, ch, cw = material.printer, h + 2 * MARGIN, w + 2 * MARGIN
    different = r.random() < 0.5
    if printer.pictures and r.random() < 0.3:
        genuine = printer.picture_crop(r, ch, cw)
        if r.random() < 0.3:  # a real crop with lettering of ours, with its traces on both sides
            genuine = edits.scrawl(printer, r, edits.erase(genuine, edits.box_in(r, ch, cw, MARGIN)), edits.box_in(r, ch, cw, MARGIN))
        other = edits.edit_crop(printer, r, genuine, MARGIN) if different else genuine
    else:
        scene = printer.scene(r, ch, cw)
        genuine = printer.render(scene)
        other = printer.render(edits.edit_scene(printer, r, scene)) if different else genuine
        if different and r.random() < 0.15:
            other = edits.edit_crop(printer, r, genuine, MARGIN)
    if r.random() < 0.2:
        other = edits.leave_traces(printer, r, other, MARGIN)
    reference, origin = (genuine, other) if r.random() < 0.5 else (other, genuine)
    reference, origin = np.clip(reference, 0, 255).astype(np.float32), np.clip(origin, 0, 255).astype(np.float32)
    photo, seen, field, sigma = camera.photograph(r, origin, hard=r.random() < (0.25 if different else 0.4), skins=material.skins)
    inner = (slice(MARGIN, MARGIN + h), slice(MARGIN, MARGIN + w))
    seen = camera.look(seen, -field)
    label = judge(reference[inner], origin[inner], sigma, seen[inner])
    return scan(r, reference[inner]), photo[inner], label, offsets(reference[inner], field[inner], label)


def real_pair(material, r, h, w):
    """A crop of an aligned real photo and its reference, in half of the cases with an edit on the reference's side."""
    whole, shot, clear = r.choice(material.pairs)
    rows, cols = whole.shape[:2]
    best = None
    for _ in range(3):
        k = r.choice([1.0, 1.0, r.uniform(0.8, 1.4)])
        bh, bw = min(rows, int(h / k)), min(cols, int(w / k))
        y, x = r.randrange(rows - bh + 1), r.randrange(cols - bw + 1)
        spread = whole[y:y + bh, x:x + bw].std() * r.uniform(0.7, 1)
        if best is None or spread > best[0]:
            best = (spread, y, x, bh, bw)
    _, y, x, bh, bw = best
    size = (w, h)
    crop = lambda image: cv2.resize(image[y:y + bh, x:x + bw], size, interpolation=cv2.INTER_LINEAR)
    genuine, visible = crop(whole).astype(np.float32), crop(clear)
    move = np.float32([[1, 0, r.uniform(-3, 3) - x * w / bw], [0, 1, r.uniform(-3, 3) - y * h / bh]])
    move[:, :2] = np.float32([[w / bw, 0], [0, h / bh]])
    photo = cv2.warpAffine(shot, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT).astype(np.float32)
    other = genuine
    if r.random() < 0.5:
        other = edits.edit_crop(material.printer, r, genuine, 6)
    if r.random() < 0.25:
        other = edits.leave_traces(material.printer, r, other, 6)
    other, seen, sigma = np.clip(other, 0, 255).astype(np.float32), np.ones((h, w), np.float32), 0.0
    if r.random() < 0.25:
        photo, sigma = camera.soften(r, photo, False)
    if r.random() < 0.3:
        photo = camera.light(r, photo)
    if r.random() < 0.08:
        photo = camera.mirrored_room(r, photo)
    if r.random() < 0.2:
        photo, seen = camera.glare(r, photo, seen)
    if r.random() < 0.2:
        photo, seen = camera.cover_up(r, photo, seen, material.skins)
    label = judge(other, genuine, sigma, seen)
    unsure = cells((visible > 0).astype(np.float32)) < 0.6
    label[unsure & (label == 0)] = 3
    label[unsure & (label == 1)] = 255
    photo = camera.finish(r, photo) if r.random() < 0.5 else np.clip(photo, 0, 255).astype(np.uint8)
    return scan(r, other), photo, label, np.full((h // 4, w // 4), 255, np.uint8)


class Batches(torch.utils.data.Dataset):
    """Batch number n, of one shape, from seeds of its own."""

    def __init__(self, material, size, count, seed=0, real_share=0.35, shapes=SHAPES):
        self.material, self.size, self.count, self.seed, self.shapes = material, size, count, seed, shapes
        self.real_share = real_share if material.pairs else 0.0

    def __len__(self):
        return self.count

    def __getitem__(self, n):
        if n >= self.count:
            raise IndexError(n)
        cv2.setNumThreads(1)
        h, w = random.Random(self.seed * 1_000_003 + n).choice(self.shapes)
        rows, k = [], 0
        while len(rows) < self.size:
            r = random.Random((self.seed * 1_000_003 + n) * 4099 + k)
            k += 1
            make = real_pair if r.random() < self.real_share else made_pair
            try:
                rows.append(make(self.material, r, h, w))
            except (cv2.error, ValueError, IndexError, OSError):  # a degenerate crop or glyph: the next seed takes its place
                if k > 4 * self.size:
                    raise
        columns = [torch.from_numpy(np.stack(c)) for c in zip(*rows)]
        return columns[0].permute(0, 3, 1, 2), columns[1].permute(0, 3, 1, 2), columns[2], columns[3]
