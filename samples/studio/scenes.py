"""The scenes: where a pack stands, lies or is held, what is around it and how it is photographed."""
import numpy as np

from . import textures as tx
from .canvas import Canvas
from .render import SKIN, Box, Capsule, Cylinder, Hand, Plane, colour, linear, rotation, unit
from .trace import Camera

F = np.float32


def pack_box(art, x=0.0, z=0.0, yaw=0.0, y=0.0, turn=None, centre=None, gloss=None):
    """A printed box standing on y; or placed freely with `turn` and `centre`."""
    w, h, d = art.size
    sheets = {"front": linear(art.front), "right": linear(art.side), "left": linear(art.side), "top": linear(art.top), "bottom": linear(art.base)}
    sheets["back"] = sheets["front"]
    return Box(
        F(centre if centre is not None else (x, y + h / 2, z)), rotation(yaw) if turn is None else turn, 0.6,
        art.gloss if gloss is None else gloss, 0.16, size=(w, h, d), sheets=sheets,
    )  # fmt: skip


def filler_box(rng, x, z, yaw=0.0, size=None, y=0.0):
    w, h, d = size or (rng.uniform(8, 12), rng.uniform(13, 19), rng.uniform(4, 6))
    front = tx.filler(rng, int(w * 22), int(h * 22))
    side = np.broadcast_to(np.median(front.reshape(-1, 3), 0) * F(0.9), (8, 8, 3)).astype(np.float32).copy()
    return Box(F((x, y + h / 2, z)), rotation(yaw), 0.6, 0.3, 0.2, size=(w, h, d), sheets={"front": front, "right": side, "left": side, "top": side})


def floor(sheet, span=60.0, gloss=0.0, rough=0.3, y=0.0, yaw=0.0):
    return Plane(F((0, y, 0)), rotation(yaw), 0.5, gloss, rough, sheet=sheet, span=span)


def wall(sheet, z, span=60.0, yaw=0.0, gloss=0.0):
    return Plane(F((0, 0, z)), rotation(yaw, 90), 0.5, gloss, 0.3, sheet=sheet, span=span)


def mug(x, z, tint, yaw=30.0, r=4.1, h=9.5):
    """A mug of coffee with a handle."""
    out = [Cylinder(F((x, h / 2, z)), np.eye(3, dtype=F), colour(tint), 0.8, 0.12, radius=r, height=h, cap=colour("#2a140a"))]
    turn = rotation(yaw)
    ring = [(r + 2.6 * np.sin(a), h * 0.52 + 2.9 * np.cos(a), 0.0) for a in np.linspace(0.1, np.pi - 0.1, 7)]
    ring = [turn @ F(p) + F((x, 0, z)) for p in ring]
    for a, b in zip(ring, ring[1:]):
        out.append(rod(a, b, 0.55, tint, 0.8))
    return out


def rod(a, b, radius, tint, gloss=0.3, bands=()):
    a, b = F(a), F(b)
    y = unit(b - a)
    x = unit(np.cross(y, F((0.31, 0.2, 0.93))))
    turn = np.stack([x, y, np.cross(x, y)], -1).astype(F)
    return Capsule((a + b) / 2, turn, colour(tint), gloss, 0.15, radius=radius, length=float(np.linalg.norm(b - a)), bands=[(p, q, colour(c)) for p, q, c in bands])


def pen(x, z, angle, tint, length=13.5, y=0.42):
    a = np.radians(angle)
    d = F((np.cos(a), 0, np.sin(a))) * length / 2
    p = F((x, y, z))
    h = length / 2
    return [rod(p - d, p + d, 0.42, tint, 0.6, [(h - 1.6, h + 1, "#e8e4da"), (-h - 1, -h + 3.6, "#22252b")])]


def spanner(x, z, angle, length=17.0):
    """A ring spanner from rods."""
    a = np.radians(angle)
    d, n = F((np.cos(a), 0, np.sin(a))), F((-np.sin(a), 0, np.cos(a)))
    p = F((x, 0.55, z))
    out = [rod(p - d * length / 2, p + d * length / 2, 0.55, "#565b61", 5.0)]
    for end in (-1, 1):
        c = p + d * (length / 2 + 1.4) * end
        pts = [c + (d * np.cos(t) + n * np.sin(t)) * 1.5 for t in np.linspace(0, 2 * np.pi, 9)]
        out += [rod(u, v, 0.5, "#565b61", 5.0) for u, v in zip(pts, pts[1:])]
    return out


def bolts(rng, x, z, count, reach=5.0):
    out = []
    for _ in range(count):
        px, pz, a = x + rng.uniform(-reach, reach), z + rng.uniform(-reach, reach), rng.uniform(0, 6.3)
        d = F((np.cos(a), 0, np.sin(a)))
        p = F((px, 0.38, pz))
        out.append(rod(p, p + d * 1.9, 0.27, "#66645e", 4.0))
        out.append(Cylinder(p, np.stack([np.cross(d, F((0, 1, 0))), -d, F((0, 1, 0))], -1).astype(F), colour("#5d5b56"), 4.0, 0.15, radius=0.52, height=0.45))
    return out


def biscuits(rng, x, z, count):
    out = []
    for k in range(count):
        px, pz = x + rng.uniform(-3.5, 3.5), z + rng.uniform(-3, 3)
        turn = rotation(rng.uniform(0, 360), rng.uniform(-6, 6))
        out.append(Cylinder(F((px, 0.5 + 0.45 * (k % 2), pz)), turn, colour("#b9803f"), 0, radius=2.7, height=0.55, cap=colour("#c9934f")))
    return out


def price_rail(rng, z, width=70.0, height=4.2):
    """The front edge of a shop shelf with its price tickets."""
    c = Canvas(700, 42, "#e4e6e8")
    x = int(rng.integers(10, 60))
    while x < 640:
        c.rect(x, 5, x + 74, 38, "#fffbe0")
        c.text(x + 70, 24, f"{rng.integers(1, 5)}.{rng.integers(10, 99)}", "black", 17, "#1c1c1c", "rm")
        c.text(x + 4, 12, "per pack", "regular", 7, "#333333", "lm")
        c.rect(x + 4, 26, x + 32, 35, "#555555")
        x += int(rng.integers(95, 150))
    return Box(F((0, -height / 2 + 0.35, z)), rotation(0), 0.8, 0.8, 0.15, size=(width, height, 0.5), sheets={"front": linear(c.master(3))}, wear=0.04)


def shelf_board(rng, edge):
    """A white shelf board whose front edge is at z = `edge`."""
    sheet = tx.plaster(rng, "#dfe1e2")
    return Box(F((0, -0.5, edge - 20)), rotation(0), 0.7, 0.6, 0.2, size=(110, 1, 40), sheets={"top": sheet}, wear=0.02)


def page(rng, x, z, yaw, title, y=0.05, size=(15, 21)):
    sheet = tx.sheet_of_paper(rng, title)
    return Box(F((x, y, z)), rotation(yaw), 0.85, 0, size=(size[0], 0.06, size[1]), sheets={"top": sheet}, wear=0.01)


def phone(x, z, yaw):
    return Box(F((x, 0.4, z)), rotation(yaw), 0.02, 2.2, 0.05, size=(7.2, 0.8, 15), sheets={"top": tx.screen()}, wear=0.06)


def grip(size, lift, skin="#c98f73", left=True, sleeve="#37475c"):
    """A hand that holds a box at one edge: thumb on the front, fingers behind. In the box's own frame, centre at the origin."""
    w, h, d = size
    s = 1.0 if left else -1.0
    x, z = -w / 2, d / 2
    at = lambda dx, y, zz: (s * (x + dx), y + lift, zz)
    wrist, web, knuckle = at(-3.6, -7.6, 1.2), at(-1.7, -1.2, z - 0.6), at(-1.9, 1.9, z - 2.6)
    ip, tip = at(0.55, 1.5, z + 0.95), at(2.95, 2.75, z + 0.62)
    bones = [
        (wrist, web, 2.05, 1.38), (web, ip, 1.22, 0.97), (ip, tip, 0.96, 0.76),
        (wrist, knuckle, 1.7, 1.2), (web, knuckle, 0.9, 0.95), (knuckle, at(-0.95, 3.7, -z + 0.4), 1.02, 0.9), (at(-0.95, 3.7, -z + 0.4), at(0.6, 4.2, -z - 0.9), 0.88, 0.8),
        (wrist, at(-2.9, 0.0, z - 4.0), 1.6, 1.15), (at(-2.9, 0.0, z - 4.0), at(-0.9, 1.4, -z - 0.2), 1.02, 0.9),
        (wrist, at(-3.0, -2.4, z - 4.6), 1.55, 1.1), (at(-3.0, -2.4, z - 4.6), at(-0.9, -1.0, -z - 0.2), 1.0, 0.88),
        (wrist, at(-6.4, -18.0, 7.0), 2.3, 2.9),
    ]  # fmt: skip
    axis = unit(F(tip) - F(ip))
    up = unit(F((-0.25 * s, 0.12, 1.0)))
    up = unit(up - axis * float(axis @ up))
    nail = (tuple(F(tip) - axis * 0.12 + up * 0.62), tuple(axis), tuple(up), (0.5, 0.62))
    fold = (tuple(F(ip) + up * 0.9), tuple(axis), 0.5)
    hand = Hand(F((0, 0, 0)), np.eye(3, dtype=F), colour(skin), 0.28, 0.5, SKIN, bones=bones, nails=[nail], creases=[fold], blend=0.75)
    cuff0, cuff1 = F(at(-5.0, -12.2, 4.0)), F(at(-9.5, -32.0, 15.0))
    return hand, rod(cuff0, cuff1, 3.55, sleeve)


def held(art, lift, turn, left=True, skin="#c98f73", sleeve="#37475c", back=()):
    """The pack in a hand before something out of focus. The box's centre is the origin."""
    box = pack_box(art, turn=turn, centre=(0, 0, 0))
    hand, cuff = grip(art.size, lift, skin, left, sleeve)
    hand.turn = turn
    cuff.centre, cuff.turn = turn @ cuff.centre, turn @ cuff.turn
    return [box, hand, cuff, *back]


def picture_wall(sheet, z, w, h, yaw=0.0):
    """A large picture standing upright: a background too far away to be modelled."""
    return Box(F((0, 0, z)), rotation(yaw), 0.5, 0, size=(w, h, 2), sheets={"front": sheet})


def frame(pack, target, fill, azimuth, elevation, fov=34.0, roll=0.0, **rest):
    """Camera so far off that a `pack` of that size takes about `fill` of the picture in height or width, whichever is tighter."""
    w, h = rest["size"]
    half = np.tan(np.radians(fov) / 2)
    distance = max(pack[1] / (2 * half * fill), pack[0] / (2 * half * fill * w / h)) + pack[2] / 2
    return look(target, float(distance), azimuth, elevation, fov=fov, roll=roll, **rest)


def look(target, distance, azimuth, elevation, **rest):
    """Camera at `distance` from the target; azimuth 0 is straight in front, elevation 0 is level."""
    a, e = np.radians([azimuth, elevation])
    eye = F(target) + F((np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e))) * distance
    return Camera(tuple(float(v) for v in eye), tuple(target), **rest)


def glare_at(camera, box, u, v):
    """Direction of a lamp whose reflection lies at (u, v) of the box's front."""
    w, h, d = box.size
    p = box.world(F(((u - 0.5) * w, (0.5 - v) * h, d / 2)))
    n = box.turn[:, 2]
    i = unit(p - F(camera.eye))
    return tuple(float(q) for q in i - 2 * float(i @ n) * n)
