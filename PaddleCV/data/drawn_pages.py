"""Pages with words drawn with the fonts of this machine, and their outlines, to train detectors of text on.

Shapes in this file:
    H x W pixels of a page, h x w of a word.
"""

import cv2
import numpy as np

from common.data.transform import random_for

from .drawn_words import letters, luma

ATTEMPTS = 60  # places that are tried for the words of a page
MARGIN = 3  # pixels between words


class DrawnPages:
    """Draws pages, each a function of the seed, the split and a number.

    Args:
        words (DrawnWords): gives words and fonts.
        size (int): H and W.
        most (int): words of a page at most.
        seed (int): random seed.
    """

    def __init__(self, words, size=320, most=12, seed=0):
        self.words, self.size, self.most, self.seed = words, size, most, seed

    def draw(self, split, number):
        """A page RGB uint8 [H, W, 3] and its words: a list of (text, corners float32 [4, 2])."""
        rng = random_for(self.seed, split, number)
        page, taken, found = ground(self.size, rng), np.zeros((self.size, self.size), np.uint8), []
        wanted = int(rng.integers(1, self.most + 1))
        for _ in range(ATTEMPTS):
            if len(found) == wanted:
                break
            text = self.words.text(rng)
            font = self.words.fonts[rng.integers(len(self.words.fonts))]
            mask = letters(text, font, int(rng.integers(self.size // 20, self.size // 6)), int(rng.integers(0, 3)))
            placed = None if mask is None else place(mask, self.size, rng)
            if placed is None:
                continue
            covered, corners = placed
            near = cv2.fillConvexPoly(np.zeros_like(taken), np.rint(corners).astype(np.int32), 1)
            near = cv2.dilate(near, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8))
            if (near & taken).any():
                continue
            taken |= near
            page = inked(page, covered, rng)
            found.append((text, corners))
        if rng.random() < 0.5:
            page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.3, 1.0))
        page = page + rng.normal(0, rng.uniform(0, 8), page.shape)
        return page.clip(0, 255).round().astype(np.uint8), found


def ground(size, rng):
    """A rough ground of one color, float64 [H, W, 3]."""
    rough = cv2.resize(rng.normal(0, 1, (8, 8, 3)), (size, size), interpolation=cv2.INTER_CUBIC)
    return rng.uniform(0, 255, 3) + rough * rng.uniform(0, 20)


def place(mask, size, rng):
    """A word turned by a few degrees, at a random place of a page.

    Args:
        mask (ndarray): coverage uint8 [h, w].
        size (int): H and W.
        rng (Generator): random numbers.

    Returns:
        tuple[ndarray, ndarray] | None: coverage uint8 [H, W] and the corners float32 [4, 2] of the word, from the
            upper left one clockwise; None where it does not fit.
    """
    height, width = mask.shape
    angle = np.radians(rng.normal(0, 6))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ turn.T
    low, extent = corners.min(0), np.ptp(corners, axis=0)
    room = size - extent - 2
    if (room < 1).any():
        return None
    shift = rng.uniform(1, room + 1) - low
    warp = np.concatenate([turn, shift[:, None]], 1)
    return cv2.warpAffine(mask, warp, (size, size)), (corners + shift).astype(np.float32)


def inked(page, covered, rng):
    """A page with letters of a color that is darker or lighter than the ground."""
    inside = covered > 0
    under = luma(page[inside].mean(0)) if inside.any() else 128.0
    ink = rng.uniform(0, 255, 3)
    while abs(luma(ink) - under) < 60:
        ink = rng.uniform(0, 255, 3)
    share = covered[..., None] / 255.0
    return page * (1 - share) + ink * share
