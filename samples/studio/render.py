"""A small ray tracer: boxes with printed sides, cylinders, capsules, planes and a modelled hand, under one soft light.

Lengths are centimetres, x to the right, y up, z towards the camera. Colours are linear light. Every ray is worked on as a row of
arrays; randomness comes from the generator that the caller passes, so that one seed gives one picture.
"""
from dataclasses import dataclass, field

import cv2
import numpy as np

FAR = np.float32(1e9)
SKIN, FLAT = "skin", "flat"


def linear(image):
    """sRGB 0..255 to linear light."""
    v = np.asarray(image, np.float32) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb(light):
    v = np.clip(light, 0, 1)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def colour(text):
    return linear(np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)]]))[0]


def rotation(yaw=0.0, pitch=0.0, roll=0.0):
    """Local to world, degrees: roll about z, then pitch about x, then yaw about y."""
    y, p, r = np.radians([yaw, pitch, roll])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    rz = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return (ry @ rx @ rz).astype(np.float32)


def unit(v):
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def sample(texture, u, v, wrap=False):
    """Texture at u, v in 0..1 from the top left, bilinear; `wrap` repeats it mirrored."""
    h, w = texture.shape[:2]
    if wrap:
        u, v = 1 - np.abs(u % 2 - 1), 1 - np.abs(v % 2 - 1)
    x = (np.clip(u, 0, 1) * w - 0.5).astype(np.float32)
    y = (np.clip(v, 0, 1) * h - 0.5).astype(np.float32)
    n = len(x)
    pad = -n % 1024
    x, y = np.pad(x, (0, pad)).reshape(-1, 1024), np.pad(y, (0, pad)).reshape(-1, 1024)
    return cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 3)[:n]


@dataclass
class Shape:
    """A solid in its own frame: `centre` and `turn` (local to world) place it."""

    centre: np.ndarray
    turn: np.ndarray = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    albedo: object = None
    gloss: float = 0.0
    rough: float = 0.25
    kind: str = FLAT

    def local(self, o, d):
        return (o - np.float32(self.centre)) @ self.turn, d @ self.turn

    def world(self, p):
        return np.asarray(p, np.float32) @ self.turn.T + np.float32(self.centre)

    def ball(self):
        """A ball around the shape, as (centre, radius), or None where there is none; rays that miss it need no closer look."""
        return None

    def tint(self, q, n):
        """Albedo at local points `q` with local normals `n`."""
        return np.broadcast_to(np.float32(self.albedo), q.shape)


@dataclass
class Box(Shape):
    """A box of `size`; `sheets` holds textures by face: +z front, +x and -x side, +y top. Edges show a little bare board."""

    size: tuple = (1, 1, 1)
    sheets: dict = field(default_factory=dict)
    wear: float = 0.05

    def ball(self):
        return np.float32(self.centre), float(np.linalg.norm(self.size)) / 2

    def hit(self, o, d):
        o, d = self.local(o, d)
        half = np.float32(self.size) / 2
        inv = 1 / np.where(np.abs(d) < 1e-9, np.float32(1e-9), d)
        a, b = (-half - o) * inv, (half - o) * inv
        near, far = np.minimum(a, b), np.maximum(a, b)
        t0, t1 = near.max(-1), far.min(-1)
        ok = (t1 > t0) & (t0 > 1e-3)
        return np.where(ok, t0, FAR)

    def normal(self, q):
        r = q / (np.float32(self.size) / 2)
        axis = np.abs(r).argmax(-1)
        n = np.zeros_like(q)
        n[np.arange(len(q)), axis] = np.sign(r[np.arange(len(q)), axis])
        edge = np.float32(self.wear) * 2  # rounded edges catch the light
        inset = np.float32(self.size) / 2 - edge
        bend = np.clip((np.abs(q) - inset) / edge, 0, 1) * np.sign(q)
        return unit(n + 0.55 * bend * (n == 0))

    def tint(self, q, n):
        out = np.broadcast_to(np.float32(self.albedo if self.albedo is not None else 0.6), q.shape).copy()
        w, h, dp = self.size
        r = q / (np.float32(self.size) / 2)
        axis = np.abs(r).argmax(-1)
        sign = r[np.arange(len(q)), axis] > 0
        faces = (("front", axis == 2, sign, q[:, 0] / w, -q[:, 1] / h), ("back", axis == 2, ~sign, -q[:, 0] / w, -q[:, 1] / h),
                 ("right", axis == 0, sign, -q[:, 2] / dp, -q[:, 1] / h), ("left", axis == 0, ~sign, q[:, 2] / dp, -q[:, 1] / h),
                 ("top", axis == 1, sign, q[:, 0] / w, q[:, 2] / dp), ("bottom", axis == 1, ~sign, q[:, 0] / w, -q[:, 2] / dp))  # fmt: skip
        for name, on, side, u, v in faces:
            m = on & side
            if name in self.sheets and m.any():
                out[m] = sample(self.sheets[name], u[m] + 0.5, v[m] + 0.5)
        gap = np.sort(np.float32(self.size) / 2 - np.abs(q), -1)[:, 1]
        t = np.clip(1 - gap / max(self.wear, 1e-6), 0, 1)[:, None] * (0.45 if self.sheets else 0.15)
        return out * (1 - t) + 0.75 * t


@dataclass
class Cylinder(Shape):
    """Upright cylinder (local y) of `radius` and `height`; `cap` tints the inside of its top, as coffee in a mug, `wrap` is a sheet around it."""

    radius: float = 1.0
    height: float = 1.0
    cap: object = None
    wrap: object = None

    def ball(self):
        return np.float32(self.centre), float(np.hypot(self.radius, self.height / 2))

    def hit(self, o, d):
        o, d = self.local(o, d)
        a = d[:, 0] ** 2 + d[:, 2] ** 2 + 1e-12
        b = o[:, 0] * d[:, 0] + o[:, 2] * d[:, 2]
        c = o[:, 0] ** 2 + o[:, 2] ** 2 - self.radius**2
        disc = b * b - a * c
        t = (-b - np.sqrt(np.maximum(disc, 0))) / a
        y = o[:, 1] + t * d[:, 1]
        t = np.where((disc > 0) & (t > 1e-3) & (np.abs(y) <= self.height / 2), t, FAR)
        for s in (0.5, -0.5):
            tc = (s * self.height - o[:, 1]) / np.where(np.abs(d[:, 1]) < 1e-9, np.float32(1e-9), d[:, 1])
            r2 = (o[:, 0] + tc * d[:, 0]) ** 2 + (o[:, 2] + tc * d[:, 2]) ** 2
            t = np.where((tc > 1e-3) & (r2 <= self.radius**2) & (tc < t), tc, t)
        return t

    def normal(self, q):
        cap = np.abs(q[:, 1]) > self.height / 2 - 1e-3
        n = q * np.float32([1, 0, 1])
        n[cap] = np.float32([0, 1, 0]) * np.sign(q[cap, 1:2])
        return unit(n)

    def tint(self, q, n):
        out = np.broadcast_to(np.float32(self.albedo), q.shape).copy()
        if self.wrap is not None:
            u = np.arctan2(q[:, 0], q[:, 2]) / (2 * np.pi) + 0.5
            out = sample(self.wrap, u, 0.5 - q[:, 1] / self.height)
        if self.cap is not None:
            top = q[:, 1] > self.height / 2 - 1e-3
            r = np.sqrt(q[:, 0] ** 2 + q[:, 2] ** 2) / self.radius
            out[top & (r < 0.93)] = self.cap
            rim = top & (r >= 0.85) & (r < 0.93)
            out[rim] *= 0.55
        return out


@dataclass
class Capsule(Shape):
    """A rod from -y to +y of `length` with round ends."""

    radius: float = 0.4
    length: float = 10.0
    bands: list = field(default_factory=list)

    def ball(self):
        return np.float32(self.centre), self.length / 2 + self.radius

    def hit(self, o, d):
        o, d = self.local(o, d)
        h = self.length / 2
        y = np.float32([0, 1, 0])
        best = np.full(len(o), FAR, np.float32)
        a = 1 - d[:, 1] ** 2 + 1e-12
        b = (o * d).sum(-1) - o[:, 1] * d[:, 1]
        c = (o * o).sum(-1) - o[:, 1] ** 2 - self.radius**2
        disc = b * b - a * c
        t = (-b - np.sqrt(np.maximum(disc, 0))) / a
        on = (disc > 0) & (t > 1e-3) & (np.abs(o[:, 1] + t * d[:, 1]) <= h)
        best = np.where(on, t, best)
        for s in (h, -h):
            oc = o - y * np.float32(s)
            b = (oc * d).sum(-1)
            disc = b * b - (oc * oc).sum(-1) + self.radius**2
            t = -b - np.sqrt(np.maximum(disc, 0))
            best = np.where((disc > 0) & (t > 1e-3) & (t < best), t, best)
        return best

    def normal(self, q):
        core = np.clip(q[:, 1:2], -self.length / 2, self.length / 2) * np.float32([0, 1, 0])
        return unit(q - core)

    def tint(self, q, n):
        out = np.broadcast_to(np.float32(self.albedo), q.shape).copy()
        for y0, y1, c in self.bands:
            out[(q[:, 1] >= y0) & (q[:, 1] < y1)] = c
        return out


@dataclass
class Plane(Shape):
    """The local plane y = 0, textured with `sheet` repeated every `span` centimetres."""

    sheet: object = None
    span: float = 60.0

    def hit(self, o, d):
        o, d = self.local(o, d)
        t = -o[:, 1] / np.where(np.abs(d[:, 1]) < 1e-9, np.float32(1e-9), d[:, 1])
        return np.where(t > 1e-3, t, FAR)

    def normal(self, q):
        return np.broadcast_to(np.float32([0, 1, 0]), q.shape)

    def tint(self, q, n):
        return sample(self.sheet, q[:, 0] / self.span + 0.37, q[:, 2] / self.span + 0.41, wrap=True)


def bone(p, a, b, ra, rb):
    """Distance from points to a round bone that tapers from `ra` at `a` to `rb` at `b`; also the place along it, 0..1."""
    a, ab = np.float32(a), np.float32(b) - np.float32(a)
    t = np.clip(((p - a) @ ab) / float(ab @ ab), 0, 1)
    return np.linalg.norm(p - a - t[:, None] * ab, axis=-1) - (ra + (rb - ra) * t), t


@dataclass
class Hand(Shape):
    """Bones joined smoothly. `bones` are (a, b, radius a, radius b) in local centimetres; `nails` are (place, axis, up, size)."""

    bones: list = field(default_factory=list)
    nails: list = field(default_factory=list)
    creases: list = field(default_factory=list)
    blend: float = 0.7

    def distance(self, p):
        total = None
        for a, b, ra, rb in self.bones:
            d = bone(p, a, b, ra, rb)[0]
            if total is None:
                total = d
            else:
                h = np.clip(0.5 + 0.5 * (total - d) / self.blend, 0, 1)
                total = total * (1 - h) + d * h - self.blend * h * (1 - h)
        for place, axis, spread in self.creases:
            r = p - np.float32(place)
            along = r @ np.float32(axis)
            total = total + 0.035 * np.exp(-((along / spread) ** 2) * 3) * np.cos(along / spread * 9) * np.exp(-(r * r).sum(-1) / 1.2)
        return total

    def ball(self):
        low, high = self.bounds()
        return self.world((low + high) / 2), float(np.linalg.norm(high - low)) / 2

    def bounds(self):
        ends = np.array([q for a, b, *_ in self.bones for q in (a, b)], np.float32)
        return ends.min(0) - 4, ends.max(0) + 4

    def hit(self, o, d):
        o, d = self.local(o, d)
        low, high = self.bounds()
        inv = 1 / np.where(np.abs(d) < 1e-9, np.float32(1e-9), d)
        a, b = (low - o) * inv, (high - o) * inv
        t0, t1 = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
        out = np.full(len(o), FAR, np.float32)
        live = np.flatnonzero((t1 > t0) & (t1 > 1e-3))
        t = np.maximum(t0[live], 0)
        for _ in range(70):
            if not len(live):
                break
            s = self.distance(o[live] + d[live] * t[:, None])
            found = s < 0.012
            out[live[found]] = np.maximum(t[found], 1e-3)
            t = t + s * 0.85
            keep = ~found & (t < t1[live])
            live, t = live[keep], t[keep]
        return out

    def normal(self, q):
        e = np.float32(0.02)
        grad = [self.distance(q + v) - self.distance(q - v) for v in np.eye(3, dtype=np.float32) * e]
        return unit(np.stack(grad, -1))

    def tint(self, q, n):
        m = sum(np.sin(q @ np.float32(k) + ph) for k, ph in (((1.3, 0.7, 2.1), 0), ((-2.2, 1.9, 0.6), 1), ((3.1, 2.7, -2.4), 2), ((6.1, -5.2, 4.4), 4)))
        base = np.float32(self.albedo) * (1 + 0.035 * m[:, None] * np.float32([0.6, 1.0, 1.0]))
        for place, axis, up, size in self.nails:
            r = q - np.float32(place)
            axis, up = np.float32(axis), np.float32(up)
            side = np.cross(axis, up)
            k = np.sqrt((r @ axis / size[1]) ** 2 + (r @ side / size[0]) ** 2)
            top = (n @ up) > 0.2
            pulp = np.exp(-(r * r).sum(-1) / 3.0)[:, None]
            base = base * (1 - pulp * np.float32([0.0, 0.16, 0.14]))
            rim = top & (k < 1.12)
            base[rim] *= 0.78
            plate = top & (k < 1)
            base[plate] = 0.45 * base[plate] + 0.55 * np.float32([0.66, 0.38, 0.31])
            white = plate & ((r @ axis / size[1]) > 0.82)
            base[white] = 0.4 * base[white] + 0.6 * np.float32([0.80, 0.68, 0.58])
        return base
