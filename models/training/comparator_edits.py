"""Edits for the comparator's training pairs: of a made-up scene (same style, drawn by the same code) and of real crops."""

import copy

import cv2
import numpy as np

from comparator_print import LOOKALIKES, UPPER, turn_hue

TEXT_EDITS = ["letter"] * 6 + ["swap"] * 4 + ["missing", "added", "glyph", "glyph", "font", "one_font", "weight", "hue", "hue", "one_hue",
              "word", "word", "word", "tracking", "stretch", "mirror", "shift", "one_shift"]
LOGO_EDITS = ["other", "other", "other", "hue", "hue", "mirror", "stretch", "shift", "part", "part", "hole", "turn", "size"]


def edit_scene(printer, r, scene):
    """A copy of the scene with one change in one element, or now and then with another print altogether on the same ground."""
    out = {"base": scene["base"], "elements": [copy.copy(e) for e in scene["elements"]]}
    if r.random() < 0.1:  # so much change must not pass for something that lies over the print
        h, w = scene["base"].shape[:2]
        out["elements"] = [printer.logo(r, scene["base"], h, w)] if r.random() < 0.35 else printer.lines(r, scene["base"], h, w)
        return out
    n = r.randrange(len(out["elements"]))
    e = out["elements"][n]
    if len(out["elements"]) > 1 and r.random() < 0.06:
        del out["elements"][n]
    elif e["kind"] == "text":
        edit_text(printer, r, e)
    else:
        edit_logo(printer, r, e, scene["base"])
    return out


def edit_text(printer, r, e):
    kind = r.choice(TEXT_EDITS)
    chars = e["chars"] = list(e["chars"])
    for name in ("glyph_font", "glyph_colour", "glyph_shift"):
        e[name] = dict(e[name])
    inked = [n for n, c in enumerate(chars) if c != " "]
    n = r.choice(inked)
    reflow = r.random() < 0.4
    if kind == "letter":
        pool = UPPER if not chars[n].isdigit() else "0123456789"
        new = r.choice([c for c in pool if c != chars[n].upper()])
        chars[n] = new if chars[n].isupper() or chars[n].isdigit() else new.lower()
    elif kind == "swap":
        places = [k for k in range(len(chars) - 1) if chars[k] != chars[k + 1] and " " not in chars[k:k + 2]]
        if places:
            k = r.choice(places)
            chars[k], chars[k + 1] = chars[k + 1], chars[k]
            (x0, w0), (_, w1) = e["slots"][k], e["slots"][k + 1]
            e["slots"] = list(e["slots"])
            e["slots"][k], e["slots"][k + 1] = (x0, w1), (x0 + w1 + e["track"], w0)
            return
    elif kind == "missing":
        if reflow:
            del chars[n]
        else:
            chars[n] = " "
    elif kind == "added":
        chars.insert(n, chars[n] if r.random() < 0.5 else r.choice(UPPER if chars[n].isupper() else UPPER.lower()))
        reflow = True
    elif kind == "glyph":
        known = [k for k in inked if chars[k] in LOOKALIKES]
        if known:
            n = r.choice(known)
        chars[n] = r.choice(LOOKALIKES.get(chars[n], "o8"))
    elif kind == "word":
        whole = printer.word(r, max(3, len(chars) + r.randint(-1, 2)))
        e["chars"], reflow = list(whole), True
        if r.random() < 0.5:
            e["font"] = r.choice(r.choice(printer.fonts)[1])
    elif kind == "font":
        e["font"], reflow = r.choice(r.choice(printer.fonts)[1]), True
    elif kind == "one_font":
        for k in {n, r.choice(inked)}:
            e["glyph_font"][k] = r.choice(r.choice(printer.fonts)[1])
        return
    elif kind == "weight":
        e["stroke"], e["stroke_colour"] = e["stroke"] + r.choice([1, 2]), e["colour"]
        return
    elif kind in ("hue", "one_hue"):
        new = recolour(r, e["colour"])
        if kind == "hue":
            e["colour"] = new
        else:
            e["glyph_colour"].update({k: new for k in inked if abs(k - n) <= r.choice([0, 1])})
        return
    elif kind == "tracking":
        e["track"] += r.choice([-2, 2, 3, 5])
        reflow = True
    elif kind == "one_shift":
        by = max(4, int(0.2 * e["size"]))
        e["glyph_shift"][n] = (0, r.choice([-by, by])) if r.random() < 0.6 else (r.choice([-by, by]), 0)
        return
    else:
        place(r, e, kind)
        return
    if reflow:
        e["glyph_font"], e["glyph_colour"], e["glyph_shift"] = {}, {}, {}
        printer.lay_out(e)


def place(r, e, kind):
    """Edits of an element as a whole: stretch, mirror, shift (beyond what misalignment explains)."""
    if kind == "stretch":
        which = "sx" if r.random() < 0.7 else "sy"
        e[which] *= r.choice([0.75, 0.82, 1.2, 1.3])
    elif kind == "mirror":
        e["mirror"] = not e["mirror"]
    else:
        e["x"] += r.choice([-1, 1]) * r.uniform(12, 26)
        e["y"] += r.choice([0, 0, -1, 1]) * r.uniform(9, 16)


def recolour(r, colour):
    pixel = np.array([[colour]], np.float32)
    new = turn_hue(pixel, r.choice([-1, 1]) * r.uniform(30, 160), r.choice([1.0, 1.4, 0.3]), r.choice([1.0, 1.0, 0.7, 1.35]))[0, 0]
    if np.abs(new.astype(int) - np.array(colour)).max() < 50:
        new = np.array([(c + r.randint(70, 180)) % 256 for c in colour])
    return tuple(int(c) for c in new)


def edit_logo(printer, r, e, base):
    kind = r.choice(LOGO_EDITS)
    image = e["image"]
    side = image.shape[0]
    if kind == "other":
        e["image"] = printer.pick_logo(r, base)
    elif kind == "hue":
        by, s = r.choice([-1, 1]) * r.uniform(30, 160), r.choice([1.0, 1.5, 0.3])
        turned = turn_hue(image[..., :3].astype(np.float32), by, s, r.choice([1.0, 0.8, 1.3]))
        e["image"] = np.concatenate([turned, image[..., 3:]], 2)
    elif kind == "part":
        count, labels = cv2.connectedComponents((image[..., 3] > 60).astype(np.uint8))
        e["image"] = image.copy()
        if count > 2:
            e["image"][labels == r.randrange(1, count)] = 0
        else:
            half = side // 2
            y, x = r.choice([0, half]), r.choice([0, half])
            e["image"][y:y + half, x:x + half] = 0
    elif kind == "hole":
        e["image"] = image.copy()
        mask = np.zeros((side, side), np.uint8)
        at = (r.randrange(side // 4, 3 * side // 4), r.randrange(side // 4, 3 * side // 4))
        cv2.circle(mask, at, r.randint(side // 10, side // 5), 1, -1)
        if r.random() < 0.5:
            e["image"][mask > 0] = 0
        else:
            e["image"][mask > 0] = [*image[..., :3][image[..., 3] > 60].mean(0).astype(int), 255]
    elif kind == "turn":
        e["angle"] += r.choice([-1, 1]) * r.choice([15, 25, 90, 180])
    elif kind == "size":
        e["side"] *= r.choice([0.75, 0.8, 1.25])
    else:
        place(r, e, kind)


# ---- real crops ---------------------------------------------------------------------------------------------------
def box_in(r, h, w, margin, small=0.12, large=0.6):
    """A box inside the crop where something stands (not over the margin): `(y0, y1, x0, x1)`."""
    bh = r.randint(14, max(15, int((h - 2 * margin) * r.uniform(0.4, 1.0))))
    bw = r.randint(max(10, int(small * w)), max(12, int(large * (w - 2 * margin))))
    y = r.randint(margin - 4, max(margin - 4, h - margin - bh))
    x = r.randint(margin - 4, max(margin - 4, w - margin - bw))
    return max(0, y), min(h, y + bh), max(0, x), min(w, x + bw)


def blend(base, patch, box, r):
    """Lays a patch on the crop with a soft edge of random width."""
    y0, y1, x0, x1 = box
    mask = np.zeros(base.shape[:2], np.float32)
    soft = r.choice([0, 0, 1, 2])
    mask[y0 + soft:y1 - soft, x0 + soft:x1 - soft] = 1
    if soft:
        mask = cv2.GaussianBlur(mask, (0, 0), soft / 1.5)
    full = base.copy()
    full[y0:y1, x0:x1] = patch
    return base * (1 - mask[..., None]) + full * mask[..., None]


def edit_crop(printer, r, crop, margin):
    """A real crop (float RGB) with one region changed; where it changed is seen from the pixels."""
    h, w = crop.shape[:2]
    kind = r.choice(["slices"] * 4 + ["paste"] * 3 + ["hue"] * 4 + ["mirror"] * 2 + ["text"] * 3 + ["erase"] * 2 + ["stretch", "shift"])
    y0, y1, x0, x1 = box = box_in(r, h, w, margin)
    patch = crop[y0:y1, x0:x1]
    ph, pw = patch.shape[:2]
    if kind == "slices":
        half = max(5, min(pw // 2, r.randint(7, 40)))
        a, b = patch[:, :half], patch[:, half:2 * half]
        patch = np.concatenate([b, a, patch[:, a.shape[1] + b.shape[1]:]], 1)
    elif kind == "paste":
        donor = printer.picture_crop(r, h, w)
        patch = donor[y0:y1, x0:x1]
    elif kind == "mirror":
        patch = patch[:, ::-1] if r.random() < 0.8 else patch[::-1]
    elif kind == "stretch":
        k = r.choice([0.8, 1.25])
        big = cv2.resize(patch, (max(4, int(pw * k)), ph))
        patch = big[:, :pw] if k > 1 else np.concatenate([big, patch[:, big.shape[1]:]], 1)
    elif kind == "shift":
        dx, dy = r.choice([-1, 1]) * r.randint(10, 20), r.choice([0, 0, -8, 8])
        patch = cv2.warpAffine(crop, np.float32([[1, 0, dx], [0, 1, dy]]), (w, h), borderMode=cv2.BORDER_REFLECT)[y0:y1, x0:x1]
    elif kind == "hue":
        patch = hue_edit(r, crop if r.random() < 0.4 else patch)
        if patch.shape[:2] == (h, w):
            return patch
    elif kind == "erase":
        return erase(crop, box)
    else:
        return scrawl(printer, r, erase(crop, box) if r.random() < 0.7 else crop, box)
    return blend(crop, patch, box, r)


def hue_edit(r, pixels):
    """Turns the colour of one part of the pixels only (the saturated or the dark or the light part), the rest as it was."""
    turned = turn_hue(pixels, r.choice([-1, 1]) * r.uniform(40, 170), r.choice([1.0, 1.3]), 1.0).astype(np.float32)
    if r.random() < 0.5:
        return turned
    high, low = pixels.max(2), pixels.min(2)
    grey = cv2.GaussianBlur(pixels.mean(2), (0, 0), 1)
    which = r.choice(["saturated", "dark", "light"])
    value = high - low if which == "saturated" else 255 - grey if which == "dark" else grey
    mask = np.clip((value - np.median(value)) / 20, 0, 1)[..., None]
    return pixels * (1 - mask) + turned * mask


def erase(crop, box):
    y0, y1, x0, x1 = box
    mask = np.zeros(crop.shape[:2], np.uint8)
    mask[y0:y1, x0:x1] = 255
    return cv2.inpaint(np.clip(crop, 0, 255).astype(np.uint8), mask, 3, cv2.INPAINT_TELEA).astype(np.float32)


def scrawl(printer, r, crop, box):
    """Draws a few letters in the box, in a colour taken from the crop or a contrasting one."""
    y0, y1, x0, x1 = box
    size = max(12, int(0.85 * (y1 - y0)))
    style = printer.text_style(r, crop[y0:y1, x0:x1], size)
    if r.random() < 0.6:
        style["colour"] = tuple(int(c) for c in crop[r.randrange(crop.shape[0]), r.randrange(crop.shape[1])])
    style["chars"] = list(printer.word(r, 3)[:max(1, int((x1 - x0) / (0.6 * size)))].strip() or "E")
    style["angle"], style["x"], style["y"] = 0, (x0 + x1) / 2, (y0 + y1) / 2
    printer.lay_out(style)
    return printer.render({"base": crop, "elements": [style]})


def leave_traces(printer, r, crop, margin):
    """What an edit leaves behind but no edit: soft edges, an inpainted and redrawn strip, a small blurred or repacked box."""
    box = box_in(r, *crop.shape[:2], margin)
    y0, y1, x0, x1 = box
    patch = crop[y0:y1, x0:x1]
    kind = r.randrange(4)
    if kind == 0:
        patch = cv2.GaussianBlur(patch, (0, 0), r.uniform(0.5, 1.2))
    elif kind == 1:
        patch = jpeg(patch, r.randint(30, 70))
    elif kind == 2:
        patch = np.clip(patch * r.uniform(0.93, 1.07) + r.uniform(-6, 6), 0, 255)
    else:  # the flat part inpainted, the strokes kept
        filled = erase(crop, box)[y0:y1, x0:x1]
        grey = patch.mean(2)
        strokes = cv2.dilate((np.abs(grey - np.median(grey)) > 25).astype(np.uint8), np.ones((3, 3), np.uint8))[..., None]
        patch = np.where((strokes > 0) | (np.abs(filled - patch).max(2, keepdims=True) > 20), patch, filled)
    return blend(crop, patch, box, r)


def jpeg(image, quality):
    ok, raw = cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8), [1, quality])
    return cv2.imdecode(raw, 1).astype(np.float32)
