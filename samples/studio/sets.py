"""The nine sets in which packs are photographed. Every set takes any pack; what is not fixed comes from the generator."""
import numpy as np

from . import textures as tx
from .render import rotation
from .scenes import (
    F, biscuits, bolts, filler_box, floor, frame, glare_at, held, mug, pack_box, page, pen, phone, picture_wall, price_rail, shelf_board, spanner, wall,
)  # fmt: skip
from .trace import Light, Scene

PORTRAIT, LANDSCAPE = (960, 1280), (1280, 960)


def sized(art):
    return LANDSCAPE if art is not None and art.size[0] > art.size[1] else PORTRAIT


def kitchen(art, rng):
    """Standing on an oak counter before white tiles, with a mug, biscuits and another pack."""
    w, h, d = art.size
    box = pack_box(art, 0, 0, rng.uniform(14, 26))
    camera = frame(art.size, (-0.5, h * 0.49, 0), 0.74, rng.uniform(-4, 6), rng.uniform(9, 15), roll=rng.uniform(-2, 2), size=sized(art))
    shapes = [box, floor(tx.wood(rng, "oak", 3), 44, 0.5, 0.25), wall(tx.tiles(rng), -24, 60, gloss=0.6)]
    shapes += mug(-w / 2 - 7.5, -10, ["#d9d4c8", "#8fa7a0", "#c9a58d"][int(rng.integers(3))], 205)
    shapes += biscuits(rng, w / 2 + 6.5, 4.5, 3) + [filler_box(rng, w / 2 + 6, -11, -14)]
    light = Light((-0.75, 0.85, 0.8), key=(2.5, 2.35, 2.1), spread=0.16, sky=(0.5, 0.54, 0.6))
    light.glare, light.glare_power, light.glare_width = glare_at(camera, box, rng.uniform(0.7, 0.9), rng.uniform(0.5, 0.6)), 0.25, 0.16
    return Scene(shapes, camera, light, focus_of(camera, box), 4.5)


def focus_of(camera, box):
    return float(np.linalg.norm(np.float32(camera.eye) - box.world(F((0, 0, box.size[2] / 2)))))


def shop_hand(art, rng):
    """Held up in a hand before shop shelves."""
    turn = rotation(rng.uniform(-17, -9), rng.uniform(-8, -3), rng.uniform(-5, 6))
    camera = frame(art.size, (-0.6, -1.0, 0), 0.70, rng.uniform(-2, 4), rng.uniform(2, 7), roll=rng.uniform(-2, 2), size=sized(art))
    skin, sleeve = [("#c98f73", "#37475c"), ("#8d5a41", "#6b2f35"), ("#dba98c", "#4b5a3f")][int(rng.integers(3))]
    back = [picture_wall(tx.shelf_picture(rng), -78, 150, 94, rng.uniform(-8, 8))]
    shapes = held(art, -0.27 * art.size[1], turn, skin=skin, sleeve=sleeve, back=back)
    light = Light((-0.35, 1.0, 0.75), key=(1.7, 1.7, 1.66), spread=0.45, sky=(0.66, 0.68, 0.7))
    light.glare, light.glare_power, light.glare_width = glare_at(camera, shapes[0], 0.85, 0.12), 0.2, 0.12
    return Scene(shapes, camera, light, focus_of(camera, shapes[0]), 9.5)


def home_hand(art, rng):
    """Held in a hand before a living room: a shelf board, books and a window side."""
    turn = rotation(rng.uniform(8, 14), rng.uniform(-9, -4), rng.uniform(-5, 3))
    camera = frame(art.size, (0.8, -0.9, 0), 0.70, rng.uniform(-3, 2), rng.uniform(4, 8), roll=rng.uniform(-2, 2), size=sized(art))
    shapes = held(art, -0.33 * art.size[1], turn, left=False, skin="#d3a084", sleeve="#7c8790")
    shapes += [floor(tx.wood(rng, "pine"), 90, 0.3, y=-22), wall(tx.plaster(rng, "#c9c4b4"), -60, 80)]
    for k in range(9):
        shapes.append(filler_box(rng, -42 + k * 9.5, -46, rng.uniform(-6, 6), (rng.uniform(4, 8), rng.uniform(18, 26), 12), y=-22))
    light = Light((-0.9, 0.75, 0.55), key=(2.4, 2.3, 2.1), spread=0.25, sky=(0.55, 0.58, 0.64))
    light.glare, light.glare_power, light.glare_width = glare_at(camera, shapes[0], 0.12, 0.85), 0.3, 0.14
    return Scene(shapes, camera, light, focus_of(camera, shapes[0]), 8.5)


def shelf(art, rng):
    """On a shop shelf, shoulder to shoulder with other packs."""
    w, h, d = art.size
    box = pack_box(art, 0, 0.6, rng.uniform(-9, 9))
    camera = frame(art.size, (0.4, h * 0.44, 0), 0.74, rng.uniform(-14, -8), rng.uniform(3, 8), roll=rng.uniform(-2.5, 2.5), size=sized(art))
    shapes = [box, shelf_board(rng, d / 2 + 2), wall(tx.plaster(rng, "#9a9c9e"), -16, 60)]
    shapes.append(price_rail(rng, d / 2 + 2.2))
    for side in (-1, 1):
        x = w / 2 + 1.0
        for _ in range(2):
            size = (rng.uniform(9, 11), h * rng.uniform(0.82, 1.1), d)
            shapes.append(filler_box(rng, side * (x + size[0] / 2), rng.uniform(-2, -0.5), rng.uniform(-4, 4), size))
            x += size[0] + 0.6
    for k in range(5):
        shapes.append(filler_box(rng, -24 + 12 * k, -10, rng.uniform(-4, 4), (11, h * rng.uniform(0.8, 1.15), 5)))
    light = Light((0.15, 1.0, 0.85), key=(1.9, 1.92, 1.9), spread=0.4, sky=(0.55, 0.57, 0.6))
    return Scene(shapes, camera, light, focus_of(camera, box), 4)


def table(art, rng):
    """Standing on a checked tablecloth in low sun, a mug and a pen nearby."""
    w, h, d = art.size
    box = pack_box(art, 0, 0, rng.uniform(-26, -14))
    camera = frame(art.size, (0.5, h * 0.48, 0), 0.74, rng.uniform(-5, 5), rng.uniform(14, 22), roll=rng.uniform(-2, 2), size=sized(art))
    shapes = [box, floor(tx.cloth(rng, "#ece6d8", "#7f9fb4", 100), 48), wall(tx.plaster(rng, "#b9a892"), -45, 80)]
    shapes += mug(w / 2 + 7.5, -8, ["#b5533c", "#e7e3da", "#47616e"][int(rng.integers(3))], -25)
    shapes += pen(-w / 2 - 5, 7, rng.uniform(40, 80), "#27508a") + biscuits(rng, -w / 2 - 5, -6, 2)
    light = Light((0.85, 0.62, 0.75), key=(2.8, 2.45, 1.95), spread=0.07, sky=(0.42, 0.47, 0.56))
    return Scene(shapes, camera, light, focus_of(camera, box), 5)


def lying(art, rng, spin):
    """The pack on its back, its front up."""
    return pack_box(art, turn=rotation(spin, -90), centre=(0, art.size[2] / 2, 0))


def desk(art, rng):
    """From above: on a walnut desk with papers, pens, a phone and a mug. Without `art` the desk is empty."""
    w, h, d = art.size if art else (15, 11, 6)
    camera = frame((w, h, d), (0, d * 0.9, 0.6), 0.66, rng.uniform(-8, 8), rng.uniform(58, 68), roll=rng.uniform(-4, 4), size=LANDSCAPE)
    shapes = [floor(tx.wood(rng, "walnut", 4), 46, 0.7, 0.2)]
    if art:
        shapes.append(lying(art, rng, rng.uniform(-12, 12)))
    shapes += [page(rng, -w / 2 - 6, -h / 2 + 2, 14, "Minutes"), page(rng, w / 2 + 7.5, h / 2 - 2, -22, "To do")]
    shapes += mug(-w / 2 - 6.5, -h / 2 - 2, "#dad6cc", 160) + [phone(w / 2 + 6.5, -2.5, rng.uniform(-14, 14))]
    shapes += pen(-w / 2 - 4.2, h / 2 - 1, rng.uniform(60, 110), "#a5322c") + pen(-1, h / 2 + 3.6, rng.uniform(-14, 10), "#2a5d4c")
    light = Light((-0.8, 1.0, 0.4), key=(2.3, 2.2, 2.0), spread=0.2, sky=(0.5, 0.53, 0.58))
    if art:
        light.glare, light.glare_power, light.glare_width = glare_at(camera, shapes[1], 0.9, 0.6), 0.25, 0.12
    return Scene(shapes, camera, light, float(np.linalg.norm(np.float32(camera.eye) - F((0, d, 0)))), 2.5)


def marble(art, rng):
    """Standing on a marble top against a plain wall, with a mug and other packs behind."""
    w, h, d = art.size
    box = pack_box(art, 0, 0, rng.uniform(10, 20))
    camera = frame(art.size, (0, h * 0.46, 0), 0.70, rng.uniform(-6, 4), rng.uniform(13, 20), roll=rng.uniform(-2, 2), size=sized(art))
    shapes = [box, floor(tx.stone(rng, "marble"), 90, 1.2, 0.12), wall(tx.plaster(rng, "#aebbb4"), -30, 80)]
    shapes += mug(w / 2 + 4.5, -9, "#4d6a66", 20) + [filler_box(rng, -w / 2 - 2, -14, 16), filler_box(rng, -w / 2 - 13, -17, 8)]
    shapes += pen(w / 2 + 3, 6, rng.uniform(-30, 20), "#d8c27a")
    light = Light((-0.5, 1.0, 0.7), key=(2.0, 2.0, 1.95), spread=0.3, sky=(0.6, 0.63, 0.67))
    light.glare, light.glare_power, light.glare_width = glare_at(camera, box, 0.1, 0.85), 0.3, 0.14
    return Scene(shapes, camera, light, focus_of(camera, box), 4.5)


def workshop(art, rng):
    """On a grey bench before a pegboard, with a spanner and bolts."""
    w, h, d = art.size
    box = pack_box(art, 0, 0, rng.uniform(-28, -16))
    camera = frame(art.size, (0.8, h * 0.46, 0), 0.64, rng.uniform(-4, 4), rng.uniform(14, 22), roll=rng.uniform(-2.5, 2.5), size=sized(art))
    shapes = [box, floor(tx.wood(rng, "grey", 3), 46, 0.25), wall(tx.pegboard(rng), -26, 40)]
    shapes += spanner(-w / 2 - 4.5, 7.5, rng.uniform(20, 50)) + bolts(rng, w / 2 + 4, 9.5, 5, 3.0)
    shapes += [filler_box(rng, -w / 2 - 7, -13, 20, (12, 11, 9)), filler_box(rng, w / 2 + 9, -15, -8, (10, 16, 9))]
    light = Light((0.3, 1.0, 0.75), key=(2.2, 2.25, 2.25), spread=0.22, sky=(0.42, 0.45, 0.5))
    light.glare, light.glare_power, light.glare_width = glare_at(camera, box, rng.uniform(0.15, 0.3), rng.uniform(0.72, 0.8)), 0.3, 0.12
    return Scene(shapes, camera, light, focus_of(camera, box), 4)


def parcel(art, rng):
    """From above: just unpacked, on brown board, with papers and a pen; a lamp glares in the print."""
    w, h, d = art.size
    camera = frame(art.size, (0, d, 0.4), 0.68, rng.uniform(-8, 8), rng.uniform(60, 72), roll=rng.uniform(-5, 5), size=sized(art))
    box = lying(art, rng, rng.uniform(-14, 14))
    shapes = [box, floor(tx.board(rng), 60), page(rng, w / 2 + 3, -h / 2 - 1, 24, "Delivery note"), page(rng, -w / 2 - 7, h / 2 - 1, -9, "Returns")]
    shapes += pen(-w / 2 - 3.0, 0, rng.uniform(70, 110), "#1f2a44")
    light = Light((0.7, 1.0, 0.35), key=(2.3, 2.2, 2.0), spread=0.18, sky=(0.5, 0.53, 0.57))
    light.glare, light.glare_power, light.glare_width = glare_at(camera, box, 0.74, 0.47), 1.1, 0.13
    return Scene(shapes, camera, light, focus_of(camera, box), 2.5)
