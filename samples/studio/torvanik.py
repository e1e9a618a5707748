"""The print of the Torvanik oil filter box. `edit` changes one thing in the print,
drawn by the same code in the same place, so that a look-alike differs from the genuine pack in its artwork alone.
"""
import numpy as np

from .canvas import SCALE, Canvas, mix
from .sheets import Print, base_sheet, mark, paper


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
