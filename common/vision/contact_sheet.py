"""A sheet of small images in rows, each with a caption below it."""

import cv2
import numpy as np

GAP, LETTERS = 6, 12  # pixels between images, and of the height of a caption
WHITE, FRAME = 255, (60, 60, 60)


def contact_sheet(rows, side=128):
    """Images in rows on white, the first of each row framed.

    Args:
        rows (list[list[tuple[ndarray, str]]]): images RGB uint8 [H, W, 3] with their captions.
        side (int): of the square that each image is fitted into, in pixels.

    Returns:
        ndarray: RGB uint8 [height, width, 3].
    """
    cell = (side + LETTERS + 2 * GAP, side + GAP)  # height, width
    width = max((len(row) for row in rows), default=0)
    sheet = np.full((GAP + cell[0] * len(rows), GAP + cell[1] * width, 3), WHITE, np.uint8)
    for i, row in enumerate(rows):
        for k, (image, caption) in enumerate(row):
            top, left = GAP + i * cell[0], GAP + k * cell[1]
            small = fitted(image, side)
            height, width = small.shape[:2]
            y, x = top + (side - height) // 2, left + (side - width) // 2
            sheet[y : y + height, x : x + width] = small
            if k == 0:
                cv2.rectangle(sheet, (left - 2, top - 2), (left + side + 1, top + side + 1), FRAME, 2)
            write_caption(sheet, caption, (left, top + side + GAP), side)
    return sheet


def fitted(image, side):
    """An image scaled so that its longer side has so many pixels, small ones without blurring."""
    scale = side / max(image.shape[:2])
    size = [max(1, round(scale * length)) for length in image.shape[1::-1]]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST if scale >= 2 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(image), size, interpolation=interpolation)


def write_caption(sheet, text, corner, width):
    """Writes the end of a text that fits into so many pixels, in place; `corner` is its upper left one (x, y)."""
    font = cv2.FontFace("uni")
    while text and cv2.getTextSize((0, 0), text, (0, 0), font, LETTERS)[2] > width:
        text = text[1:]
    left, top, _, _ = cv2.getTextSize((0, 0), text, (0, 0), font, LETTERS)
    cv2.putText(sheet, text, (corner[0] - left, corner[1] - top), (0, 0, 0), font, LETTERS)
