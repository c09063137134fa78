"""Generated images in records: PNG files in base64, which JSON and csv can hold.

Shapes in this file:
    images of D channels (1 or 3) and H x W pixels, float from -1 to 1 as models give them, or uint8 [H, W, 3] RGB.
"""

import base64

import cv2
import numpy as np

from common.vision.decode import decode_image


def as_pixels(image):
    """A generated image, float [D, H, W] from -1 to 1, as RGB uint8 [H, W, 3]; what lies beyond is clipped."""
    levels = np.clip((np.asarray(image, np.float64) + 1) * 127.5, 0, 255)
    pixels = np.floor(levels + 0.5).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.repeat(pixels, 3 // pixels.shape[2], axis=2))


def image_record(image):
    """A generated image, float [D, H, W] from -1 to 1, as `{"size": [H, W], "png": base64}`."""
    pixels = as_pixels(image)
    data = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    return {"size": [int(side) for side in pixels.shape[:2]], "png": base64.b64encode(data).decode("ascii")}


def image_of_record(record):
    """The image of a record, RGB uint8 [H, W, 3]."""
    return decode_image(base64.b64decode(record["png"]), "a generated image")


def images_beside(images):
    """Images uint8 [H, W, 3] in one row (uint8 [H, W', 3]), those of other heights resized to the first one's."""
    height = images[0].shape[0]
    sized = [
        image
        if image.shape[0] == height
        else cv2.resize(image, (max(1, round(image.shape[1] * height / image.shape[0])), height))
        for image in images
    ]
    return np.concatenate(sized, axis=1)
