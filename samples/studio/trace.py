"""Turns a scene into a photo: rays, soft light, reflections, then what a phone camera adds."""
from dataclasses import dataclass

import cv2
import numpy as np

from .render import FAR, SKIN, Capsule, Hand, Plane, srgb, unit

SUPER = 2  # rays per pixel side


@dataclass
class Camera:
    """A phone: `eye` looks at `target` with the vertical field of view `fov` in degrees; `size` is (width, height)."""

    eye: tuple
    target: tuple
    fov: float = 34.0
    roll: float = 0.0
    size: tuple = (1200, 900)

    def axes(self):
        forward = unit(np.float32(self.target) - np.float32(self.eye))
        right = unit(np.cross(forward, np.float32([0, 1, 0])))
        up = np.cross(right, forward)
        c, s = np.cos(np.radians(self.roll)), np.sin(np.radians(self.roll))
        return forward, right * c + up * s, up * c - right * s

    def rays(self, xs, ys):
        forward, right, up = self.axes()
        w, h = self.size
        f = h / 2 / np.tan(np.radians(self.fov) / 2)
        d = forward + ((xs - w / 2) / f)[:, None] * right - ((ys - h / 2) / f)[:, None] * up
        return unit(d.astype(np.float32))

    def project(self, p):
        forward, right, up = self.axes()
        w, h = self.size
        f = h / 2 / np.tan(np.radians(self.fov) / 2)
        r = np.float32(p) - np.float32(self.eye)
        z = r @ forward
        return np.stack([w / 2 + f * (r @ right) / z, h / 2 - f * (r @ up) / z], -1)


@dataclass
class Light:
    """A soft key light from `direction` and the room's `sky`; `glare` is an extra bright patch seen in glossy print."""

    direction: tuple = (-0.5, 1.0, 0.6)
    key: tuple = (2.2, 2.1, 1.95)
    spread: float = 0.22
    sky: tuple = (0.62, 0.66, 0.72)
    bounce: tuple = (0.20, 0.17, 0.14)
    glare: tuple = None
    glare_power: float = 2.0
    glare_width: float = 0.05


@dataclass
class Scene:
    shapes: list
    camera: Camera
    light: Light
    focus: float
    aperture: float = 0.0  # blur in pixels at infinity


def near(shape, o, d):
    """Indices of the rays that come near the shape, or None for all."""
    ball = shape.ball()
    if ball is None:
        return None
    c, r = ball
    to = c - o
    along = np.einsum("ij,ij->i", to, d)
    away = np.einsum("ij,ij->i", to, to) - along * along
    return np.flatnonzero((away < r * r) & (along > -r))


def closest(shapes, o, d):
    """Distance to the nearest shape along each ray and its index, -1 for none."""
    best, which = np.full(len(d), FAR, np.float32), np.full(len(d), -1, np.int16)
    for i, s in enumerate(shapes):
        k = near(s, o, d)
        k = slice(None) if k is None else k
        t = s.hit(o[k], d[k])
        m = t < best[k]
        best[k] = np.where(m, t, best[k])
        which[k] = np.where(m, np.int16(i), which[k])
    return best, which


def surface(shapes, o, d, t, which):
    """Albedo, normal, gloss, roughness and skin flag where the rays meet the scene."""
    n = len(d)
    albedo, normal = np.zeros((n, 3), np.float32), np.zeros((n, 3), np.float32)
    gloss, rough, skin = np.zeros(n, np.float32), np.full(n, 0.3, np.float32), np.zeros(n, bool)
    points = o + d * t[:, None]
    for i, s in enumerate(shapes):
        m = which == i
        if not m.any():
            continue
        q = (points[m] - np.float32(s.centre)) @ s.turn
        local = s.normal(q).astype(np.float32)
        albedo[m] = s.tint(q, local)
        normal[m] = local @ s.turn.T
        gloss[m], rough[m], skin[m] = s.gloss, s.rough, s.kind == SKIN
    flip = (normal * d).sum(-1) > 0
    normal[flip] *= -1
    return points, albedo, normal, gloss, rough, skin


def blockers(shapes):
    """What can cast shadows: solids as they are, the hand as plain capsules."""
    out = []
    for s in shapes:
        if isinstance(s, Plane):
            continue
        if not isinstance(s, Hand):
            out.append(s)
            continue
        for a, b, ra, rb in s.bones:
            a, b = s.world(a), s.world(b)
            y = unit(b - a)
            x = unit(np.cross(y, np.float32([0.31, 0.2, 0.93])))
            turn = np.stack([x, y, np.cross(x, y)], -1).astype(np.float32)
            out.append(Capsule((a + b) / 2, turn, 0.5, radius=(ra + rb) / 2 * 0.93, length=float(np.linalg.norm(b - a))))
    return out


def blocked(solids, o, d, reach):
    hit = np.zeros(len(o), bool)
    for s in solids:
        k = near(s, o, d)
        hit[k] |= s.hit(o[k], d[k]) < reach
    return hit


def around(direction, spread, u, v):
    """Directions scattered about `direction` within a cone."""
    helper = np.where(np.abs(direction[..., :1]) < 0.8, np.float32([1, 0, 0]), np.float32([0, 1, 0]))
    a = unit(np.cross(direction, helper))
    b = np.cross(direction, a)
    r, phi = spread * np.sqrt(u), 2 * np.pi * v
    return unit(direction + (r * np.cos(phi))[:, None] * a + (r * np.sin(phi))[:, None] * b).astype(np.float32)


def openness(p, normal, light, solids, cell, rays):
    """Share of the key light and of the nearby sky that reaches each point.

    `cell` is 0..15 by place in a tile of 4 x 4 points: the points of a tile share one evenly spread set of rays, so that the mean over
    neighbours in `gather` is smooth.
    """
    n = len(p)
    to_key = np.broadcast_to(unit(np.float32(light.direction)), p.shape)
    start = p + normal * 0.03
    key, sky = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for k in range(rays):
        step = cell * rays + k
        u, v = ((0.5 + step * 0.7548776662) % 1).astype(np.float32), ((0.5 + step * 0.5698402910) % 1).astype(np.float32)
        key += ~blocked(solids, start, around(to_key, light.spread, u, v), 200.0)
        tilt = np.sqrt(u / np.maximum(1 - u, 1e-4))  # cosine-weighted over the half space
        sky += ~blocked(solids, start, around(normal, tilt, np.ones_like(u), v), 14.0)
    return np.stack([key, sky], -1) / rays


def diffuse(albedo, normal, skin, light, key, sky):
    """Light that leaves a matt surface: key with soft shadow, sky with nearby occlusion, bounce from below."""
    cosine = normal @ unit(np.float32(light.direction))
    lambert = np.clip(cosine, 0, 1)[:, None] * np.ones(3, np.float32)
    wrap = np.float32([0.42, 0.20, 0.12])  # light wanders inside skin, red furthest
    lambert[skin] = np.clip((cosine[skin, None] + wrap) / (1 + wrap), 0, 1)
    up = (0.5 + 0.5 * normal[:, 1:2])
    ambient = (up * np.float32(light.sky) + (1 - up) * np.float32(light.bounce)) * (0.25 + 0.75 * sky[:, None])
    return albedo * (lambert * key[:, None] * np.float32(light.key) + ambient)


def environment(r, light, rough):
    """What glossy surfaces mirror: a dim room, the key light and the glare patch."""
    up = np.clip(0.5 + 0.5 * r[:, 1:2], 0, 1)
    out = up * np.float32(light.sky) * 0.9 + (1 - up) * np.float32(light.bounce)
    key = unit(np.float32(light.direction))
    width = (rough + light.spread * 0.5)[:, None]
    out = out + np.float32(light.key) * 2.0 * np.exp(-(1 - (r @ key))[:, None] * 2 / width**2)
    if light.glare is not None:
        g = unit(np.float32(light.glare))
        spot = np.exp(-((np.maximum(1 - (r @ g), 0)[:, None] * 2) / light.glare_width**2) ** 1.5)
        out = out + light.glare_power * np.float32(light.key) * spot * 14
    return out


def mirrored(scene, p, n, r, rough, rng):
    """What a polished top shows of the things that stand on it: their light, and which rays found one."""
    others = [s for s in scene.shapes if not isinstance(s, (Plane, Hand))]
    r = unit(r + rng.normal(0, 1, r.shape).astype(np.float32) * rough[:, None] * 0.35).astype(np.float32)
    o = p + n * 0.02
    t, which = closest(others, o, r)
    m = which >= 0
    _, albedo, normal, *_ = surface(others, o[m], r[m], t[m], which[m])
    facing = np.clip(normal @ unit(np.float32(scene.light.direction)), 0, 1)[:, None]
    return albedo * (facing * np.float32(scene.light.key) + np.float32(scene.light.sky) * 0.7), m


def shade(scene, d, t, which, key, sky, rng):
    """Light along primary rays whose meeting places and openness are known."""
    o = np.broadcast_to(np.float32(scene.camera.eye), d.shape)
    p, albedo, normal, gloss, rough, skin = surface(scene.shapes, o, d, t, which)
    out = diffuse(albedo, normal, skin, scene.light, key, sky)
    shiny = np.flatnonzero(gloss > 0)
    if len(shiny):
        dn, nn = d[shiny], normal[shiny]
        cosine = np.clip(-(dn * nn).sum(-1), 0, 1)
        fresnel = np.minimum((0.04 + 0.96 * (1 - cosine) ** 5) * gloss[shiny], 1)
        r = dn + 2 * cosine[:, None] * nn
        seen = environment(r, scene.light, rough[shiny])
        k = np.flatnonzero(np.array([isinstance(s, Plane) for s in scene.shapes])[which[shiny]])
        if len(k):
            light, m = mirrored(scene, p[shiny[k]], nn[k], r[k], rough[shiny[k]], rng)
            seen[k[m]] = light
        out[shiny] = out[shiny] * (1 - 0.5 * fresnel[:, None]) + fresnel[:, None] * seen
    out[which < 0] = np.float32(scene.light.sky)
    return out


COARSE = 2  # pixels per side of a cell for which openness is worked out
TILE = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


def light_cells(scene, rays):
    """Openness on a coarse grid, with what each cell sees: (openness, which, distance)."""
    w, h = scene.camera.size
    gh, gw = -(-h // COARSE), -(-w // COARSE)
    ys, xs = np.mgrid[0:gh, 0:gw]
    cell = TILE[ys.ravel() % 4, xs.ravel() % 4]
    ys, xs = ys.astype(np.float32), xs.astype(np.float32)
    d = scene.camera.rays((xs.ravel() + 0.5) * COARSE, (ys.ravel() + 0.5) * COARSE)
    solids = blockers(scene.shapes)
    out, seen, far = np.ones((len(d), 2), np.float32), np.zeros(len(d), np.int16), np.zeros(len(d), np.float32)
    for a in range(0, len(d), 100_000):
        part = slice(a, a + 100_000)
        o = np.broadcast_to(np.float32(scene.camera.eye), d[part].shape)
        t, which = closest(scene.shapes, o, d[part])
        p, _, normal, *_ = surface(scene.shapes, o, d[part], t, which)
        out[part] = openness(p, normal, scene.light, solids, cell[part], rays)
        seen[part], far[part] = which, t
    return out.reshape(gh, gw, 2), seen.reshape(gh, gw), far.reshape(gh, gw)


def gather(cells, which, t, xs, ys):
    """Openness at full size: the mean of the cells near each ray that see the same shape at a like distance."""
    openness_, seen, far = cells
    gh, gw = seen.shape
    fx, fy = xs / COARSE - 0.5, ys / COARSE - 0.5
    bx, by = np.round(fx).astype(np.int32), np.round(fy).astype(np.int32)
    total, weight = np.zeros((len(xs), 2), np.float32), np.full(len(xs), 1e-6, np.float32)
    for dy in (-2, -1, 0, 1, 2):
        for dx in (-2, -1, 0, 1, 2):
            cx, cy = np.clip(bx + dx, 0, gw - 1), np.clip(by + dy, 0, gh - 1)
            near_ = np.exp(-((cx - fx) ** 2 + (cy - fy) ** 2) * 0.35)
            same = (seen[cy, cx] == which) * np.exp(-(((far[cy, cx] - t) / (0.012 * t)) ** 2)) + 1e-5
            k = (near_ * same).astype(np.float32)
            total += openness_[cy, cx] * k[:, None]
            weight += k
    return total / weight[:, None]


def trace(scene, rng, rays=8):
    """The scene as linear light (height x width x 3) and its depth map."""
    w, h = scene.camera.size
    cells = light_cells(scene, rays)
    image, depth = np.zeros((h, w, 3), np.float32), np.zeros((h, w), np.float32)
    strip = max(4, 200_000 // (w * SUPER * SUPER))
    for y0 in range(0, h, strip):
        y1 = min(h, y0 + strip)
        ys, xs = np.mgrid[y0 * SUPER : y1 * SUPER, 0 : w * SUPER].astype(np.float32)
        xs, ys = (xs.ravel() + 0.5) / SUPER, (ys.ravel() + 0.5) / SUPER
        d = scene.camera.rays(xs, ys)
        t, which = closest(scene.shapes, np.broadcast_to(np.float32(scene.camera.eye), d.shape), d)
        open_ = gather(cells, which, t, xs, ys)
        light = shade(scene, d, t, which, open_[:, 0], open_[:, 1], rng)
        image[y0:y1] = np.minimum(light, 4.0).reshape(y1 - y0, SUPER, w, SUPER, 3).mean((1, 3))
        depth[y0:y1] = np.where(which < 0, 400.0, t).reshape(y1 - y0, SUPER, w, SUPER).min((1, 3))
    return image, depth


# -- the camera ----------------------------------------------------------------------------------------------------------


def defocus(image, depth, focus, aperture):
    """Blur what is away from the focus distance; the blurred layers leave the sharp subject out, so that it has no halo."""
    if aperture <= 0:
        return image
    amount = aperture * np.abs(1 - focus / np.maximum(depth, 1e-3))
    amount = np.clip(amount - 0.06 * aperture, 0, aperture)
    out = image.copy()
    for sigma in (1.0, 2.0, 3.5, 6.0, 9.0):
        if sigma > aperture * 1.2:
            break
        weight = np.clip(amount / sigma * 1.4, 0.0, 1)[..., None] ** 2 + 1e-4
        k = (0, 0)
        soft = cv2.GaussianBlur(image * weight, k, sigma) / cv2.GaussianBlur(weight[..., 0], k, sigma)[..., None]
        mix = cv2.GaussianBlur(np.clip((amount - sigma * 0.6) / (sigma * 0.5), 0, 1), k, 0.8)[..., None]
        out = out * (1 - mix) + soft * mix
    return out


def distort(image, k1):
    """Slight barrel distortion of the lens."""
    h, w = image.shape[:2]
    f = max(h, w)
    k = np.array([[f, 0, w / 2], [0, f, h / 2], [0, 0, 1]], np.float64)
    maps = cv2.initUndistortRectifyMap(k, np.array([k1, 0, 0, 0], np.float64), None, k, (w, h), cv2.CV_32FC1)
    return cv2.remap(image, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def develop(image, rng, blur=None):
    """Lens, sensor and processing: vignette, blur, exposure, white balance, noise, tone curve, sharpening. RGB 8 bit."""
    h, w = image.shape[:2]
    image = distort(image, rng.uniform(-0.035, 0.0))
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.45, 0.75) if blur is None else blur)
    ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
    r2 = ((xs - w / 2) ** 2 + (ys - h / 2) ** 2) / (w * w + h * h) * 4
    image = image * (1 - rng.uniform(0.14, 0.3) * r2)[..., None]
    gain = rng.uniform(0.56, 0.66) / np.percentile(image[h // 6 : -h // 6, w // 6 : -w // 6].mean(-1), 88)
    warm = rng.uniform(-0.05, 0.06)
    image = image * gain * np.float32([1 + warm, 1 + rng.uniform(-0.012, 0.012), 1 - warm])
    shot, read = rng.uniform(0.010, 0.018), rng.uniform(0.002, 0.0045)
    grain = rng.normal(0, 1, image.shape).astype(np.float32)
    grain = 0.65 * grain + 0.6 * cv2.GaussianBlur(grain, (0, 0), 0.9)
    image = np.maximum(image + grain * np.sqrt(shot**2 * np.maximum(image, 0) + read**2), 0)
    image = np.where(image > 0.7, 0.7 + 0.3 * np.tanh((image - 0.7) / 0.3), image)  # highlights roll off
    out = srgb(image).astype(np.float32)
    out = out + 0.06 * np.sin((out - 0.5) * np.pi) * (1 - np.abs(2 * out - 1))
    out = out + rng.uniform(0.25, 0.5) * (out - cv2.GaussianBlur(out, (0, 0), 1.2))
    return (np.clip(out, 0, 1) * 255 + 0.5).astype(np.uint8)
