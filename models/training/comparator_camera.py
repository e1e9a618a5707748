"""A photo-like copy of a print: residual misalignment, blur, resampling, light, glare, fingers, stickers, noise, JPEG.

`photograph` also says what became of every place of the print: where it went, whether it is covered, how blurred it is.
"""

import math

import cv2
import numpy as np

from comparator_edits import jpeg


def noise_field(r, shape, grid, low=None, high=None):
    rng = np.random.RandomState(r.randrange(1 << 30))
    cells = rng.randn(*grid) if low is None else rng.uniform(low, high, grid)
    return cv2.resize(cells.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def displacement(r, h, w, reach=6.0):
    """Where the photo looks in the print: per-pixel offset in pixels, at most about 11."""
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    spread = r.choice([0.7, 1.5, 1.5, 3.0])
    limit = reach / 3 * spread
    angle, scale = math.radians(r.gauss(0, 0.5 * spread)), 1 + r.gauss(0, 0.008 * spread)
    cx, cy = xx - w / 2, yy - h / 2
    dx = scale * (math.cos(angle) * cx - math.sin(angle) * cy) - cx + r.uniform(-limit, limit) + r.gauss(0, 0.005 * spread) * cy
    dy = scale * (math.sin(angle) * cx + math.cos(angle) * cy) - cy + r.uniform(-limit, limit) + r.gauss(0, 0.005 * spread) * cx
    warp = r.choice([0, 0.3, 0.7, 1.2])
    dx += noise_field(r, (h, w), (3, 5)) * warp
    dy += noise_field(r, (h, w), (3, 5)) * warp
    return np.stack([np.clip(dx, -11, 11), np.clip(dy, -11, 11)], 2)


def look(image, field):
    h, w = image.shape[:2]
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    return cv2.remap(image, xx + field[..., 0], yy + field[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def soften(r, image, hard):
    """Blur and resampling; returns the image and the Gaussian width (px) that comes closest to the loss of detail."""
    h, w = image.shape[:2]
    variance = 0.0
    if r.random() < (0.8 if hard else 0.45):
        s = r.uniform(0.18, 0.5) if hard and r.random() < 0.5 else r.uniform(0.35, 0.95)
        small = cv2.resize(image, (max(4, round(w * s)), max(4, round(h * s))), interpolation=r.choice([cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR]))
        if r.random() < 0.3:
            small = jpeg(small, r.randint(40, 90))
        image = cv2.resize(small, (w, h), interpolation=r.choice([cv2.INTER_CUBIC, cv2.INTER_LINEAR]))
        variance += (0.45 / s) ** 2
    if r.random() < 0.7:
        sigma = r.uniform(1.0, 4.0) if hard and r.random() < 0.5 else abs(r.gauss(0, 0.9)) + 0.2
        image = cv2.GaussianBlur(image, (0, 0), sigma)
        variance += sigma**2
    if r.random() < (0.35 if hard else 0.12):
        n = r.choice([5, 7, 9]) if not hard else r.choice([7, 11, 15])
        kernel = np.zeros((n, n), np.float32)
        kernel[n // 2] = 1
        kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D((n // 2, n // 2), r.uniform(0, 180), 1), (n, n))
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
        variance += n * n / 18
    if r.random() < 0.2:
        image = image + r.uniform(0.3, 1.2) * (image - cv2.GaussianBlur(image, (0, 0), 1.2))
    return np.clip(image, 0, 255), math.sqrt(variance)


def light(r, image):
    h, w = image.shape[:2]
    image = 255 * cv2.pow(np.clip(image * np.float32(1 / 255), 0, 1), r.uniform(0.6, 1.7))
    if r.random() < 0.3:
        grey = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
        image = grey + (image - grey) * r.uniform(0.5, 1.3)
    strength = r.choice([0.04, 0.12, 0.25])
    gain = np.float32([math.exp(r.gauss(0, strength)) for _ in range(3)]) * r.uniform(0.55, 1.25)
    image = image * gain + r.choice([0, 0, r.uniform(-10, 40)]) + np.float32([r.gauss(0, 5) for _ in range(3)])
    if r.random() < 0.5:
        image = image * noise_field(r, (h, w), (2, 4), 0.5, 1.25)[..., None]
    if r.random() < 0.12:  # a shadow with an edge
        mask = np.zeros((h, w), np.float32)
        at, turn = (r.randrange(w), r.randrange(h)), r.uniform(0, 180)
        cv2.fillPoly(mask, [np.int32(cv2.boxPoints((at, (w, h * r.uniform(0.3, 2)), turn)))], 1)
        mask = cv2.GaussianBlur(mask, (0, 0), r.uniform(1, 8))[..., None]
        image = image * (1 - mask * r.uniform(0.2, 0.6))
    return image


def glare(r, image, seen):
    """Soft and hard reflections, streaks as on plastic film, a lamp's or window's hard-edged image, a veil over everything."""
    h, w = image.shape[:2]
    mask = np.zeros((h, w), np.float32)
    kind = r.random()
    if kind < 0.2:
        at, turn = (r.randrange(w), r.randrange(h)), r.uniform(0, 180)
        across = r.uniform(0.2, 1.2) * h
        for n in range(r.randint(1, 3)):  # panes side by side
            x, y = at[0] + 1.2 * n * across * math.cos(math.radians(turn)), at[1] + 1.2 * n * across * math.sin(math.radians(turn))
            cv2.fillPoly(mask, [np.int32(cv2.boxPoints(((x, y), (across, r.uniform(0.3, 2.5) * h), turn)))], 1)
        mask *= noise_field(r, (h, w), (2, 3), 0.5, 1.3)
    elif kind < 0.5:
        for _ in range(r.randint(1, 3)):
            cv2.ellipse(mask, (r.randrange(w), r.randrange(h)), (r.randint(5, 70), r.randint(3, 26)), r.uniform(0, 180), 0, 360, 1, -1)
    elif kind < 0.82:
        turn = r.uniform(0, 180)
        for _ in range(r.randint(1, 7)):
            at = (r.randrange(w), r.randrange(h))
            cv2.ellipse(mask, at, (r.randint(15, 160), r.randint(1, 6)), turn + r.gauss(0, 12), 0, 360, r.uniform(0.4, 1), -1)
    else:
        mask = np.clip(noise_field(r, (h, w), (r.randint(2, 6), r.randint(3, 9))), 0, 1)
    mask = cv2.GaussianBlur(mask, (0, 0), r.choice([0.7, 2, 5, 10])) * r.uniform(0.4, 1.5)
    mask = np.clip(mask, 0, 1)[..., None]
    least = 0.8 if r.random() < 0.8 else 0.35  # now and then the mirror image of something coloured
    colour = 255 * np.float32([r.uniform(least, 1) for _ in range(3)])
    image = image * (1 - mask) + colour * mask
    return image, seen * (mask[..., 0] < 0.6)


def glow(r, image, seen):
    """A lamp's mirror image in film: white at its middle, fading out over much of the print, the print's contrast with it."""
    h, w = image.shape[:2]
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    x, y, turn = r.uniform(-0.2, 1.2) * w, r.uniform(-0.4, 1.4) * h, r.uniform(0, math.pi)
    wide, high = r.uniform(12, 120), r.uniform(8, 60)
    u, v = (xx - x) * math.cos(turn) + (yy - y) * math.sin(turn), (yy - y) * math.cos(turn) - (xx - x) * math.sin(turn)
    away = (u / wide) ** 2 + (v / high) ** 2
    veil = r.uniform(0.7, 2.5) / (1 + away) ** r.uniform(0.8, 2.5)
    tint = np.float32([1, r.uniform(0.85, 1), r.uniform(0.6, 1)])
    image = np.clip(image, 0, 255) + 255 * veil[..., None] * tint
    return np.minimum(image, 255), seen * (veil < 0.85)


def skins_of(pictures, side=48):
    """Pieces of bare skin in pictures of hands: windows that are skin-coloured nearly everywhere (YCrCb ranges of Chai and Ngan, 1999)."""
    found = []
    for image in pictures:
        ycc = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
        skin = cv2.inRange(ycc, (40, 137, 85), (235, 168, 122)).astype(np.float32) / 255
        share = cv2.boxFilter(skin, -1, (side, side))
        half = side // 2
        inner = share[half:-half, half:-half]
        if min(inner.shape) > 0 and inner.max() > 0.97:
            y, x = np.unravel_index(inner.argmax(), inner.shape)
            piece = image[y:y + side, x:x + side]
            if piece.mean(2).std() < 24:  # no lettering
                found.append(piece)
    return found


def finger(r, h, w, skins):
    """A finger's mask and fill: a capsule from the border in, real skin where there is some, rounded by shade."""
    shape, wide = np.zeros((h, w), np.uint8), r.uniform(0.25, 1.1) * min(h, 90) if r.random() < 0.6 else r.uniform(40, 150)
    at = r.choice([(r.uniform(0, w), -0.3 * wide), (r.uniform(0, w), h + 0.3 * wide), (-0.3 * wide, r.uniform(0, h)), (w + 0.3 * wide, r.uniform(0, h))])
    to = (at[0] + (w / 2 - at[0]) * r.uniform(0.1, 1.1) + r.gauss(0, 20), at[1] + (h / 2 - at[1]) * r.uniform(0.1, 1.4) + r.gauss(0, 10))
    cv2.line(shape, tuple(map(int, at)), tuple(map(int, to)), 1, max(3, int(wide)), cv2.LINE_8)
    if skins and r.random() < 0.7:
        fill = cv2.resize(r.choice(skins), (w, h), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        fill = fill[:, ::-1] if r.random() < 0.5 else fill
        fill = fill * np.float32([r.uniform(0.85, 1.15) for _ in range(3)]) * r.uniform(0.55, 1.25)
    else:
        fill = np.full((h, w, 3), np.float32([r.uniform(140, 240), r.uniform(90, 190), r.uniform(70, 165)]) * r.uniform(0.45, 1.05), np.float32)
    depth = cv2.distanceTransform(shape, cv2.DIST_L2, 3) / (wide / 2)
    round_off = 1 - r.uniform(0, 0.5) * (1 - np.clip(depth, 0, 1)) ** 2
    if r.random() < 0.3:  # a nail
        nail = np.zeros((h, w), np.float32)
        cv2.ellipse(nail, tuple(map(int, to)), (int(0.32 * wide) + 1, int(0.25 * wide) + 1), r.uniform(0, 180), 0, 360, 1, -1)
        fill = fill + cv2.GaussianBlur(nail, (0, 0), 1.5)[..., None] * np.float32([r.uniform(5, 45)] * 3)
    return shape, fill * round_off[..., None] * noise_field(r, (h, w), (3, 4), 0.8, 1.15)[..., None]


def cable(r, h, w):
    """A wire, cord or hair across the print, with a lighter ridge."""
    shape, fill = np.zeros((h, w), np.uint8), np.full((h, w, 3), [r.randrange(256) for _ in range(3)] if r.random() < 0.4 else r.uniform(5, 60), np.float32)
    t = np.linspace(0, 1, 40)[:, None]
    a, b, c, d = (np.float32([r.uniform(-0.2, 1.2) * w, r.uniform(-0.5, 1.5) * h]) for _ in range(4))
    curve = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
    wide = r.randint(2, 9)
    cv2.polylines(shape, [np.int32(curve)], False, 1, wide)
    if wide > 3 and r.random() < 0.6:
        cv2.polylines(fill, [np.int32(curve - wide / 5)], False, tuple(float(v) for v in fill[0, 0] + r.uniform(20, 90)), 1, cv2.LINE_AA)
    return shape, fill


def sticker(r, h, w):
    """A sticker or price tag."""
    shape, at = np.zeros((h, w), np.uint8), (r.randrange(w), r.randrange(h))
    cv2.fillPoly(shape, [np.int32(cv2.boxPoints((at, (r.randint(20, 90), r.randint(14, 50)), r.gauss(0, 20))))], 1)
    fill = np.full((h, w, 3), [r.randrange(256) for _ in range(3)] if r.random() < 0.6 else [240, 240, 235], np.uint8)
    ink = tuple(int(r.randrange(90)) for _ in range(3))
    text = "".join(r.choice("0123456789.%ESALE ") for _ in range(5))
    cv2.putText(fill, text, (at[0] - 30, at[1] + 6), r.choice([0, 2, 3, 4]), r.uniform(0.4, 0.9), ink, r.randint(1, 2), cv2.LINE_AA)
    return shape, fill.astype(np.float32)


def case_edge(r, h, w):
    """The rim of a case, a shelf or another article along one side."""
    shape, fill = np.zeros((h, w), np.uint8), np.full((h, w, 3), [r.randrange(256) for _ in range(3)], np.float32)
    deep, lean = r.uniform(0.06, 0.3), r.gauss(0, 0.05)
    edge = np.float32([[-0.1, -0.1], [deep + lean, -0.1], [deep - lean, 1.1], [-0.1, 1.1]])
    edge = r.choice([edge, 1 - edge, edge[:, ::-1], 1 - edge[:, ::-1]]) * np.float32([w, h])
    cv2.fillPoly(shape, [np.int32(edge)], 1)
    if r.random() < 0.6:
        fill = fill * noise_field(r, (h, w), r.choice([(2, 9), (9, 2), (4, 4)]), 0.5, 1.3)[..., None]
    return shape, fill


def cover_up(r, image, seen, skins=()):
    """A finger from the border, a sticker or price tag, a cable, or the rim of a case, and its shadow."""
    h, w = image.shape[:2]
    kind = r.random()
    shape, fill = finger(r, h, w, skins) if kind < 0.6 else sticker(r, h, w) if kind < 0.78 else cable(r, h, w) if kind < 0.9 else case_edge(r, h, w)
    solid = shape.astype(np.float32)
    if r.random() < 0.4:  # what lies over the print throws a shadow on it, which hides nothing
        move = np.float32([[1, 0, r.uniform(-12, 12)], [0, 1, r.uniform(-12, 12)]])
        shade = cv2.GaussianBlur(cv2.warpAffine(solid, move, (w, h), borderMode=cv2.BORDER_REPLICATE), (0, 0), r.uniform(2, 12))
        image = image * (1 - r.uniform(0.15, 0.65) * shade[..., None])
    mask = cv2.GaussianBlur(solid, (0, 0), r.uniform(0.7, 2.0))[..., None]
    return image * (1 - mask) + fill * mask, seen * (mask[..., 0] < 0.4)


def overexpose(r, image, seen):
    """Light that washes the print out towards white from one side; what clips cannot be seen."""
    h, w = image.shape[:2]
    gain = np.clip(noise_field(r, (h, w), (r.randint(2, 3), r.randint(2, 4)), 0.8, 3.2), 0.9, 4)
    image = image * gain[..., None]
    return np.minimum(image, 255), seen * (cv2.boxFilter((image.min(2) > 250).astype(np.float32), -1, (7, 7)) < 0.6)


def mirrored_room(r, image):
    """A weak picture of the surroundings over the print, as glossy film shows: adds light, hides nothing."""
    h, w = image.shape[:2]
    room = np.clip(noise_field(r, (h, w), (r.randint(2, 8), r.randint(3, 12)), -1, 1), 0, 1)
    if r.random() < 0.5:
        room = (room > r.uniform(0.1, 0.6)).astype(np.float32)
    room = cv2.GaussianBlur(room, (0, 0), r.choice([0.7, 1.5, 4])) * r.uniform(0.08, 0.35)
    tint = np.float32([r.uniform(0.7, 1) for _ in range(3)])
    return 255 - (255 - np.clip(image, 0, 255)) * (1 - room[..., None] * tint)


def moire(r, image):
    h, w = image.shape[:2]
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    turn, period = r.uniform(0, math.pi), r.uniform(2.5, 14)
    wave = np.sin(2 * math.pi / period * (xx * math.cos(turn) + yy * math.sin(turn)) + noise_field(r, (h, w), (3, 4)))
    return image + wave[..., None] * np.float32([r.uniform(-10, 10) for _ in range(3)])


def photograph(r, image, hard=False, skins=()):
    """Returns `(photo uint8, seen 0/1 per photo pixel, offset field, blur width)`."""
    h, w = image.shape[:2]
    field = displacement(r, h, w)
    image, sigma = soften(r, look(image, field), hard)
    image = light(r, image)
    seen = np.ones((h, w), np.float32)
    if r.random() < 0.12:
        image = mirrored_room(r, image)
    if r.random() < (0.65 if hard else 0.38):
        image, seen = glare(r, image, seen)
    if r.random() < (0.45 if hard else 0.22):
        image, seen = cover_up(r, image, seen, skins)
    if r.random() < (0.2 if hard else 0.06):
        image, seen = overexpose(r, image, seen)
    if r.random() < (0.2 if hard else 0.08):
        image, seen = glow(r, image, seen)
    if r.random() < 0.1:
        image = moire(r, image)
    return finish(r, image), seen, field, sigma


def finish(r, image):
    """Sensor noise and one or two JPEG packings."""
    rng = np.random.default_rng(r.randrange(1 << 30))
    level = r.choice([0, r.uniform(0, 5), r.uniform(0, 10)])
    if level:
        noise = rng.standard_normal(image.shape, np.float32)
        if r.random() < 0.5:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * 1.8
        image = image + noise * level
    for _ in range(r.choice([1, 1, 2])):
        image = jpeg(image, r.randint(30, 95))
    return np.clip(image, 0, 255).astype(np.uint8)
