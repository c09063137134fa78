"""Masks of instances: run-length encoding in COCO's format, and masks of boxes placed into their image.

Run-length codes are written by our own lines, for a file's code is untrusted and the library's decoder reads beyond its
end, and so that C++ and Python print the same text; decoding what was checked is left to faster-coco-eval.

Shapes in this file:
    H x W pixels of an image, n instances, M x M cells of the mask that a network predicts for a box.
"""

import numpy as np

MORE, SIGN, FIRST = 0x20, 0x10, 48  # bits of a character of the code, and the character of 0


def encode_runs(counts):
    """The text of COCO's run-length code for the lengths of the runs, of zeros first, in column order (str)."""
    text = []
    for k, count in enumerate(counts):
        value = int(count) - (int(counts[k - 2]) if k > 2 else 0)
        while True:
            bits, value = value & 0x1F, value >> 5
            more = value != (-1 if bits & SIGN else 0)
            text.append(chr((bits | MORE if more else bits) + FIRST))
            if not more:
                break
    return "".join(text)


def decode_runs(text):
    """The lengths of the runs in a text of COCO's run-length code (list[int]).

    Raises:
        ValueError: the text is not such a code.
    """
    counts, value, shift = [], 0, 0
    for character in text:
        bits = ord(character) - FIRST
        if not 0 <= bits < 64 or shift > 30:
            raise ValueError(f"the run-length code has {character!r} where a number ends")
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & MORE:
            value -= (bits & SIGN) and 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value, shift = 0, 0
    if shift:
        raise ValueError("the run-length code ends within a number")
    return counts


def check_runs(counts, height, width):
    """Raises ValueError unless the runs are not negative and cover an image of this size."""
    if any(count < 0 for count in counts) or sum(counts) != height * width:
        raise ValueError(f"the runs cover {sum(counts)} pixels, the image has {height} x {width}")


def encode_mask(mask):
    """A mask, bool or uint8 [H, W], as `{"size": [H, W], "counts": str}`."""
    flat = np.concatenate([[0], np.asarray(mask, bool).ravel("F").view(np.uint8), [2]])
    ends = np.flatnonzero(np.diff(flat))  # the last one is that of the end
    return {"size": list(np.shape(mask)), "counts": encode_runs(np.diff(ends, prepend=0).tolist())}


def decode_masks(codes, height, width):
    """Masks uint8 [n, H, W] of codes that were checked."""
    from faster_coco_eval.core import mask as library  # imports OpenCV: not needed to read a configuration

    if not len(codes):
        return np.zeros((0, height, width), np.uint8)
    return np.ascontiguousarray(library.decode(list(codes)).transpose(2, 0, 1))


def mask_as_png(code):
    """A code that was checked as `{"size": [H, W], "png": str}`, a PNG in base64 whose pixels are 0 and 255."""
    import base64

    import cv2

    mask = decode_masks([code], *code["size"])[0] * np.uint8(255)
    return {"size": code["size"], "png": base64.b64encode(cv2.imencode(".png", mask)[1]).decode("ascii")}


def paste_mask(cells, box, height, width, threshold=0.5):
    """The mask of a box in its image: bilinear between the centers of the cells, zero beyond the outermost ones.

    Args:
        cells (ndarray): float [M, M], probabilities.
        box (ndarray): [4] (x1, y1, x2, y2) in pixels; need not lie inside the image.
        height (int): H.
        width (int): W.
        threshold (float): least probability of the mask.

    Returns:
        ndarray: bool [H, W].
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    mask = np.zeros((height, width), bool)
    top, rows = interpolation_weights(y1, y2, height, cells.shape[0])
    left, columns = interpolation_weights(x1, x2, width, cells.shape[1])
    if rows.size and columns.size:
        part = rows @ np.float64(cells) @ columns.T >= threshold
        mask[top : top + part.shape[0], left : left + part.shape[1]] = part
    return mask


def interpolation_weights(low, high, size, cells):
    """The first pixel of the interval [low, high] within an axis of `size` pixels, and weights [pixels, cells].

    Pixel k has its center at k + 0.5; cell c has its center at low + (c + 0.5) * (high - low) / cells.
    """
    first, last = max(int(np.floor(low)), 0), min(int(np.ceil(high)), size)
    if high <= low or last <= first:
        return 0, np.zeros((0, cells))
    centers = np.arange(first, last) + 0.5
    at = (centers - low) / (high - low) * cells - 0.5
    return first, np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells)))
