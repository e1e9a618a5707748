"""Made-up print for the comparator: backgrounds, words in real fonts, vector logos, and edits of them.

A scene is a background and a list of elements (plain dicts). Rendering a scene twice, once as it is and once after
`edit_scene`, gives two prints that differ in exactly one thing, drawn by the same code: an edit leaves no trace of its own.
"""

import json
import math
import pathlib
import subprocess
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOOKALIKES = {
    "o": "0ae", "O": "0QCD", "l": "1Iit", "I": "l1T", "i": "ljí", "S": "58Z", "B": "8R3", "e": "coa", "E": "FL", "n": "mhu",
    "u": "vn", "U": "VO", "C": "GO", "G": "C6", "D": "O0", "P": "RF", "R": "PB", "a": "oe", "h": "bn", "M": "NW", "N": "M",
    "A": "4Λ", "T": "7I", "Z": "2", "Q": "O", "c": "eo", "m": "n", "v": "uy", "y": "v", "g": "q9", "q": "g", "b": "6h", "d": "cl",
    "t": "fl", "f": "t", "r": "n", "s": "5z", "w": "vv", "V": "U", "W": "VM", "F": "EP", "H": "N", "K": "X", "X": "K", "L": "I",
}
LOGO_SIDE = 112


def list_fonts():
    """Latin fonts installed on this machine, as `[(family, [files])]`, symbol fonts left out."""
    out = subprocess.run(["fc-list", ":lang=en", "family", "file"], capture_output=True, text=True, check=True).stdout
    families = {}
    banned = ("symbol", "dingbat", "d050", "emoji", "math", "awesome", "webdings", "icons", "lastresort", "blank", "keyboard")
    for line in out.splitlines():
        path, _, family = line.partition(":")
        path, family = path.strip(), family.strip().split(",")[0]
        if not path.lower().endswith((".ttf", ".otf")) or any(b in line.lower() for b in banned):
            continue
        families.setdefault(family, []).append(path)
    kept = []
    for family, files in sorted(families.items()):
        good = [f for f in sorted(files) if _draws_latin(f)]
        if good:
            kept.append((family, good))
    return kept


def _draws_latin(path):
    try:
        font = ImageFont.truetype(path, 24)
        masks = {bytes(font.getmask(c)) for c in "AgRm5"}
        return len(masks) == 5
    except Exception:  # a broken or bitmap-only font file is simply not used
        return False


@lru_cache(maxsize=4096)
def _font(path, size):
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=1 << 17)
def _advance(path, size, char):
    """Width of one glyph in pixels."""
    return _font(path, size).getlength(char)


def load_logos(npm_folder, cache):
    """Vector logos of the two CC0 npm packages as RGBA squares, rendered once and kept in `cache`.

    Icons that state a licence of their own are left out.
    """
    cache = pathlib.Path(cache)
    if cache.exists():
        data = np.load(cache)
        return data["mono"], data["colour"]
    import resvg_py

    def raster(svg):
        raw = resvg_py.svg_to_bytes(svg_string=svg, width=LOGO_SIDE, height=LOGO_SIDE)
        image = cv2.imdecode(np.frombuffer(bytes(raw), np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None or image.ndim != 3 or image.shape[2] != 4:
            return None
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)
        top = (LOGO_SIDE - image.shape[0]) // 2
        left = (LOGO_SIDE - image.shape[1]) // 2
        square = np.zeros((LOGO_SIDE, LOGO_SIDE, 4), np.uint8)
        if top < 0 or left < 0:
            return None
        square[top:top + image.shape[0], left:left + image.shape[1]] = image
        return square if (square[..., 3] > 40).mean() > 0.02 else None

    root = pathlib.Path(npm_folder) / "node_modules"
    listed = json.loads(next((root / "simple-icons" / "data").glob("*icons*.json")).read_text())
    listed = listed["icons"] if isinstance(listed, dict) else listed
    own_licence = {i.get("slug") or slug_of(i["title"]) for i in listed if i.get("license")}
    mono, colour = [], []
    for path in sorted((root / "simple-icons" / "icons").glob("*.svg")):
        if path.stem in own_licence:
            continue
        image = raster(path.read_text())
        if image is not None:
            mono.append(image[..., 3])
    packed = json.loads((root / "@iconify-json" / "logos" / "icons.json").read_text())
    for name, icon in sorted(packed["icons"].items()):
        w, h = icon.get("width", packed.get("width", 256)), icon.get("height", packed.get("height", 256))
        k = LOGO_SIDE / max(w, h)
        svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
               f'width="{max(1, w * k)}" height="{max(1, h * k)}" viewBox="0 0 {w} {h}">{icon["body"]}</svg>')
        try:
            image = raster(svg)
        except Exception:  # an icon that the renderer cannot read is left out
            continue
        if image is not None:
            colour.append(image)
    mono, colour = np.stack(mono), np.stack(colour)
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, mono=mono, colour=colour)
    return mono, colour


def slug_of(title):
    """File name of a simple-icons title, by that package's own rule."""
    swaps = {"+": "plus", ".": "dot", "&": "and", "đ": "d", "ħ": "h", "ı": "i", "ĸ": "k", "ŀ": "l", "ł": "l", "ß": "ss", "ŧ": "t"}
    return "".join(c for c in "".join(swaps.get(c, c) for c in title.lower()) if c.isascii() and c.isalnum())


class Printer:
    """Makes scenes from fonts, logos and pictures; `held_out` selects the tenth kept for validation instead of the rest."""

    def __init__(self, fonts, logos, pictures, held_out=False):
        pick = (lambda n: n % 10 == 3) if held_out else (lambda n: n % 10 != 3)
        self.fonts = [f for n, f in enumerate(fonts) if pick(n)]
        if not self.fonts:
            raise SystemExit(f"{len(fonts)} font families are too few to train on and hold out a tenth: install those that comparator.md names")
        self.mono = logos[0][[n for n in range(len(logos[0])) if pick(n)]]
        self.colour = logos[1][[n for n in range(len(logos[1])) if pick(n)]]
        self.pictures = pictures

    # ---- scenes ---------------------------------------------------------------------------------------------------
    def scene(self, r, h, w):
        base = self.background(r, h, w)
        kind = r.random()
        if kind < 0.66:
            elements = self.lines(r, base, h, w)
        elif kind < 0.82:
            elements = [self.logo(r, base, h, w)]
        else:
            elements = [self.logo(r, base, h, w)] + self.lines(r, base, h, w)[:1]
        return {"base": base, "elements": elements}

    def background(self, r, h, w):
        kind, rng = r.random(), np.random.RandomState(r.randrange(1 << 30))
        if kind < 0.35 or (kind >= 0.7 and not self.pictures):
            base = np.full((h, w, 3), [r.randrange(256) for _ in range(3)] if r.random() < 0.7 else r.choice([0, 255, 245, 20]), np.float32)
        elif kind < 0.5:
            ends = rng.randint(0, 256, (2, 3)).astype(np.float32)
            ramp = np.linspace(0, 1, w)[None, :, None] if r.random() < 0.5 else np.linspace(0, 1, h)[:, None, None]
            base = np.broadcast_to(ends[0] + (ends[1] - ends[0]) * ramp, (h, w, 3)).astype(np.float32).copy()
        elif kind < 0.7:
            grid = rng.randint(0, 256, (r.randint(2, 7), r.randint(2, 9), 3)).astype(np.float32)
            base = cv2.resize(grid, (w, h), interpolation=r.choice([cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_NEAREST]))
        else:
            base = self.picture_crop(r, h, w)
            if r.random() < 0.6:
                base = base * r.uniform(0.25, 0.9) + r.randrange(0, 90)
        if r.random() < 0.3:
            for _ in range(r.randint(1, 3)):
                colour = tuple(float(r.randrange(256)) for _ in range(3))
                a = (r.randrange(w), r.randrange(h))
                if r.random() < 0.5:
                    cv2.rectangle(base, a, (a[0] + r.randint(8, w), a[1] + r.randint(2, h)), colour, -1)
                else:
                    cv2.line(base, a, (r.randrange(w), r.randrange(h)), colour, r.randint(1, 6), cv2.LINE_AA)
        return np.clip(base, 0, 255)

    def picture_crop(self, r, h, w):
        if not self.pictures:
            return self.background(r, h, w)
        image = r.choice(self.pictures)
        k = max(r.uniform(0.6, 2.5), (w + 2) / image.shape[1], (h + 2) / image.shape[0])
        ch, cw = min(image.shape[0], math.ceil(h / k)), min(image.shape[1], math.ceil(w / k))
        y, x = r.randrange(image.shape[0] - ch + 1), r.randrange(image.shape[1] - cw + 1)
        return cv2.resize(image[y:y + ch, x:x + cw], (w, h), interpolation=cv2.INTER_CUBIC if k > 1 else cv2.INTER_AREA).astype(np.float32)

    def contrasting(self, r, base):
        mean, colour = base.mean((0, 1)), None
        for _ in range(20):
            colour = np.array([r.randrange(256) for _ in range(3)]) if r.random() < 0.7 else np.array([r.choice([0, 255])] * 3)
            if np.abs(colour - mean).max() > r.uniform(50, 120):
                break
        return tuple(int(c) for c in colour)

    def lines(self, r, base, h, w):
        count = r.choice([1, 1, 1, 1, 2, 2, 3]) if h > 60 else r.choice([1, 1, 1, 2])
        size = min(int(math.exp(r.uniform(math.log(10), math.log(80)))), int(1.1 * h / count) - 4)
        shared, out = self.text_style(r, base, max(9, size)), []
        for n in range(count):
            element = dict(shared) if n and r.random() < 0.7 else self.text_style(r, base, max(9, size))
            element["chars"] = list(self.word(r, max(3, int(r.uniform(0.5, 1.2) * w / (0.6 * element["size"])))))
            element["x"] = r.uniform(0.5, 0.5) * w + r.gauss(0, 0.08 * w)
            element["y"] = h * (n + 0.5) / count + r.gauss(0, 3)
            self.lay_out(element)
            out.append(element)
        return out

    def text_style(self, r, base, size):
        outline = r.choice([0, 0, 0, 0, 1, 1, 2])
        return {
            "kind": "text", "font": r.choice(r.choice(self.fonts)[1]), "size": size, "colour": self.contrasting(r, base),
            "stroke": outline, "stroke_colour": tuple(r.randrange(256) for _ in range(3)), "track": r.choice([0, 0, 0, 0, 1, 2, 4, -1]),
            "sx": r.choice([1, 1, r.uniform(0.7, 1.3)]), "sy": 1.0, "shear": r.choice([0, 0, 0, r.uniform(-0.3, 0.3)]),
            "angle": r.choice([0, 0, 0, r.gauss(0, 3), r.choice([90, -90]) if r.random() < 0.3 else 0]), "mirror": False,
            "shadow": r.random() < 0.15, "gradient": r.random() < 0.12, "glyph_font": {}, "glyph_colour": {}, "glyph_shift": {},
        }

    def word(self, r, limit):
        limit = min(limit, 22)
        n, out = min(r.randint(3, 10), limit), ""
        while True:
            part = ""
            vowel = r.random() < 0.4
            for _ in range(n):
                part += r.choice("AEIOUY" if vowel else "BCDFGHJKLMNPQRSTVWXZ" if r.random() < 0.5 else "LNRSTCMDPH")
                vowel = not vowel if r.random() < 0.8 else vowel
            out += part
            n = r.randint(2, 8)
            if len(out) + n + 1 > limit or r.random() < 0.3:
                break
            out += " "
        if r.random() < 0.1:
            out += " " + str(r.randrange(1000))
        k = r.random()
        return out if k < 0.5 else out.title() if k < 0.75 else out.lower() if k < 0.92 else out.capitalize()

    def lay_out(self, e):
        """Gives every glyph its place: `slots` = [(x, width)], `length`."""
        x, slots = 0.0, []
        for c in e["chars"]:
            width = _advance(e["font"], e["size"], c)
            slots.append((x, width))
            x += width + e["track"]
        e["slots"], e["length"] = slots, max(x, 4.0)

    def logo(self, r, base, h, w):
        side = min(h, w) * r.uniform(0.5, 1.05)
        return {"kind": "logo", "image": self.pick_logo(r, base), "side": side, "x": w / 2 + r.gauss(0, 0.18 * w), "y": h / 2 + r.gauss(0, 0.05 * h),
                "sx": r.choice([1, 1, r.uniform(0.8, 1.25)]), "sy": 1.0, "shear": 0.0, "angle": r.choice([0, 0, r.gauss(0, 5)]), "mirror": False}

    def pick_logo(self, r, base):
        if r.random() < 0.6:
            alpha = self.mono[r.randrange(len(self.mono))]
            flat = np.empty(alpha.shape + (4,), np.uint8)
            flat[..., :3], flat[..., 3] = self.contrasting(r, base), alpha
            return flat
        return self.colour[r.randrange(len(self.colour))]

    # ---- drawing --------------------------------------------------------------------------------------------------
    def render(self, scene):
        out = scene["base"].copy()
        for e in scene["elements"]:
            layer = self.text_layer(e) if e["kind"] == "text" else e["image"]
            out = paste(out, layer, e)
        return out

    def text_layer(self, e):
        pad = e["size"] // 2 + 4
        height = int(e["size"] * 1.9) + 8
        image = Image.new("RGBA", (int(e["length"]) + 2 * pad, height), e["colour"] + (0,))
        draw, base = ImageDraw.Draw(image), height * 0.68
        for n, (c, (x, width)) in enumerate(zip(e["chars"], e["slots"])):
            path = e["glyph_font"].get(n, e["font"])
            f, natural = _font(path, e["size"]), _advance(path, e["size"], c)
            colour = e["glyph_colour"].get(n, e["colour"])
            dx, dy = e["glyph_shift"].get(n, (0, 0))
            at = (pad + x + dx, base + dy)
            keys = {"font": f, "anchor": "ls", "stroke_width": e["stroke"], "stroke_fill": e["stroke_colour"] + (255,)}
            if e["shadow"]:
                draw.text((at[0] + 2, at[1] + 2), c, fill=(0, 0, 0, 170), font=f, anchor="ls")
            if natural > 0 and width > 0 and abs(natural / width - 1) > 0.04:
                draw_fitted(image, c, at, width / natural, colour, keys)
            else:
                draw.text(at, c, fill=colour + (255,), **keys)
        layer = np.array(image)
        if e["gradient"]:
            ramp = np.linspace(0.6, 1.25, height)[:, None, None]
            layer[..., :3] = np.clip(layer[..., :3] * ramp, 0, 255).astype(np.uint8)
        return layer


def draw_fitted(image, c, at, squeeze, colour, keys):
    """Draws one glyph squeezed along x, so that a replaced letter fills exactly the place of the old one."""
    squeeze = min(1.5, max(0.6, squeeze))
    wide = int(keys["font"].getlength(c)) + 24
    tile = Image.new("RGBA", (wide, image.height), colour + (0,))
    ImageDraw.Draw(tile).text((12, at[1]), c, fill=colour + (255,), **keys)
    tile = tile.resize((max(2, round(wide * squeeze)), image.height), Image.BICUBIC)
    image.alpha_composite(tile, (max(0, round(at[0] - 12 * squeeze)), 0))


def paste(canvas, layer, e):
    """Lays an RGBA layer on the canvas, centred on the element's place, with its scale, shear, angle and mirroring."""
    h, w = layer.shape[:2]
    k = e["side"] / max(h, w) if e["kind"] == "logo" else 1.0
    if k < 0.7:
        layer = cv2.resize(layer, (max(2, round(w * k)), max(2, round(h * k))), interpolation=cv2.INTER_AREA)
        h, w = layer.shape[:2]
        k = 1.0
    a = math.radians(e["angle"])
    sx = k * e["sx"] * (-1 if e["mirror"] else 1)
    m = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]) @ np.array([[sx, e["shear"] * k], [0, k * e["sy"]]])
    shift = np.array([e["x"], e["y"]]) - m @ np.array([w / 2, h / 2])
    corners = m @ np.array([[0, w, 0, w], [0, 0, h, h]]) + shift[:, None]
    x0, y0 = np.maximum(np.floor(corners.min(1)).astype(int) - 2, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(1)).astype(int) + 2, [canvas.shape[1], canvas.shape[0]])
    if x0 >= x1 or y0 >= y1:
        return canvas
    pre = layer.astype(np.float32)
    pre[..., 3] /= 255
    pre[..., :3] *= pre[..., 3:]
    move = np.column_stack([m, shift - [x0, y0]]).astype(np.float32)
    warped = cv2.warpAffine(pre, move, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
    out = canvas.copy()
    out[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - warped[..., 3:]) + warped[..., :3]
    return out


def turn_hue(rgb, by, saturate=1.0, gain=1.0):
    """Turns the hue of float RGB pixels by `by` degrees."""
    hsv = cv2.cvtColor(np.clip(rgb, 0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV).astype(np.int32)
    hsv[..., 0] = (hsv[..., 0] + int(by / 2)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * saturate + (40 if saturate > 1 else 0), 0, 255)
    hsv[..., 2] = np.clip(hsv[..., 2] * gain, 0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
