"""Grounds, walls and things that stand about: wood, cloth, stone, board, tiles, packs of no particular brand."""
import numpy as np

from .canvas import Canvas, mix, rgb, smooth_noise, spline
from .render import colour, linear

N = 1600


def ramp(t, stops):
    """Colours (linear) along `t`; `stops` are (t, "#rrggbb")."""
    at = [s[0] for s in stops]
    cols = np.array([colour(s[1]) for s in stops])
    return np.stack([np.interp(t, at, cols[:, c]) for c in range(3)], -1).astype(np.float32)


def wood(rng, tone="oak", boards=5):
    """Boards along x with grain, rings and joints."""
    stops = {
        "oak": [(0, "#7b5532"), (0.45, "#b98a58"), (1, "#d9b483")],
        "walnut": [(0, "#2f1d12"), (0.5, "#5d3b25"), (1, "#84593a")],
        "pine": [(0, "#b98850"), (0.5, "#dcb57c"), (1, "#f0d6a6")],
        "grey": [(0, "#5f5a54"), (0.5, "#8f8a82"), (1, "#b5b0a6")],
    }[tone]
    out = np.zeros((N, N, 3), np.float32)
    step = N // boards
    for b in range(boards):
        h = step if b < boards - 1 else N - step * (boards - 1)
        warp = smooth_noise(rng, h, N, (h, 700), 3)
        ys = np.arange(h, dtype=np.float32)[:, None] / h
        rings = 0.5 + 0.5 * np.sin((ys * rng.uniform(4, 9) + warp * rng.uniform(3, 6)) * 6.28)
        fibre = smooth_noise(rng, h, N, (5, 420), 3)
        fine = smooth_noise(rng, h, N, (2, 60), 2)
        t = np.clip(0.42 + (0.06 if tone == "grey" else 0.2) * (rings - 0.5) + 0.5 * (fibre - 0.5) + 0.22 * (fine - 0.5) + rng.uniform(-0.1, 0.1), 0, 1)
        plank = ramp(t, stops)
        plank[:3] *= 0.35
        plank[3:6] *= 0.8
        out[b * step : b * step + h] = plank
    return out


def cloth(rng, a="#e9e3d6", b="#9fb0bd", stripe=0):
    """Woven cloth, plain or with stripes in both directions (`stripe` pixels)."""
    ys, xs = np.mgrid[0:N, 0:N]
    weave = 0.5 + 0.25 * np.sin(xs * 2 * np.pi / 6) * (((ys // 6) % 2) * 2 - 1) + 0.25 * np.sin(ys * 2 * np.pi / 6)
    base = np.broadcast_to(colour(a), (N, N, 3)).copy()
    if stripe:
        m = (((xs // stripe) % 2) + ((ys // stripe) % 2)).astype(np.float32)[..., None] / 2
        base = base * (1 - m) + colour(b) * m
    rough = smooth_noise(rng, N, N, 200) * 0.18 + smooth_noise(rng, N, N, 5, 2) * 0.3
    return (base * (0.62 + 0.28 * weave + rough - 0.12)[..., None]).astype(np.float32)


def stone(rng, kind="marble"):
    """Marble with veins, or concrete with specks."""
    big = smooth_noise(rng, N, N, 500, 5)
    if kind == "marble":
        vein = np.abs(smooth_noise(rng, N, N, 600, 5) - 0.5 + 0.12 * (big - 0.5))
        t = np.clip(0.1 + vein * 6, 0, 1) * 0.75 + 0.25 * big
        return ramp(t, [(0, "#5f6369"), (0.3, "#a3a6a9"), (0.6, "#c6c7c6"), (1, "#d9d8d3")])
    speck = smooth_noise(rng, N, N, 3, 1)
    t = 0.55 * big + 0.3 * smooth_noise(rng, N, N, 12, 3) + 0.15 * (speck > 0.9) + 0.0
    return ramp(t, [(0, "#6f6d69"), (0.5, "#94918b"), (1, "#b9b6af")])


def board(rng):
    """Brown corrugated board."""
    ys = np.arange(N, dtype=np.float32)[:, None]
    t = 0.5 + 0.06 * np.sin(ys * 2 * np.pi / 22) + 0.16 * (smooth_noise(rng, N, N, (3, 40), 2) - 0.5) + 0.12 * (smooth_noise(rng, N, N, 4, 1) - 0.5) + 0.3 * (smooth_noise(rng, N, N, 300) - 0.5)
    return ramp(np.clip(t, 0, 1), [(0, "#8f6f4c"), (0.5, "#bb9a70"), (1, "#d6bb94")])


def tiles(rng, size=200, a="#e8e9e6", grout="#b3b1aa"):
    ys, xs = np.mgrid[0:N, 0:N]
    row = ys // (size // 2)
    gx, gy = (xs + (row % 2) * size // 2) % size, ys % (size // 2)
    edge = np.minimum(np.minimum(gx, size - gx), np.minimum(gy, size // 2 - gy))
    tone = 0.93 + 0.1 * rng.random((N // (size // 2) + 2, 2 * N // size + 4))[row, (xs + (row % 2) * size // 2) // size]
    m = np.clip((edge - 3) / 3, 0, 1)[..., None]
    return ((colour(a) * tone[..., None]) * m + colour(grout) * (1 - m)).astype(np.float32)


def pegboard(rng):
    base = np.broadcast_to(colour("#7a5d40"), (N, N, 3)) * (0.8 + 0.3 * smooth_noise(rng, N, N, (8, 8), 3))[..., None]
    ys, xs = np.mgrid[0:N, 0:N]
    hole = np.hypot(xs % 80 - 40, ys % 80 - 40) < 9
    base[hole] = 0.01
    return base.astype(np.float32)


def plaster(rng, a="#d8d3c8"):
    return (colour(a) * (0.9 + 0.12 * smooth_noise(rng, N, N, 500) + 0.05 * smooth_noise(rng, N, N, 6, 2))[..., None]).astype(np.float32)


WORDS = ["MUESLI", "RYE CRISPS", "COCOA", "PASTA", "BASMATI RICE", "LENTIL SOUP", "RUSKS", "SEA SALT", "HONEY OATS", "CRACKERS", "FLOUR", "DRIED FIGS", "COUSCOUS", "NUT MIX"]
INKS = ["#b4322f", "#2f6f9f", "#3b7f4a", "#d58a1f", "#5b3b7d", "#20807b", "#c2527c", "#7d5a3a", "#31465f", "#a8a13a"]


def filler(rng, w=220, h=320, plain=False):
    """Front of an ordinary pack: a word, a shape, some small print. Linear light."""
    ink, second = (INKS[i] for i in rng.choice(len(INKS), 2, replace=False))
    paper = ["#f3ead8", "#ffffff", "#efe6f0", "#e6efe6"][int(rng.integers(4))]
    c = Canvas(w, h, paper)
    style = int(rng.integers(3))
    if style == 0:
        c.gradient(c.rect_mask(0, 0, w, h), ((0, 0), (0, h)), [(0, ink), (1, mix(ink, "#000000", 0.4))])
    elif style == 1:
        c.rect(0, 0, w, h * 0.42, ink)
    else:
        for k in range(-4, 12):
            c.polygon([(k * 40, 0), (k * 40 + 20, 0), (k * 40 + 20 - w * 0.4, h), (k * 40 - w * 0.4, h)], mix(paper, ink, 0.25))
    word = WORDS[int(rng.integers(len(WORDS)))]
    size = min(46, w * 1.5 / len(word))
    c.rect(w * 0.06, h * 0.2, w * 0.94, h * 0.2 + size * 1.6, second if style != 1 else paper, 8)
    c.text(w / 2, h * 0.2 + size * 0.8, word, ["black", "round", "serifblack", "geometric"][int(rng.integers(4))], size, "#ffffff" if style != 1 else ink)
    for k in range(9):
        x, y, r = rng.uniform(0.15, 0.85) * w, rng.uniform(0.55, 0.82) * h, rng.uniform(0.05, 0.13) * w
        shape = [(x + r * rng.uniform(0.6, 1.2) * np.cos(a), y + r * rng.uniform(0.6, 1.2) * np.sin(a)) for a in np.arange(0, 6.2, 0.9)]
        c.polygon(spline(shape), mix(second, "#ffe0a0", rng.uniform(0, 0.8)))
    c.paragraph(w * 0.08, h * 0.88, w * 0.84, "Store in a dry place. Net weight 400 g. Best before: see base.", "regular", w * 0.04, "#222222" if style else "#ffffff")
    return linear(c.master(1 if plain else 2))


def shelf_picture(rng):
    """A whole shop shelf, to stand far behind and out of focus. Linear light."""
    sheet = np.full((1500, 2400, 3), 0.05, np.float32)
    for row in range(3):
        foot, x = 480 + row * 500, 0
        while x < 2400:
            w, h = int(rng.integers(150, 230)), int(rng.integers(270, 410))
            pack = filler(rng, w, h, plain=True)
            for _ in range(int(rng.integers(1, 4))):
                if x >= 2400:
                    break
                part = pack[:, : max(0, min(w, 2400 - x))]
                sheet[foot - h : foot, x : x + part.shape[1]] = part * rng.uniform(0.75, 1.0)
                x += w + int(rng.integers(3, 9))
        sheet[foot : foot + 20] = colour("#c9ccd0") * 0.9
        sheet[foot - 440 : foot - 400] *= np.linspace(0.2, 1, 40)[:, None, None]
        for x in range(60, 2300, 210):
            sheet[foot + 1 : foot + 19, x : x + 70] = colour("#fff6c8")
            sheet[foot + 5 : foot + 15, x + 8 : x + int(rng.integers(40, 62))] *= 0.15
    return sheet


def sheet_of_paper(rng, title, lines=26):
    """A printed page lying about. Linear light."""
    c = Canvas(300, 420, "#fbfbf7")
    c.text(24, 34, title, "bold", 18, "#222222", "lm")
    for k in range(lines):
        x, end = 24.0, rng.uniform(180, 276) if k % 7 == 6 else rng.uniform(255, 276)
        while x < end - 0.34 and k % 7 != 0:  # no sliver below a third of a unit: it rounds to nothing
            word = rng.uniform(6, 26)
            c.rect(x, 60 + k * 13, min(end, x + word), 65 + k * 13, mix("#fbfbf7", rgb("#555555"), rng.uniform(0.55, 0.8)))
            x += word + 4
    return linear(c.master(2))


def screen():
    """A dark phone screen with its rim. Linear light."""
    c = Canvas(144, 300, "#2b2d30")
    c.rect(3, 3, 141, 297, "#050506", 14)
    c.ellipse(72, 12, 3, colour="#16181c")
    return linear(c.master(2))
