"""A small drawing surface for print artwork: text, shapes, gradients and barcodes.

Everything is given in design units (one unit is one pixel of the reference picture) and drawn three times larger, so that edges
come out smooth when the sheet is reduced.
"""
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

SCALE = 3  # drawn size over design units
MASTER = 2  # size of the print master over design units

FONTS = {
    "round": ("font_fredoka_one", "FredokaOne-Regular.ttf"),
    "hand": ("font_amatic_sc", "AmaticSC-Bold.ttf"),
    "black": ("font_roboto", "Roboto-Black.ttf"),
    "blackitalic": ("font_roboto", "Roboto-BlackItalic.ttf"),
    "bold": ("font_roboto", "Roboto-Bold.ttf"),
    "regular": ("font_roboto", "Roboto-Regular.ttf"),
    "italic": ("font_roboto", "Roboto-Italic.ttf"),
    "serif": ("font_source_serif_pro", "SourceSerifPro-Semibold.ttf"),
    "serifblack": ("font_source_serif_pro", "SourceSerifPro-Black.ttf"),
    "serifitalic": ("font_source_serif_pro", "SourceSerifPro-It.ttf"),
    "grotesk": ("font_hanken_grotesk", "HankenGrotesk-SemiBold.otf"),
    "geometric": ("font_manrope", "Manrope-ExtraBold.ttf"),
}


def font(name, size):
    """The font `name` at `size` design units, from the package that bundles it."""
    package, file = FONTS[name]
    path = Path(import_module(package).__file__).parent / "files" / file
    return ImageFont.truetype(str(path), max(1, round(size * SCALE)), layout_engine=ImageFont.Layout.BASIC)


def rgb(colour):
    """`#rrggbb` or a triple, as a triple of 0..255."""
    if isinstance(colour, str):
        return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return tuple(int(round(c)) for c in colour)


def mix(a, b, t):
    """Colour between `a` (t=0) and `b` (t=1)."""
    return tuple(x * (1 - t) + y * t for x, y in zip(rgb(a), rgb(b)))


def spline(points, closed=True, steps=10):
    """Catmull-Rom curve through `points`."""
    p = np.asarray(points, float)
    n = len(p)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    out = []
    for i in range(n if closed else n - 1):
        if closed:
            a, b, c, d = (p[(i + k) % n] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (p[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2))
        out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    if not closed:
        out.append(p[-1:])
    return [tuple(q) for q in np.concatenate(out)]


def smooth_noise(rng, h, w, cell, octaves=4):
    """Smooth noise in 0..1, `cell` pixels per blob at the coarsest octave; `cell` may be a (y, x) pair."""
    cy, cx = cell if isinstance(cell, tuple) else (cell, cell)
    total, weight = np.zeros((h, w), np.float32), 0.0
    for o in range(octaves):
        gh, gw = int(h / cy * 2**o) + 3, int(w / cx * 2**o) + 3
        grid = rng.random((min(gh, h + 3), min(gw, w + 3)), dtype=np.float32)
        total += cv2.resize(grid, (w, h), interpolation=cv2.INTER_CUBIC) * 0.5**o
        weight += 0.5**o
    total /= weight
    low, high = np.percentile(total, [1, 99])
    return np.clip((total - low) / (high - low), 0, 1)


class Canvas:
    """A sheet of `w` x `h` design units."""

    def __init__(self, w, h, colour="#ffffff"):
        self.w, self.h = w, h
        self.image = Image.new("RGB", (w * SCALE, h * SCALE), rgb(colour))

    # -- masks: what to paint --------------------------------------------------------------------------------------
    def mask(self):
        m = Image.new("L", self.image.size, 0)
        return m, ImageDraw.Draw(m)

    def polygon_mask(self, points):
        m, d = self.mask()
        d.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=255)
        return m

    def ellipse_mask(self, cx, cy, rx, ry=None):
        ry = rx if ry is None else ry
        m, d = self.mask()
        d.ellipse([(cx - rx) * SCALE, (cy - ry) * SCALE, (cx + rx) * SCALE, (cy + ry) * SCALE], fill=255)
        return m

    def rect_mask(self, x0, y0, x1, y1, radius=0):
        m, d = self.mask()
        d.rounded_rectangle([x0 * SCALE, y0 * SCALE, x1 * SCALE - 1, y1 * SCALE - 1], radius * SCALE, fill=255)
        return m

    # -- painting --------------------------------------------------------------------------------------------------
    def paint(self, mask, colour, alpha=1.0):
        if alpha < 1:
            mask = mask.point(lambda v: int(v * alpha))
        self.image.paste(rgb(colour), (0, 0), mask)

    def gradient(self, mask, start, stops):
        """Fill `mask` with a linear gradient; `start` is ((x0, y0), (x1, y1)), `stops` a list of (t, colour)."""
        (x0, y0), (x1, y1) = start
        box = mask.getbbox()
        if box is None:
            return
        ys, xs = np.mgrid[box[1] : box[3], box[0] : box[2]].astype(np.float32) / SCALE
        d = np.array([x1 - x0, y1 - y0], np.float32)
        t = ((xs - x0) * d[0] + (ys - y0) * d[1]) / float(d @ d)
        at = [s[0] for s in stops]
        cols = np.array([rgb(s[1]) for s in stops], float)
        out = np.stack([np.interp(t, at, cols[:, c]) for c in range(3)], -1).astype(np.uint8)
        self.image.paste(Image.fromarray(out), box[:2], mask.crop(box))

    def polygon(self, points, colour, alpha=1.0):
        if alpha < 1:
            self.paint(self.polygon_mask(points), colour, alpha)
        else:
            ImageDraw.Draw(self.image).polygon([(x * SCALE, y * SCALE) for x, y in points], fill=rgb(colour))

    def blob(self, points, colour, alpha=1.0):
        self.polygon(spline(points), colour, alpha)

    def ellipse(self, cx, cy, rx, ry=None, colour="#000000", alpha=1.0):
        ry = rx if ry is None else ry
        if alpha < 1:
            self.paint(self.ellipse_mask(cx, cy, rx, ry), colour, alpha)
        else:
            box = [(cx - rx) * SCALE, (cy - ry) * SCALE, (cx + rx) * SCALE, (cy + ry) * SCALE]
            ImageDraw.Draw(self.image).ellipse(box, fill=rgb(colour))

    def rect(self, x0, y0, x1, y1, colour, radius=0, alpha=1.0):
        if alpha < 1:
            self.paint(self.rect_mask(x0, y0, x1, y1, radius), colour, alpha)
        else:
            box = [x0 * SCALE, y0 * SCALE, x1 * SCALE - 1, max(y0 * SCALE, y1 * SCALE - 1)]
            ImageDraw.Draw(self.image).rounded_rectangle(box, radius * SCALE, fill=rgb(colour))

    def frame(self, x0, y0, x1, y1, width, colour, radius=0):
        ImageDraw.Draw(self.image).rounded_rectangle(
            [x0 * SCALE, y0 * SCALE, x1 * SCALE, y1 * SCALE], radius * SCALE, outline=rgb(colour), width=round(width * SCALE)
        )

    def ring(self, cx, cy, r, width, colour):
        outer = self.ellipse_mask(cx, cy, r)
        self.paint(ImageChops.subtract(outer, self.ellipse_mask(cx, cy, r - width)), colour)

    def line(self, points, width, colour):
        ImageDraw.Draw(self.image).line(
            [(x * SCALE, y * SCALE) for x, y in points], fill=rgb(colour), width=max(1, round(width * SCALE)), joint="curve"
        )

    def shade(self, factor, mask=None):
        """Multiply the sheet by `factor` (an array over the drawn pixels)."""
        a = np.asarray(self.image, np.float32)
        b = np.clip(a * (factor[..., None] if factor.ndim == 2 else factor), 0, 255).astype(np.uint8)
        self.image.paste(Image.fromarray(b), (0, 0), mask)

    def shadow(self, mask, dx, dy, blur, alpha, colour="#000000"):
        moved = ImageChops.offset(mask, round(dx * SCALE), round(dy * SCALE)).filter(ImageFilter.GaussianBlur(blur * SCALE))
        self.paint(moved, colour, alpha)

    # -- text ------------------------------------------------------------------------------------------------------
    def text_mask(self, x, y, text, name, size, anchor="mm", tracking=0.0, angle=0.0):
        """Mask of one line of text. `anchor`: l, m or r, then m (middle of the capitals) or s (baseline)."""
        f = font(name, size)
        widths = [f.getlength(c) for c in text]
        total = sum(widths) + tracking * SCALE * (len(text) - 1)
        left = x * SCALE - {"l": 0, "m": total / 2, "r": total}[anchor[0]]
        cap = -f.getbbox("H", anchor="ls")[1]
        base = y * SCALE + (cap / 2 if anchor[1] == "m" else 0)
        m, d = self.mask()
        for c, w in zip(text, widths):
            d.text((left, base), c, font=f, fill=255, anchor="ls")
            left += w + tracking * SCALE
        if angle:
            m = m.rotate(angle, Image.BICUBIC, center=(x * SCALE, y * SCALE))
        return m

    def text(self, x, y, text, name, size, colour, anchor="mm", tracking=0.0, angle=0.0):
        """Paint text; returns its box in design units."""
        m = self.text_mask(x, y, text, name, size, anchor, tracking, angle)
        self.paint(m, colour)
        return [v / SCALE for v in m.getbbox() or (0, 0, 0, 0)]

    def arc_text(self, cx, cy, r, text, name, size, colour, middle=-90.0, inside=False):
        """Text on a circle of radius `r`, centred on the angle `middle` (degrees, 0 to the right, clockwise)."""
        f = font(name, size)
        widths = [f.getlength(c) / SCALE for c in text]
        sign = -1 if inside else 1
        angle = middle - sign * np.degrees(sum(widths) / r) / 2
        for c, w in zip(text, widths):
            a = np.radians(angle + sign * np.degrees(w / r) / 2)
            turn = -np.degrees(a) - 90 + (180 if inside else 0)
            self.text(cx + r * np.cos(a), cy + r * np.sin(a), c, name, size, colour, "mm", 0, turn)
            angle += sign * np.degrees(w / r)

    def paragraph(self, x, y, width, text, name, size, colour, leading=1.25):
        """Fine print, wrapped to `width`; returns the y below it."""
        f = font(name, size)
        row = ""
        for word in text.split() + [None]:
            if word is None or f.getlength(row + " " + word) > width * SCALE:
                ImageDraw.Draw(self.image).text((x * SCALE, y * SCALE), row, font=f, fill=rgb(colour))
                y += size * leading
                row = word or ""
            else:
                row = (row + " " + word).strip()
        return y

    # -- pack furniture --------------------------------------------------------------------------------------------
    def barcode(self, x, y, w, h, digits12):
        """EAN-13 on a white field. Numbers begin with 2: kept for use inside a shop, so no maker owns them."""
        self.rect(x, y, x + w, y + h, "#ffffff")
        module = (w - 16) / 95
        left = x + 10
        digits, bars = ean13(digits12)
        for i, bit in enumerate(bars):
            if bit == "1":
                tall = h - 9 if i < 3 or i > 91 or 45 <= i < 50 else h - 14
                self.rect(left + i * module, y + 3, left + (i + 1) * module, y + 3 + tall, "#101010")
        size = min(10, w / 17)
        self.text(x + 1, y + h - 6, digits[0], "regular", size, "#101010", "lm")
        self.text(left + 24 * module, y + h - 6, digits[1:7], "regular", size, "#101010", "mm", 1)
        self.text(left + 71 * module, y + h - 6, digits[7:], "regular", size, "#101010", "mm", 1)

    def table(self, x, y, w, title, rows, colour, ground, size=8):
        """A nutrition-like table; returns the y below it."""
        self.rect(x, y, x + w, y + size * 1.9, colour, 2)
        self.text(x + 5, y + size * 0.95, title, "bold", size, ground, "lm")
        y += size * 1.9
        for i, (a, b) in enumerate(rows):
            self.text(x + 4, y + size * 0.8, a, "regular", size, colour, "lm")
            self.text(x + w - 4, y + size * 0.8, b, "bold", size, colour, "rm")
            y += size * 1.55
            self.rect(x, y - 0.4, x + w, y + 0.4, colour)
        return y

    def master(self, scale=MASTER):
        """The finished print, `scale` pixels per design unit, as an RGB array."""
        return np.asarray(self.image.resize((self.w * scale, self.h * scale), Image.LANCZOS))


def ean13(digits12):
    """All 13 digits and the 95 modules of the barcode."""
    check = (10 - sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits12))) % 10
    digits = digits12 + str(check)
    left = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011"]
    parity = ["LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL"]
    bars = "101"
    for d, p in zip(digits[1:7], parity[int(digits[0])]):
        code = left[int(d)]
        bars += code if p == "L" else "".join("10"[int(b)] for b in code)[::-1]
    bars += "01010"
    for d in digits[7:]:
        bars += "".join("10"[int(b)] for b in left[int(d)])
    return digits, bars + "101"
