"""Words drawn with the fonts of this machine: images and texts to pre-train recognizers of text on.

Shapes in this file:
    H x W pixels of an image.
"""

import pathlib

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common.data.transform import random_for
from common.errors import DataError

SUFFIXES = (".ttf", ".otf")
SYSTEM = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
DISTINCT = 0.85  # share of the characters that look different from each other in a font of letters
SYLLABLES = [first + second for first in "bcdfghlmnprstvwxyz" for second in "aeiou"] + ["er", "in", "on", "sta", "tra"]


def find_fonts(places, characters):
    """The font files that draw all characters, sorted (list[str]).

    Args:
        places (list[str]): files and folders; empty for the fonts of the system and of matplotlib.
        characters (str): that a font must have.

    Raises:
        DataError: a place is missing, or there is no such font.
    """
    files = []
    for place in map(pathlib.Path, places or default_places()):
        if not place.exists():
            raise DataError(f"--fonts {place}: no such file or folder")
        found = [place] if place.is_file() else [p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES]
        files += [str(path) for path in found]
    names = {pathlib.Path(path).name: path for path in sorted(files, reverse=True)}  # one of each name
    usable = sorted(path for path in names.values() if draws(path, characters))
    if not usable:
        where = ", ".join(map(str, places or default_places())) or "no folder of fonts"
        raise DataError(
            f"{where}: {len(files)} fonts, none of which draws the characters {characters[:40]!r}\n"
            "  fix: --fonts FOLDER with .ttf or .otf files, such as those of Debian's fonts-urw-base35 and fonts-lato"
        )
    return usable


def default_places():
    """The folders of fonts that this machine has (list[str])."""
    import matplotlib

    folders = [pathlib.Path(place).expanduser() for place in SYSTEM]
    folders.append(pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf")
    return [str(folder) for folder in folders if folder.is_dir()]


def draws(path, characters):
    """True for a font that can be read and draws the characters, most of them differently."""
    try:
        font = ImageFont.truetype(path, 24)
        masks = [bytes(font.getmask(character)) for character in characters if character != " "]
    except (OSError, ValueError):
        return False
    missing = bytes(font.getmask("\uffff"))
    return all(any(mask) and mask != missing for mask in masks) and len(set(masks)) >= DISTINCT * len(masks)


class DrawnWords:
    """Draws words, each a function of the seed, the split and a number.

    Args:
        fonts (list[str]): font files.
        characters (str): the alphabet.
        words (list[str]): to draw; empty for synthetic ones.
        height (int): H, of all images.
        longest (int): characters of a word at most.
        seed (int): random seed.
    """

    def __init__(self, fonts, characters, words=(), height=48, longest=14, seed=0):
        self.fonts, self.characters, self.height, self.longest, self.seed = fonts, characters, height, longest, seed
        known = set(characters)
        self.words = [word for word in words if 0 < len(word) <= longest and known.issuperset(word.lower())]
        self.different = sorted(set(self.words))
        self.digits = [character for character in characters if character.isdigit()]
        self.both_cases = any(character.isupper() for character in characters)

    def draw(self, split, number):
        """An image RGB uint8 [H, W, 3] and its text."""
        rng = random_for(self.seed, split, number)
        text = self.text(rng)
        while True:  # a font may not have the capital letters of a word
            font = self.fonts[rng.integers(len(self.fonts))]
            shown = in_a_case(text, rng)
            mask = letters(shown, font, int(rng.integers(30, 64)), int(rng.integers(-1, 5)))
            if mask is not None:
                break
        return colored(deformed(mask, rng), rng, self.height), shown if self.both_cases else shown.lower()

    def text(self, rng):
        """A word of the list or a synthetic one, a number, or letters at random."""
        kind = rng.random()
        if kind < 0.65 and self.words:  # half of them as often as they occur in the text
            words = self.words if kind < 0.3 else self.different
            return words[rng.integers(len(words))]
        if kind < 0.75 and self.digits:
            return "".join(rng.choice(self.digits, rng.integers(1, 6)))
        if kind < 0.9 or not set("".join(SYLLABLES)) <= set(self.characters):
            letters_only = [character for character in self.characters if character != " "]
            return "".join(rng.choice(letters_only, rng.integers(1, min(8, self.longest) + 1)))
        return "".join(rng.choice(SYLLABLES, rng.integers(1, 5)))[: self.longest]


def in_a_case(text, rng):
    """The text in capitals, with a capital, or as it is."""
    kind = rng.random()
    return text.upper() if kind < 0.45 else text.capitalize() if kind < 0.65 else text


def letters(text, path, size, spacing):
    """The letters of a text as coverage uint8 [h, w], white on black; None where the font draws none of them.

    Args:
        text (str): to draw.
        path (str): the font.
        size (int): of the font, in pixels.
        spacing (int): pixels between letters.
    """
    font = ImageFont.truetype(path, size)
    advances = [max(1, round(font.getlength(character)) + spacing) for character in text]
    _, top, _, bottom = font.getbbox(text)
    canvas = Image.new("L", (sum(advances) + 2 * size, bottom - min(0, top) + 2 * size))
    draw, x = ImageDraw.Draw(canvas), size
    for character, advance in zip(text, advances):
        draw.text((x, size), character, 255, font)
        x += advance
    box = canvas.getbbox()
    return None if box is None else np.asarray(canvas.crop(box))


def deformed(mask, rng):
    """Coverage slanted, turned by a few degrees, seen from the side, with margins, uint8 [h, w]."""
    height, width = mask.shape
    pad = height // 2
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) + pad
    moved = corners + np.float32(rng.normal(0, 0.035, (4, 2)) * height)
    slant = rng.normal(0, 0.15) * height
    moved[:2, 0] += slant
    angle = np.radians(rng.normal(0, 2.5))
    center = moved.mean(0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = ((moved - center) @ turn.T + center).astype(np.float32)
    moved += np.maximum(0, -moved.min(0))
    size = np.ceil(moved.max(0)).astype(int) + pad
    warp = cv2.getPerspectiveTransform(corners, moved)
    padded = cv2.copyMakeBorder(mask, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    mask = cv2.warpPerspective(padded, warp, tuple(size.tolist()))
    rows, columns = np.flatnonzero(mask.max(1) > 64), np.flatnonzero(mask.max(0) > 64)
    if not len(rows) or not len(columns):
        return padded
    mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, bottom, left, right = (rng.uniform(0, 0.22, 4) * len(mask)).astype(int).tolist()
    return cv2.copyMakeBorder(mask, top, bottom, left, right, cv2.BORDER_CONSTANT)


def colored(mask, rng, height):
    """An image RGB uint8 [H, W, 3] of coverage [h, w]: letters of one color on a ground, blurred, with noise."""
    width = max(8, round(mask.shape[1] * height / mask.shape[0]))
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    ground, ink = rng.uniform(0, 255, (2, 3))
    while abs(luma(ground) - luma(ink)) < 45:
        ground, ink = rng.uniform(0, 255, (2, 3))
    cells = (max(2, height // 16), max(2, width // 16))
    rough = cv2.resize(rng.normal(0, 1, (*cells, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    image = ground + rough * rng.uniform(0, 28)
    if rng.random() < 0.25:  # a shadow or an outline
        shift = rng.integers(-3, 4, 2)
        other = np.roll(mask, tuple(shift.tolist()), (0, 1))
        image = image + other * rng.uniform(0.3, 1) * (rng.uniform(0, 255, 3) - image)
    ramp = np.linspace(rng.uniform(-40, 40), 0, width if rng.random() < 0.5 else height)
    image = image + (ramp[None, :, None] if len(ramp) == width else ramp[:, None, None])
    image = image * (1 - mask) + ink * mask
    if rng.random() < 0.6:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.8))
    image = image + rng.normal(0, rng.uniform(0, 12), image.shape)
    if rng.random() < 0.3:  # a photograph of few pixels
        small = rng.uniform(0.35, 0.8)
        few = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        image = cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)
    return image.clip(0, 255).round().astype(np.uint8)


def luma(color):
    """The brightness of an RGB color (float)."""
    return float(np.dot(color, (0.299, 0.587, 0.114)))
