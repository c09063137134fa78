"""The answer of an exported detector as records, and pictures with its boxes."""

import colorsys

import cv2
import numpy as np

INPUT = "picture"
THRESHOLD = 0.5  # of the score, unless told otherwise


def records(outputs, labels, threshold=THRESHOLD):
    """The boxes of each picture that score enough, best first.

    Args:
        outputs (dict[str, ndarray]): `boxes` [R, 6] rows (label, score, x1, y1, x2, y2) in pixels of the original
            pictures, one picture after another; `num_boxes` [N].
        labels (list[str]): class names; a number beyond them is named by itself.
        threshold (float): boxes that score less are left out.

    Returns:
        list[list[dict]]: for each picture `label`, `category_id` (the class number), `score`, `box` [x1, y1, x2, y2].
    """
    counts = np.asarray(outputs["num_boxes"], np.int64).reshape(-1)
    boxes = np.asarray(outputs["boxes"], np.float64)
    boxes = boxes.reshape(-1, 6) if boxes.size and boxes.shape[-1] == 6 else np.zeros((0, 6))
    found = []
    for part in np.split(boxes, np.cumsum(counts))[: len(counts)]:
        part = part[np.isfinite(part).all(1)]
        part = part[(part[:, 0] >= 0) & (part[:, 1] >= threshold)]
        part = part[np.argsort(-part[:, 1], kind="stable")]
        found.append([record(row, labels) for row in part.tolist()])
    return found


def record(row, labels):
    """One row (label, score, x1, y1, x2, y2) as a dictionary of plain numbers, rounded for reading."""
    number = int(row[0])
    return {
        "label": str(labels[number]) if number < len(labels) else str(number),
        "category_id": number,
        "score": round(row[1], 4),
        "box": [round(value, 2) for value in row[2:]],
    }


def draw(image, records):
    """A copy of the picture with boxes, names and scores, in sizes that suit the picture's.

    Args:
        image (ndarray): RGB uint8 [H, W, 3].
        records (list[dict]): of this picture.

    Returns:
        ndarray: RGB uint8 [H, W, 3].
    """
    image = np.ascontiguousarray(image).copy()
    side = max(image.shape[:2])
    thick = max(1, round(side / 400))
    size = max(11, round(side / 45))
    for item in reversed(records):  # the best last, on top
        colour = colour_of(item["category_id"])
        x1, y1, x2, y2 = (round(float(np.clip(value, -1e4, 1e5))) for value in item["box"])
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, thick, cv2.LINE_AA)
        draw_name(image, f"{item['label']}: {item['score']:.2f}", (x1, y1), colour, size)
    return image


def draw_name(image, text, corner, colour, size):
    """Writes a text on a filled ground above the corner of a box, or inside it at the picture's edge; in place."""
    font = cv2.FontFace("uni")  # OpenCV's own letters, of every script
    left, top, width, height = cv2.getTextSize((0, 0), text, (0, 0), font, size)
    width, height = width + 4, height + 2
    x = min(max(0, corner[0]), max(0, image.shape[1] - width))
    y = corner[1] - height if corner[1] >= height else max(0, corner[1])
    cv2.rectangle(image, (x, y), (x + width - 1, y + height - 1), colour, cv2.FILLED)
    ink = (0, 0, 0) if np.dot(colour, (0.299, 0.587, 0.114)) > 140 else (255, 255, 255)
    cv2.putText(image, text, (x + 2 - left, y + 1 - top), ink, font, size)


def colour_of(number):
    """A readable RGB colour for a class; neighbours in number are far apart in hue."""
    hue = (number * 0.61803398875 + 0.33) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 if number % 2 else 0.65, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)
