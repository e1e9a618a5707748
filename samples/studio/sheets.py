"""What the prints of all packs share: the finished artwork with its protected marks, the board it is printed on, the underside."""
from dataclasses import dataclass, field

import numpy as np

from .canvas import SCALE, Canvas, mix, smooth_noise


@dataclass
class Print:
    """Artwork of one box: `size` in centimetres (width, height, depth), sheets as RGB arrays, marks in 0..1 of the front."""

    size: tuple
    front: np.ndarray
    side: np.ndarray
    top: np.ndarray
    base: np.ndarray
    reference: np.ndarray
    gloss: float = 0.5
    marks: list = field(default_factory=list)


def mark(canvas, name, kind, text, box, margin=4):
    """A protected mark: `box` in design units with a margin, as a region in 0..1 of the sheet."""
    x0, y0, x1, y1 = box
    w, h = canvas.w, canvas.h
    region = (max(0, x0 - margin) / w, max(0, y0 - margin) / h, min(w, x1 + margin) / w, min(h, y1 + margin) / h)
    return {"name": name, "kind": kind, "text": text, "region": [round(v, 4) for v in region]}


def base_sheet(w, h, ground, code):
    """The underside: two glued flaps, a batch number and a barcode."""
    c = Canvas(w, h, ground)
    c.rect(0, h * 0.52, w, h, mix(ground, "#ffffff", 0.07))
    c.line([(0, h * 0.52), (w, h * 0.52)], 1.4, mix(ground, "#000000", 0.5))
    c.text(w * 0.06, h * 0.24, "LOT 4K-1172   PACKED 03", "bold", w * 0.032, mix(ground, "#ffffff", 0.75), "lm", 1)
    c.text(w * 0.06, h * 0.76, "Please recycle this box. Paper and board.", "regular", w * 0.03, mix(ground, "#ffffff", 0.75), "lm")
    c.barcode(w * 0.68, h * 0.58, w * 0.26, h * 0.34, code)
    return c.master()


def paper(c, rng, strength=0.05):
    """Slight unevenness of the printed board."""
    h, w = c.h * SCALE, c.w * SCALE
    c.shade(1 + strength * (smooth_noise(rng, h, w, 260) - 0.5) + 0.03 * (smooth_noise(rng, h, w, 14, 2) - 0.5))
