"""The print of the Quillmere tea box. `edit` changes one thing in the print,
drawn by the same code in the same place, so that a look-alike differs from the genuine pack in its artwork alone.
"""
import numpy as np

from .canvas import SCALE, Canvas, mix, spline
from .sheets import Print, base_sheet, mark, paper


def leaf(c, x, y, length, angle, colour, vein, width=0.26):
    """A tea leaf with a lit half and veins."""
    a = np.radians(angle)
    d, n, o = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)]), np.array([x, y], float)
    at = lambda t, s: o + d * length * t + n * length * s
    rim = [at(0, 0), at(0.2, width * 0.7), at(0.5, width), at(0.8, width * 0.55), at(1, 0), at(0.8, -width * 0.55), at(0.5, -width), at(0.2, -width * 0.7)]
    m = c.polygon_mask(spline(rim))
    c.shadow(m, 2, 3, 2.5, 0.35)
    c.gradient(m, (tuple(at(0.4, -width)), tuple(at(0.5, width))), [(0, mix(colour, "#ffffff", 0.25)), (0.48, colour), (0.52, mix(colour, "#000000", 0.18)), (1, mix(colour, "#000000", 0.35))])
    c.line([tuple(at(0, 0)), tuple(at(0.97, 0))], length * 0.018 + 0.6, vein)
    for t in np.arange(0.15, 0.85, 0.11):
        for s in (-1, 1):
            c.line([tuple(at(t, 0)), tuple(at(t + 0.12, s * width * 0.72 * np.sin(np.pi * min(1, t + 0.1))))], 0.9, vein)


def citrus(c, x, y, r):
    """A slice of bergamot."""
    c.shadow(c.ellipse_mask(x, y, r), 3, 4, 3, 0.4)
    c.ellipse(x, y, r, colour="#c8a02a")
    c.ellipse(x, y, r * 0.94, colour="#f4e27a")
    c.ellipse(x, y, r * 0.86, colour="#fbf6d4")
    for k in range(10):
        a0, a1 = np.radians(36 * k + 3), np.radians(36 * k + 33)
        p = lambda a, q: (x + np.cos(a) * r * q, y + np.sin(a) * r * q)
        m = c.polygon_mask(spline([p((a0 + a1) / 2, 0.1), p(a0, 0.6), p(a0, 0.78), p((a0 + a1) / 2, 0.82), p(a1, 0.78), p(a1, 0.6)]))
        c.gradient(m, (p(a0, 0.1), p(a0, 0.85)), [(0, "#f7ee9c"), (1, "#dfc23c")])
        for q in (0.35, 0.5, 0.65):
            c.line([p((a0 + a1) / 2, q), p((a0 + a1) / 2 + 0.08, q + 0.1)], 1.2, "#fff9c9")


def cornflower(c, x, y, r, turn):
    for k in range(11):
        a = np.radians(turn + k * 360 / 11)
        d, n, o = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)]), np.array([x, y], float)
        petal = [o + d * r * 0.15, o + d * r * 0.8 - n * r * 0.24, o + d * r * 1.05 - n * r * 0.12, o + d * r * 0.88, o + d * r * 1.05 + n * r * 0.12, o + d * r * 0.8 + n * r * 0.24]
        c.polygon([tuple(q) for q in petal], mix("#3f63d6", "#93b1ff", (k * 5 % 11) / 11))
        c.line([tuple(o), tuple(o + d * r * 0.8)], 0.8, "#22368f")
    for k in range(9):
        a = np.radians(k * 40)
        c.ellipse(x + np.cos(a) * r * 0.17, y + np.sin(a) * r * 0.17, r * 0.07, colour="#5b2a8c")


def quillmere_logo(c, cx, cy, r, ink, ground):
    """A quill standing in a cup, inside a double ring."""
    c.ellipse(cx, cy, r, colour=ground)
    c.ring(cx, cy, r, r * 0.06, ink)
    c.ring(cx, cy, r * 0.87, r * 0.03, ink)
    cup = [(cx - r * 0.5, cy + r * 0.12), (cx + r * 0.5, cy + r * 0.12), (cx + r * 0.38, cy + r * 0.45), (cx + r * 0.16, cy + r * 0.58), (cx - r * 0.16, cy + r * 0.58), (cx - r * 0.38, cy + r * 0.45)]
    c.polygon(cup, ink)
    c.ring(cx + r * 0.5, cy + r * 0.29, r * 0.17, r * 0.07, ink)
    c.rect(cx - r * 0.52, cy + r * 0.64, cx + r * 0.52, cy + r * 0.7, ink)
    feather = [(cx - r * 0.05, cy + r * 0.1), (cx - r * 0.2, cy - r * 0.25), (cx + r * 0.02, cy - r * 0.66), (cx + r * 0.42, cy - r * 0.72), (cx + r * 0.36, cy - r * 0.38), (cx + r * 0.1, cy - r * 0.08)]
    c.blob(feather, ink)
    c.line([(cx - r * 0.1, cy + r * 0.14), (cx + r * 0.3, cy - r * 0.62)], r * 0.045, ground)
    for t in (0.25, 0.45, 0.65):
        c.line([(cx - r * 0.1 + r * 0.4 * t, cy + r * 0.14 - r * 0.76 * t), (cx + r * (0.22 + 0.22 * t), cy - r * (0.1 + 0.42 * t))], r * 0.035, ground)


def quillmere(edit=None):
    """The tea box, landscape: `edit` is None or `font` (the wordmark in another typeface)."""
    rng = np.random.default_rng(23)
    c = Canvas(800, 560, "#12372f")
    gold, cream = "#d8b25e", "#f6ecd2"
    c.gradient(c.rect_mask(0, 0, 800, 560), ((0, 0), (800, 560)), [(0, "#0d2f2b"), (0.5, "#1b5245"), (1, "#0b2824")])
    for row in range(16):  # damask of small fans
        for col in range(24):
            x, y = col * 36 + (row % 2) * 18 - 10, row * 38 - 4
            for q in (15, 10, 5):
                c.line([(x + q * np.cos(a), y + q * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 12)], 0.9, "#2c6a59")
            c.ellipse(x, y + 5, 1.4, colour="#3a7d69")
    tea_garden(c, rng)
    for inset, width in ((12, 2.4), (18, 0.9)):
        c.frame(inset, inset, 800 - inset, 560 - inset, width, gold, 10)
    for x, y in ((28, 28), (772, 28), (28, 532), (772, 532)):
        for k in range(8):
            a = np.radians(45 * k)
            c.blob([(x, y), (x + 8 * np.cos(a - 0.3), y + 8 * np.sin(a - 0.3)), (x + 13 * np.cos(a), y + 13 * np.sin(a)), (x + 8 * np.cos(a + 0.3), y + 8 * np.sin(a + 0.3))], gold)
    plate = [(66, 96), (96, 70), (704, 70), (734, 96), (734, 262), (704, 288), (96, 288), (66, 262)]
    c.shadow(c.polygon_mask(plate), 0, 5, 7, 0.6)
    c.gradient(c.polygon_mask(plate), ((0, 70), (0, 288)), [(0, "#fffaf0"), (1, "#eadbb4")])
    for k, width in ((7, 1.8), (12, 0.8)):
        c.line([(x + (400 - x) * k / 400, y + (179 - y) * k / 130) for x, y in plate + plate[:1]], width, gold)
    logo = (400, 74, 56)
    quillmere_logo(c, *logo, "#12443a", cream)
    style = ("geometric", 86, 0) if edit == "font" else ("serif", 93, 5)
    c.text(403, 183, "QUILLMERE", style[0], style[1], "#c9a24a", "mm", style[2])
    c.text(400, 180, "QUILLMERE", style[0], style[1], "#12443a", "mm", style[2])
    box = [v / SCALE for v in c.text_mask(400, 180, "QUILLMERE", "serif", 93, "mm", 5).getbbox()]
    c.text(400, 250, "FINE TEA MERCHANTS OF THE LOWER LAKE", "bold", 18, "#8a6b24", "mm", 3)
    tea_lower(c, gold, cream)
    paper(c, rng, 0.06)
    marks = [mark(c, "wordmark", "text", "QUILLMERE", box), mark(c, "quill", "logo", "", (logo[0] - 56, logo[1] - 56, logo[0] + 56, logo[1] + 56))]
    return Print((15.5, 10.85, 7.2), c.master(), quillmere_side(), quillmere_top(), base_sheet(800, 372, "#12443a", "207719400058"), c.master(1), 0.3, marks)


def tea_garden(c, rng):
    """Leaves, citrus and cornflowers along the lower edge."""
    greens = ("#4f9a4a", "#6fb257", "#3c8248", "#85be62")
    for x, y, length, angle in (
        (40, 540, 150, -60), (20, 430, 120, -35), (90, 555, 130, -20), (170, 560, 120, -75), (120, 470, 90, -100), (60, 350, 95, -75),
        (760, 540, 150, -120), (782, 430, 120, -145), (710, 555, 130, -160), (630, 560, 120, -105), (680, 470, 90, -80), (742, 350, 95, -105),
        (270, 566, 100, -50), (530, 566, 100, -130),
    ):  # fmt: skip
        leaf(c, x, y, length, angle + rng.uniform(-6, 6), greens[int(rng.integers(4))], "#c9e08f")
    for x, y, r in ((96, 478, 58), (704, 478, 58), (196, 522, 40)):
        citrus(c, x, y, r)
    for x, y, r, t in ((176, 432, 30, 0), (48, 400, 24, 13), (622, 436, 32, 20), (752, 396, 24, 7), (604, 522, 34, 4), (140, 386, 20, 9), (664, 384, 20, 2)):
        cornflower(c, x, y, r, t)
    for _ in range(140):  # loose tea
        x, y, a, q = rng.uniform(20, 780), rng.uniform(512, 556), rng.uniform(0, 3.1), rng.uniform(3, 8)
        c.line([(x, y), (x + q * np.cos(a), y + q * np.sin(a))], 2.2, mix("#2a1608", "#6d4a22", rng.random()))


def tea_lower(c, gold, cream):
    """Name of the blend, quantity and brewing hints."""
    c.text(400, 334, "Earl Grey", "serifitalic", 62, gold)
    c.text(400, 384, "BLACK TEA WITH BERGAMOT & CORNFLOWER", "bold", 15.5, cream, "mm", 1.6)
    c.line([(250, 404), (372, 404)], 1.4, gold)
    c.line([(428, 404), (550, 404)], 1.4, gold)
    c.blob([(400, 396), (408, 404), (400, 412), (392, 404)], gold)
    for x, a, b in ((292, "95°C", "fresh water"), (400, "20", "pyramid bags"), (508, "3-4 min", "to your taste")):
        c.text(x, 430, a, "serifblack", 27, cream)
        c.text(x, 453, b, "regular", 13, cream)
    for x in (346, 454):
        c.line([(x, 418), (x, 460)], 0.9, gold)
    c.rect(248, 474, 552, 520, "#0b2824", 6)
    c.frame(248, 474, 552, 520, 1, gold, 6)
    c.paragraph(258, 479, 286, "Black tea (94%), natural bergamot flavouring, cornflower petals (1%). Store cool and dry. Net weight 40 g e. Packed by Quillmere, Lower Lake Wharf 7.", "regular", 11, cream)


def quillmere_side():
    c = Canvas(372, 560, "#0f3a32")
    c.frame(12, 12, 360, 548, 2, "#d8b25e", 8)
    c.text(186, 70, "QUILLMERE", "serif", 42, "#d8b25e", "mm", 3)
    c.text(186, 118, "Earl Grey", "serifitalic", 38, "#f6ecd2")
    y = c.paragraph(36, 150, 300, "Our clerk wrote the first blend book with a goose quill, one leaf at a time. We still keep the book, and the recipe on page twelve.", "serifitalic", 19, "#f6ecd2")
    y = c.table(36, y + 16, 300, "A cup holds", [("Energy", "2 kJ / 0 kcal"), ("Fat", "0 g"), ("Sugars", "0 g"), ("Caffeine", "about 40 mg")], "#f6ecd2", "#0f3a32", 14)
    c.barcode(86, 430, 200, 100, "207719400058")
    return c.master()


def quillmere_top():
    c = Canvas(800, 372, "#12443a")
    c.frame(14, 14, 786, 358, 2.4, "#d8b25e", 10)
    c.text(400, 160, "QUILLMERE", "serif", 96, "#d8b25e", "mm", 8)
    c.text(400, 250, "Earl Grey  ·  20 bags", "serifitalic", 44, "#f6ecd2")
    return c.master()
