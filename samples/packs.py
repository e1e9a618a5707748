"""The print of the fictional packs: Halmora oat drinks, Quillmere tea and Torvanik oil filters.

Each function returns a `Print`: one sheet per side of the box and the protected marks of the front. `edit` changes one thing in
the print, drawn by the same code in the same place, so that a look-alike differs from the genuine pack in its artwork alone.
"""
from dataclasses import dataclass, field

import numpy as np

from canvas import SCALE, Canvas, mix, smooth_noise, spline


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


# -- Halmora oat drink ---------------------------------------------------------------------------------------------------

FLAVOURS = {
    "original": dict(
        name="Original", line="smooth & creamy", deep="#14607a", mid="#2f93a8", light="#a9d8d6", band="#0f4c63", sun="#f6c453",
        code="204417830016",
    ),
    "vanilla": dict(
        name="Vanilla", line="with real vanilla", deep="#8a4a12", mid="#d98a2b", light="#f6d79a", band="#6e3510", sun="#fff0bf",
        code="204417830023",
    ),
}


def oat_ear(c, x, y, length, angle, stem, grain, rng):
    """One oat panicle: a bent stalk with drooping spikelets."""
    a = np.radians(angle)
    d, n = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    at = lambda t: np.array([x, y]) + d * length * t + n * 0.16 * length * t * t
    c.line([tuple(at(t)) for t in np.linspace(0, 1, 14)], 2.2, stem)
    for i, t in enumerate(np.linspace(0.3, 1.0, 9)):
        side = -1 if i % 2 else 1
        reach = length * (0.24 - 0.14 * t) * rng.uniform(0.85, 1.15)
        tip = at(t) + (d * 0.5 + n * side) * reach + np.array([0, reach * 0.5])
        c.line(spline([at(t), at(t) + (d * 0.6 + n * side * 0.6) * reach, tip], False, 6), 1.3, stem)
        g = np.radians(90 + side * -18 + rng.uniform(-12, 12))
        gd, gn = np.array([np.cos(g), np.sin(g)]), np.array([-np.sin(g), np.cos(g)])
        s = length * 0.075
        for k, shift in ((1.0, 0.0), (0.8, 0.35), (0.8, -0.35)):
            base = tip + gn * s * shift
            shape = [base, base + gd * s * k + gn * s * 0.3, base + gd * s * 2.3 * k, base + gd * s * k - gn * s * 0.3]
            c.blob(shape, mix(grain, "#5a3c10", 0.0 if shift == 0 else 0.22))
        c.line([tuple(tip), tuple(tip + gd * s * 2.0)], 0.7, mix(grain, "#5a3c10", 0.5))


def vanilla_flower(c, x, y, r, angle):
    """Five cream petals with a frilled lip, and two dark pods."""
    for turn, length in ((38, 2.6), (62, 2.9)):
        a = np.radians(turn)
        p = [(x + np.cos(a) * r * length * t + r * 0.35 * t * t, y + np.sin(a) * r * length * t) for t in np.linspace(0, 1, 8)]
        c.line(p, 6.5, "#3a1d0a")
        c.line([(q[0] - 1.5, q[1] - 0.5) for q in p], 1.4, "#8b5a2e")
    for k in range(5):
        a = np.radians(angle + 72 * k)
        d, n = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
        o = np.array([x, y])
        petal = [o, o + d * r * 0.5 + n * r * 0.3, o + d * r * 1.2, o + d * r * 0.5 - n * r * 0.3]
        m = c.polygon_mask(spline(petal))
        c.shadow(m, 1.5, 2.5, 2, 0.25)
        c.gradient(m, (tuple(o), tuple(o + d * r * 1.2)), [(0, "#f2c43f"), (0.35, "#fff3cf"), (1, "#fffdf5")])
        c.line([tuple(o + d * r * 0.25), tuple(o + d * r * 0.95)], 0.9, "#d9b95f")
    frill = [(x + r * 0.42 * (1 + 0.22 * (k % 2)) * np.cos(np.radians(k * 20)), y + r * 0.42 * (1 + 0.22 * (k % 2)) * np.sin(np.radians(k * 20))) for k in range(18)]
    c.blob(frill, "#f3b431")
    c.ellipse(x, y, r * 0.2, colour="#b9720f")


def halmora_logo(c, cx, cy, r, colour, ground):
    """Round seal: an oat sprig between two arcs of text, under a small crown of grains."""
    c.ellipse(cx, cy, r, colour=colour)
    c.ring(cx, cy, r * 0.94, r * 0.05, ground)
    c.ring(cx, cy, r * 0.66, r * 0.035, ground)
    c.arc_text(cx, cy, r * 0.785, "FIELD & MILL", "black", r * 0.235, ground, -90)
    c.arc_text(cx, cy, r * 0.785, "OAT WORKS", "black", r * 0.235, ground, 90, True)
    for a in (0, 180):
        c.ellipse(cx + r * 0.79 * np.cos(np.radians(a)), cy, r * 0.05, colour=ground)
    c.line([(cx, cy + r * 0.52), (cx, cy - r * 0.3)], r * 0.055, ground)
    for i in range(4):
        yy = cy + r * (0.42 - 0.21 * i)
        for s in (-1, 1):
            tip = (cx + s * r * (0.42 - 0.05 * i), yy - r * 0.24)
            c.blob([(cx + s * r * 0.05, yy), (cx + s * r * 0.27, yy - r * 0.04), tip, (cx + s * r * 0.15, yy - r * 0.17)], ground)
    c.blob([(cx, cy - r * 0.6), (cx + r * 0.1, cy - r * 0.42), (cx, cy - r * 0.24), (cx - r * 0.1, cy - r * 0.42)], ground)


def halmora_scene(c, f, rng, flavour):
    """Sun, hills, oat field and a glass being filled: the lower half of the carton."""
    w, h = c.w, c.h
    sun = c.ellipse_mask(w * 0.5, 478, 168)
    c.gradient(sun, ((0, 310), (0, 640)), [(0, f["sun"]), (1, mix(f["sun"], "#ffffff", 0.65))])
    for k in range(36):
        a = np.radians(k * 10)
        p = lambda r, da: (w * 0.5 + r * np.cos(a + da), 478 + r * np.sin(a + da))
        c.polygon([p(176, -0.03), p(176, 0.03), p(206 + 10 * (k % 2), 0)], f["sun"])
    for i, (y, amp, t) in enumerate(((560, 22, 0.15), (610, 18, 0.5), (668, 14, 0.85))):
        top = [(x, y + amp * np.sin(x / 62 + i * 2.1) + 9 * np.sin(x / 23 + i)) for x in range(0, w + 8, 8)]
        m = c.polygon_mask(top + [(w, h), (0, h)])
        c.gradient(m, ((0, y - 20), (0, y + 150)), [(0, mix(f["light"], f["deep"], t)), (1, mix(f["mid"], f["deep"], t))])
        for x in range(6 + i * 3, w, 15):
            yy = y + amp * np.sin(x / 62 + i * 2.1) + 9 * np.sin(x / 23 + i)
            for k in range(5):
                q = yy + 12 + k * 17 + (x * 7 % 9)
                lean = 5 * np.sin(x / 40 + k)
                c.line([(x + lean, q), (x, q + 11)], 1.5, mix(f["light"], f["deep"], min(1, t + 0.28 - 0.05 * (k % 3))))
    gold, stem = ("#e7b64a", "#8d6a1f")
    for x, y, length, angle in (
        (26, 690, 250, -84), (62, 700, 190, -72), (14, 640, 150, -70), (92, 708, 130, -60),
        (454, 690, 255, -100), (420, 700, 195, -112), (470, 630, 150, -112), (392, 708, 125, -124),
    ):  # fmt: skip
        oat_ear(c, x, y, length, angle, stem, gold, rng)
    glass(c, w * 0.5, 700, f)
    if flavour == "vanilla":
        vanilla_flower(c, 352, 610, 50, 10)
        vanilla_flower(c, 138, 650, 38, 40)


def glass(c, cx, base, f):
    """A tumbler with drink, seen slightly from above, and a splash crown."""
    body = [(cx - 62, base - 190), (cx + 62, base - 190), (cx + 46, base), (cx - 46, base)]
    c.shadow(c.ellipse_mask(cx, base + 2, 66, 13), 0, 2, 6, 0.45)
    c.gradient(c.polygon_mask(body), ((cx - 60, 0), (cx + 60, 0)), [(0, "#d7e3e4"), (0.2, "#ffffff"), (0.8, "#eaf1f1"), (1, "#bccbd0")])
    drink = [(cx - 56, base - 150), (cx + 56, base - 150), (cx + 42, base - 9), (cx - 42, base - 9)]
    c.gradient(c.polygon_mask(drink), ((cx - 56, 0), (cx + 56, 0)), [(0, "#e6d9bd"), (0.25, "#fff9ea"), (0.75, "#f7ecd4"), (1, "#d9c8a4")])
    c.ellipse(cx, base - 9, 42, 8, "#dccba9")
    crown = []
    for k in range(26):
        t = k / 25
        crown.append((cx - 56 + 112 * t, base - 150 - (26 if k % 3 == 1 else 9 if k % 3 == 0 else 3) * np.sin(np.pi * t) ** 0.5 - 6 * np.sin(k * 1.7)))
    c.blob(crown + [(cx + 52, base - 140), (cx, base - 132), (cx - 52, base - 140)], "#fffaf0")
    c.ellipse(cx, base - 147, 44, 8, "#efe2c6")
    pour = [(cx + 6, base - 330), (cx + 26, base - 330), (cx + 15, base - 260), (cx + 13, base - 150), (cx - 9, base - 150), (cx - 2, base - 250)]
    c.gradient(c.polygon_mask(spline(pour)), ((cx - 9, 0), (cx + 22, 0)), [(0, "#e9dcbf"), (0.4, "#fffdf6"), (1, "#e2d3b2")])
    for dx, dy, r in ((-70, -205, 6), (-48, -226, 4), (74, -212, 5), (52, -236, 3.5), (-84, -178, 3), (90, -180, 3.5), (36, -216, 4)):
        c.ellipse(cx + dx, base + dy, r, r * 1.15, "#fff8e8")
        c.ellipse(cx + dx - r * 0.25, base + dy - r * 0.3, r * 0.35, colour="#ffffff")
    for x in (-44, 38):
        c.polygon([(cx + x, base - 180), (cx + x + 6, base - 180), (cx + x * 0.78 + 4, base - 16), (cx + x * 0.78, base - 16)], "#ffffff", 0.7)
    c.line([(cx - 62, base - 190), (cx + 62, base - 190)], 2, "#9fb4ba")
    c.blob([(cx - 24, base - 86), (cx, base - 108), (cx + 24, base - 86), (cx, base - 58)], f["mid"])
    c.text(cx, base - 83, "1 L", "black", 20, "#ffffff")


def paper(c, rng, strength=0.05):
    """Slight unevenness of the printed board."""
    h, w = c.h * SCALE, c.w * SCALE
    c.shade(1 + strength * (smooth_noise(rng, h, w, 260) - 0.5) + 0.03 * (smooth_noise(rng, h, w, 14, 2) - 0.5))


def halmora(flavour, edit=None):
    """The oat drink carton: `edit` is None, `letter` (another letter in the wordmark) or `colour` (the wordmark's colour)."""
    f, rng = FLAVOURS[flavour], np.random.default_rng(11)
    c = Canvas(480, 800, "#fbf3df")
    w = c.w
    c.gradient(c.rect_mask(0, 0, w, 800), ((0, 0), (0, 620)), [(0, "#fdf8ea"), (0.6, "#f8edd2"), (1, f["light"])])
    for k in range(230):  # scattered flakes
        x, y, r = rng.uniform(0, w), rng.uniform(120, 560), rng.uniform(1.6, 4.2)
        a = rng.uniform(0, np.pi)
        d, n = np.array([np.cos(a), np.sin(a)]) * r * 1.6, np.array([-np.sin(a), np.cos(a)]) * r * 0.8
        o = np.array([x, y])
        c.blob([o - d, o + n, o + d, o - n], mix("#ecd9ad", "#c99f55", rng.uniform(0, 0.7)))
    halmora_scene(c, f, rng, flavour)
    c.gradient(c.polygon_mask([(0, 0), (w, 0)] + [(x, 96 + 10 * np.sin(x / 44)) for x in range(w, -8, -8)]), ((0, 0), (0, 106)), [(0, f["band"]), (1, f["deep"])])
    for x in range(-10, w, 26):
        c.line([(x + 13 * np.sin(t), t * 12) for t in np.linspace(0, 7.6, 16)], 1.1, mix(f["deep"], "#ffffff", 0.2))
    c.text(18, 24, "100% PLANT BASED", "black", 17, "#ffffff", "lm", 1)
    c.text(w - 18, 24, "NEW RECIPE", "black", 17, f["sun"], "rm", 1)
    c.text(18, 46, "whole grain oats", "regular", 12.5, "#ffffff", "lm")
    c.text(w - 18, 46, "shake me well", "hand", 21, "#ffffff", "rm")
    seal = (w / 2, 86, 62)
    c.ellipse(*seal[:2], seal[2] + 6, colour="#fbf3df")
    halmora_logo(c, *seal, "#1b3f74", "#fff6e0")
    word, colour = ("Halmoka" if edit == "letter" else "Halmora"), ("#a3174f" if edit == "colour" else "#1b3f74")
    m = c.text_mask(w / 2, 214, word, "round", 102)
    c.shadow(m, 3, 4, 0.6, 1.0, mix(f["mid"], "#ffffff", 0.35))
    c.paint(m, colour)
    box = [v / SCALE for v in c.text_mask(w / 2, 214, "Halmora", "round", 102).getbbox()]
    c.text(w / 2, 278, "THE EVERYDAY OAT DRINK", "black", 19, f["deep"], "mm", 4.2)
    c.rect(118, 298, w - 118, 346, f["deep"], 24)
    c.text(w / 2, 322, f["name"].upper(), "black", 32, "#ffffff", "mm", 4)
    c.text(w / 2, 372, f["line"], "hand", 40, f["deep"])
    halmora_claims(c, f)
    c.rect(0, 724, w, 800, f["band"])
    c.table(14, 731, 150, "per 100 ml", [("Energy", "195 kJ / 46 kcal"), ("Fat", "1.5 g"), ("Carbohydrate", "6.7 g")], "#ffffff", f["band"], 9)
    c.paragraph(176, 732, 196, "Oat drink with calcium and vitamins. Keep cool after opening and use within five days. Oat base (water, oats 10%), rapeseed oil, calcium carbonate, salt.", "regular", 8.6, "#ffffff")
    c.text(176, 784, "best before: see top of pack", "italic", 9.5, f["sun"], "lm")
    c.text(w - 52, 752, "1 L", "black", 40, "#ffffff")
    c.text(w - 52, 784, "1000 ml e", "bold", 12, "#ffffff")
    paper(c, rng)
    marks = [mark(c, "wordmark", "text", "Halmora", box), mark(c, "seal", "logo", "", (seal[0] - 62, seal[1] - 62, seal[0] + 62, seal[1] + 62))]
    return Print((9.6, 16.0, 6.2), c.master(), halmora_side(f), halmora_top(f), base_sheet(480, 310, f["band"], f["code"]), c.master(1), 0.55, marks)


def halmora_claims(c, f):
    """Three round claims on the left and right of the name."""
    for x, y, a, b in ((62, 402, "NO", "added sugar"), (c.w - 62, 402, "B12", "& calcium"), (c.w - 54, 326, "VEGAN", "")):
        r = 41 if b else 31
        if not b:
            continue
        c.ellipse(x, y, r, colour=f["mid"])
        c.ring(x, y, r - 3, 1.6, "#ffffff")
        c.text(x, y - 8, a, "black", 25, "#ffffff")
        c.text(x, y + 14, b, "bold", 11.5, "#ffffff")


def halmora_side(f):
    """Side panel: ingredients, table, barcode."""
    c = Canvas(310, 800, f["deep"])
    c.gradient(c.rect_mask(0, 0, 310, 800), ((0, 0), (0, 800)), [(0, f["band"]), (0.5, f["deep"]), (1, f["mid"])])
    c.text(155, 66, "Halmora", "round", 66, "#ffffff")
    c.text(155, 112, "why oats?", "hand", 44, f["sun"])
    body = "Because they grow where the rain falls, need little and give a lot. We soak, mill and sieve them, and stop there. "
    y = c.paragraph(28, 140, 254, body * 2, "regular", 15, "#ffffff")
    c.rect(22, y + 14, 288, y + 234, "#fbf3df", 8)
    rows = [("Energy", "195 kJ / 46 kcal"), ("Fat", "1.5 g"), ("of which saturates", "0.2 g"), ("Carbohydrate", "6.7 g"), ("of which sugars", "3.4 g"), ("Fibre", "0.8 g"), ("Protein", "1.0 g"), ("Salt", "0.10 g"), ("Calcium", "120 mg")]
    c.table(32, y + 24, 246, "Nutrition per 100 ml", rows, f["band"], "#fbf3df", 12.5)
    y = c.paragraph(28, y + 240, 254, "Ingredients: oat base (water, oats 10%), rapeseed oil, calcium carbonate, calcium phosphates, salt, vitamins (D2, riboflavin, B12). May contain traces of other cereals.", "bold", 12, "#ffffff")
    c.barcode(60, 660, 190, 96, f["code"])
    return c.master()


def halmora_top(f):
    c = Canvas(480, 310, f["band"])
    c.text(150, 200, "Halmora", "round", 62, "#ffffff")
    c.text(150, 250, "BEST BEFORE  14.03", "bold", 18, "#ffffff")
    return c.master()


# -- Quillmere tea -------------------------------------------------------------------------------------------------------


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


# -- Torvanik oil filter -------------------------------------------------------------------------------------------------


def torvanik_logo(c, cx, cy, r, colour, ground, edit=None):
    """A nut with a piston in it; the look-alike has a shield with a cog instead."""
    if edit == "logo":
        shield = [(cx - r * 0.86, cy - r * 0.8), (cx, cy - r), (cx + r * 0.86, cy - r * 0.8), (cx + r * 0.72, cy + r * 0.35), (cx, cy + r), (cx - r * 0.72, cy + r * 0.35)]
        c.polygon(shield, colour)
        c.polygon([(cx + (x - cx) * 0.86, cy + (y - cy) * 0.86) for x, y in shield], ground)
        cog = []
        for k in range(48):
            q = r * (0.56 if k % 6 < 3 else 0.42)
            cog.append((cx + q * np.cos(k * np.pi / 24), cy - r * 0.08 + q * np.sin(k * np.pi / 24)))
        c.polygon(cog, colour)
        c.ellipse(cx, cy - r * 0.08, r * 0.2, colour=ground)
        return
    hexagon = lambda q: [(cx + q * np.cos(np.radians(60 * k + 30)), cy + q * np.sin(np.radians(60 * k + 30))) for k in range(6)]
    c.polygon(hexagon(r), colour)
    c.polygon(hexagon(r * 0.86), ground)
    c.polygon(hexagon(r * 0.78), colour)
    c.rect(cx - r * 0.36, cy - r * 0.5, cx + r * 0.36, cy - r * 0.02, ground, r * 0.06)
    for k in (0.36, 0.24):
        c.rect(cx - r * 0.36, cy - r * k, cx + r * 0.36, cy - r * (k - 0.05), colour)
    c.polygon([(cx - r * 0.13, cy - r * 0.02), (cx + r * 0.13, cy - r * 0.02), (cx + r * 0.1, cy + r * 0.3), (cx - r * 0.1, cy + r * 0.3)], ground)
    c.ellipse(cx, cy + r * 0.4, r * 0.21, colour=ground)
    c.ellipse(cx, cy + r * 0.4, r * 0.1, colour=colour)


def canister(c, cx, top, w, h):
    """A spin-on oil filter in three-quarter view."""
    c.shadow(c.ellipse_mask(cx, top + h, w * 0.6, 24), 4, 6, 9, 0.7)
    body = c.rect_mask(cx - w / 2, top, cx + w / 2, top + h, 10)
    c.gradient(body, ((cx - w / 2, 0), (cx + w / 2, 0)), [(0, "#14161a"), (0.12, "#3d434c"), (0.26, "#c3cad2"), (0.36, "#6b737d"), (0.6, "#23272d"), (0.86, "#4b525b"), (1, "#0c0d10")])
    c.ellipse(cx, top + h, w / 2, 20, "#17191d")
    c.gradient(c.ellipse_mask(cx, top + 4, w / 2, 27), ((cx - w / 2, 0), (cx + w / 2, 0)), [(0, "#5c636c"), (0.4, "#eef1f4"), (1, "#6d747d")])
    c.ellipse(cx, top + 4, w * 0.4, 20, "#22262c")
    c.ellipse(cx, top + 6, w * 0.36, 17, "#b3bac2")
    for k in range(8):
        a = np.radians(45 * k + 10)
        c.ellipse(cx + w * 0.26 * np.cos(a), top + 6 + 12 * np.sin(a), 8, 4, "#16181b")
    c.ellipse(cx, top + 6, w * 0.13, 6.5, "#2a2e34")
    c.ellipse(cx, top + 8, w * 0.09, 4, "#050506")
    for k in range(17):  # grip flutes at the foot
        x = cx - w / 2 + w * (0.5 - 0.5 * np.cos(np.pi * (k + 0.5) / 17))
        c.line([(x, top + h - 46), (x, top + h + 6)], 2.0, "#0b0c0e")
        c.line([(x + 2, top + h - 46), (x + 2, top + h + 6)], 1.0, "#7d858e")
    band = (top + 62, top + h - 66)
    m = c.rect_mask(cx - w / 2, band[0], cx + w / 2, band[1])
    c.gradient(m, ((cx - w / 2, 0), (cx + w / 2, 0)), [(0, "#5a0508"), (0.25, "#ff5a4d"), (0.36, "#d3161c"), (0.8, "#9b0b12"), (1, "#4a0306")])
    for y in band:
        c.rect(cx - w / 2, y - 2, cx + w / 2, y + 2, "#f2f2f2")
    torvanik_logo(c, cx - 4, (band[0] + band[1]) / 2 - 22, 38, "#ffffff", "#b80f16")
    c.text(cx - 2, (band[0] + band[1]) / 2 + 34, "TF 412/7", "black", 25, "#ffffff")


def hologram(c, x, y, w, h, rng):
    """A security label: rainbow foil with a guilloche and a serial number."""
    m = c.rect_mask(x, y, x + w, y + h, 8)
    c.shadow(m, 1, 2, 2, 0.5)
    hues = ["#f7a6c4", "#f8dd9a", "#b9f0b1", "#9fe3f2", "#b6b4f7", "#f0b2ef", "#f7d5a6", "#b5f2dd"]
    c.gradient(m, ((x, y), (x + w, y + h * 1.6)), [(i / 7, q) for i, q in enumerate(hues)])
    for k in range(26):
        ph = k * 0.24
        c.line([(x + t * w, y + h / 2 + (h * 0.44) * np.sin(t * 9 + ph) * np.cos(ph)) for t in np.linspace(0.02, 0.98, 40)], 0.7, mix("#6f6fa8", "#ffffff", 0.25 + 0.3 * (k % 2)))
    torvanik_logo(c, x + h * 0.5, y + h * 0.5, h * 0.38, "#4a4f86", "#e6e6ff")
    c.text(x + h + 2, y + h * 0.28, "GENUINE PART", "black", 13, "#2d2f5e", "lm", 0.6)
    c.text(x + h + 2, y + h * 0.54, "SN 7Q4-0931-KD", "bold", 11, "#2d2f5e", "lm")
    c.text(x + h + 2, y + h * 0.78, "tilt: colour turns", "italic", 9.5, "#2d2f5e", "lm")
    c.frame(x, y, x + w, y + h, 1.2, "#ffffff", 8)


def torvanik(edit=None):
    """The oil filter box: `edit` is None or `logo` (another emblem)."""
    rng = np.random.default_rng(37)
    c = Canvas(640, 720, "#16181c")
    for row in range(0, 720, 8):  # carbon weave
        for col in range(0, 640, 8):
            up = (row // 8 + col // 8) % 2
            c.rect(col, row, col + 8, row + 8, "#23272d" if up else "#15171a")
            c.rect(col + (1 if up else 3), row + (3 if up else 1), col + (7 if up else 5), row + (5 if up else 7), "#31363e" if up else "#1f2227")
    sweep = [(0, 262), (640, 154), (640, 470), (0, 640)]
    m = c.polygon_mask(sweep)
    c.gradient(m, ((0, 300), (640, 420)), [(0, "#8d0a10"), (0.45, "#e0222a"), (1, "#7a060c")])
    for k in range(13):  # speed lines
        y = 276 + k * 27
        c.polygon([(0, y), (640, y - 150 - 4 * k), (640, y - 150 - 4 * k + 4), (0, y + 2)], mix("#ff6a5e", "#8d0a10", (k % 3) / 3), 0.55)
    for shift, colour, t in ((0, "#f4f4f4", 7), (14, "#b9bec5", 3)):
        c.polygon([(0, 262 - shift), (640, 154 - shift), (640, 154 - shift - t), (0, 262 - shift - t)], colour)
        c.polygon([(0, 640 + shift), (640, 470 + shift), (640, 470 + shift + t), (0, 640 + shift + t)], colour)
    logo = (86, 94, 62)
    torvanik_logo(c, *logo, "#f4f4f4", "#d21a22", edit)
    word = c.text_mask(164, 96, "TORVANIK", "blackitalic", 87, "lm")
    c.shadow(word, 3, 4, 1, 0.9)
    c.gradient(word, ((0, 62), (0, 132)), [(0, "#ffffff"), (0.5, "#e3e6ea"), (0.52, "#c3c8cf"), (1, "#f4f5f7")])
    box = [v / SCALE for v in word.getbbox()]
    c.text(166, 149, "DRIVE TRAIN & FILTRATION", "bold", 19, "#e0222a", "lm", 3.6)
    c.text(612, 28, "O.E. MATCHING QUALITY", "bold", 13, "#b9bec5", "rm", 2)
    canister(c, 474, 236, 210, 294)
    filter_copy(c)
    filter_label(c, rng)
    paper(c, rng, 0.04)
    marks = [mark(c, "wordmark", "text", "TORVANIK", box), mark(c, "nut", "logo", "", (logo[0] - 62, logo[1] - 62, logo[0] + 62, logo[1] + 62))]
    return Print((11.2, 12.6, 11.2), c.master(), torvanik_side(), torvanik_top(), base_sheet(640, 640, "#1b1d22", "209914120072"), c.master(1), 0.4, marks)


def filter_copy(c):
    """Product name, part number and claims on the red field."""
    c.text(30, 284, "OIL FILTER", "black", 58, "#ffffff", "lm")
    c.text(32, 324, "Ölfilter · Filtre à huile · Filtro olio", "regular", 17, "#ffffff", "lm")
    c.rect(30, 340, 318, 408, "#ffffff", 6)
    c.text(44, 374, "TF 412/7", "black", 58, "#16181c", "lm")
    for i, t in enumerate(("Anti-drain valve, silicone", "By-pass opens at 1.2 bar", "Full-flow fleece, 20 micron")):
        y = 432 + i * 25
        c.polygon([(32, y - 6), (44, y), (32, y + 6)], "#ffd23f")
        c.text(52, y, t, "bold", 16.5, "#ffffff", "lm")
    c.ellipse(592, 250, 40, colour="#ffd23f")
    c.ring(592, 250, 36, 1.6, "#16181c")
    c.text(592, 240, "20 000", "black", 19, "#16181c")
    c.text(592, 260, "km tested", "bold", 12, "#16181c")


def filter_label(c, rng):
    """Security label, fitting list, warning signs and barcode along the foot."""
    hologram(c, 24, 638, 196, 66, rng)
    c.rect(232, 622, 440, 706, "#f4f4f4", 4)
    c.text(240, 634, "FITS / PASST / POUR / PER", "black", 10.5, "#16181c", "lm")
    rows = (("1.6-2.0 petrol", "2009-2021"), ("1.9 diesel", "2012-"), ("Thread", "M20 x 1.5"), ("Height", "86 mm"), ("Seal", "62 / 71 mm"))
    for i, (a, b) in enumerate(rows):
        c.text(240, 649 + i * 12, a, "regular", 10.5, "#16181c", "lm")
        c.text(432, 649 + i * 12, b, "bold", 10.5, "#16181c", "rm")
        c.rect(238, 654.4 + i * 12, 434, 655, "#9aa0a8")
    c.barcode(450, 628, 168, 78, "209914120072")
    for i, sign in enumerate("!i"):
        x = 470 + i * 34
        c.polygon([(x, 614), (x + 26, 614), (x + 13, 592)], "#ffd23f")
        c.text(x + 13, 606, sign, "black", 15, "#16181c")
    c.text(616, 604, "Made to last.", "bold", 12, "#b9bec5", "rm")


def torvanik_side():
    c = Canvas(640, 720, "#16181c")
    c.polygon([(0, 180), (640, 80), (640, 720), (0, 720)], "#b3121a")
    c.polygon([(0, 180), (640, 80), (640, 90), (0, 190)], "#f4f4f4")
    torvanik_logo(c, 320, 270, 110, "#f4f4f4", "#b3121a")
    c.text(320, 430, "TORVANIK", "blackitalic", 92, "#ffffff")
    c.paragraph(60, 500, 520, "Fit by hand, three quarters of a turn after the seal touches. Oil the seal first. Run the engine and check for leaks. Dispose of the used filter as oily waste. Keep the box: the part number and the serial number are your proof of purchase.", "regular", 24, "#ffffff")
    return c.master()


def torvanik_top():
    c = Canvas(640, 640, "#16181c")
    c.polygon([(0, 320), (640, 220), (640, 640), (0, 640)], "#b3121a")
    c.text(320, 180, "TORVANIK", "blackitalic", 96, "#ffffff")
    c.text(320, 450, "TF 412/7", "black", 110, "#ffffff")
    return c.master()
