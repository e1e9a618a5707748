"""The print of the Halmora oat drink cartons, original and vanilla. `edit` changes one thing in the print,
drawn by the same code in the same place, so that a look-alike differs from the genuine pack in its artwork alone.
"""
import numpy as np

from .canvas import SCALE, Canvas, mix, spline
from .sheets import Print, base_sheet, mark, paper

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
    word, colour = ("Halmorb" if edit == "letter" else "Halmora"), ("#a3174f" if edit == "colour" else "#1b3f74")
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
    """Round claims to the left and right of the name."""
    for x, y, r, a, b in ((62, 402, 41, "NO", "added sugar"), (c.w - 62, 402, 41, "B12", "& calcium")):
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
