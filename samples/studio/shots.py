"""The list of photos: which print, in which scene, under which claim, and what a check of it must say."""
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image

from . import sets
from .halmora import halmora
from .quillmere import quillmere
from .torvanik import torvanik
from .trace import defocus, develop, trace


@dataclass
class Shot:
    """One photo. `claim` is (brand, product); `art` is (function, arguments) of the print that is photographed."""

    name: str
    claim: tuple
    expected: str
    what: str
    scene: object = None
    art: tuple = None
    blur: float = None
    side: int = None  # long side of the finished photo in pixels, where it is not the camera's own


OAT, VANILLA, TEA, FILTER = ("halmora", "oat-drink-original"), ("halmora", "oat-drink-vanilla"), ("quillmere", "earl-grey-20"), ("torvanik", "oil-filter-tf412")
PRODUCTS = {OAT: (halmora, "original"), VANILLA: (halmora, "vanilla"), TEA: (quillmere,), FILTER: (torvanik,)}

SHOTS = [
    Shot("genuine-oat-kitchen", OAT, "consistent", "genuine, on a kitchen counter", sets.kitchen, PRODUCTS[OAT]),
    Shot("genuine-oat-in-hand", OAT, "consistent", "genuine, held in a hand in a shop", sets.shop_hand, PRODUCTS[OAT]),
    Shot("genuine-vanilla-shelf", VANILLA, "consistent", "genuine, on a shop shelf between other packs", sets.shelf, PRODUCTS[VANILLA]),
    Shot("genuine-vanilla-table", VANILLA, "consistent", "genuine, on a tablecloth in low sun", sets.table, PRODUCTS[VANILLA]),
    Shot("genuine-tea-desk", TEA, "consistent", "genuine, lying on a desk with clutter", sets.desk, PRODUCTS[TEA]),
    Shot("genuine-tea-in-hand", TEA, "consistent", "genuine, held in a hand at home", sets.home_hand, PRODUCTS[TEA]),
    Shot("genuine-filter-workshop", FILTER, "consistent", "genuine, on a workbench with tools", sets.workshop, PRODUCTS[FILTER]),
    Shot("genuine-filter-parcel", FILTER, "consistent", "genuine, just unpacked beside its papers, with glare", sets.parcel, PRODUCTS[FILTER]),
    Shot("lookalike-oat-letter", OAT, "deviates", "one letter of the wordmark changed", sets.table, (halmora, "original", "letter")),
    Shot("lookalike-oat-colour", OAT, "deviates", "wordmark in another colour", sets.kitchen, (halmora, "original", "colour")),
    Shot("lookalike-tea-font", TEA, "deviates", "wordmark in another typeface", sets.marble, (quillmere, "font")),
    Shot("lookalike-filter-logo", FILTER, "deviates", "another emblem beside the wordmark", sets.workshop, (torvanik, "logo")),
    Shot("sibling-vanilla-as-original", OAT, "deviates", "the vanilla carton offered as the original", sets.shop_hand, PRODUCTS[VANILLA]),
    Shot("other-tea-as-filter", FILTER, "no_brand_seen", "a tea box offered as an oil filter", sets.marble, PRODUCTS[TEA]),
    Shot("blurred-oat", OAT, "not_comparable", "genuine, but badly out of focus", sets.kitchen, PRODUCTS[OAT], blur=15.0),
    Shot("tiny-filter", FILTER, "not_comparable", "genuine, but only 120 pixels high", sets.workshop, PRODUCTS[FILTER], side=120),
    Shot("catalogue-tea", TEA, "reused_photo", "the brand's own catalogue picture, made smaller and saved again"),
    Shot("empty-desk", OAT, "no_brand_seen", "a desk without any pack", sets.desk),
]  # fmt: skip


@lru_cache(maxsize=None)
def print_of(art):
    return art[0](*art[1:])


def photograph(shot, rng, draft=1.0):
    """The finished photo as 8 bit RGB. `draft` below 1 makes a smaller one, for trying out a scene."""
    if shot.scene is None:
        picture = Image.fromarray(print_of(PRODUCTS[shot.claim]).reference)
        w, h = picture.size
        return np.asarray(picture.resize((round(w * 0.8), round(h * 0.8)), Image.LANCZOS))
    scene = shot.scene(print_of(shot.art) if shot.art else None, rng)
    if draft < 1:
        scene.camera.size = tuple(round(v * draft) for v in scene.camera.size)
    image, depth = trace(scene, rng)
    blur = None if shot.blur is None else shot.blur * draft
    out = develop(defocus(image, depth, scene.focus, scene.aperture * draft), rng, blur)
    if shot.side:
        scale = shot.side / max(out.shape[:2])
        out = cv2.resize(out, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return out
