"""Names and colors of classes on images."""

import colorsys

import cv2
import numpy as np

LEGIBLE = 224  # pixels of the longer side from which names can be read


def enlarged(image):
    """A copy of an image of [H, W, 3], its pixels repeated until the longer side is at least LEGIBLE."""
    scale = max(1, -(-LEGIBLE // max(image.shape[:2])))
    return np.ascontiguousarray(image.repeat(scale, 0).repeat(scale, 1))


def draw_name(image, text, corner, color, size):
    """Writes a text on a filled ground above the corner of a box, or inside it at the image's edge; in place.

    Args:
        image (ndarray): RGB uint8 [H, W, 3].
        text (str): in any script.
        corner (tuple[int, int]): x and y of the upper left corner of the box.
        color (tuple[int, int, int]): of the ground; the letters are black or white.
        size (int): height of the letters in pixels.
    """
    font = cv2.FontFace("uni")  # OpenCV's own letters, of every script
    left, top, width, height = cv2.getTextSize((0, 0), text, (0, 0), font, size)
    width, height = width + 4, height + 2
    x = min(max(0, corner[0]), max(0, image.shape[1] - width))
    y = corner[1] - height if corner[1] >= height else max(0, corner[1])
    cv2.rectangle(image, (x, y), (x + width - 1, y + height - 1), color, cv2.FILLED)
    ink = (0, 0, 0) if np.dot(color, (0.299, 0.587, 0.114)) > 140 else (255, 255, 255)
    cv2.putText(image, text, (x + 2 - left, y + 1 - top), ink, font, size)


def color_of(number):
    """A readable RGB color for a class; neighbors in number are far apart in hue."""
    hue = (number * 0.61803398875 + 0.33) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 if number % 2 else 0.65, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)
