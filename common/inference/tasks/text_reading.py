"""Text reading: the lines of text in an image with their places, by a detector and a recognizer."""

from common.inference.drawing import color_of, draw_name
from common.inference.task import Task, check_threshold
from common.inference.tasks.text_detection import outlined
from common.log import counted


class TextReading(Task):
    """Text reading: each line of text in an image, its score and its place; see `common.inference.text_reader`.

    Args:
        threshold (float): lines whose text scores less are left out.
        turned (float): score from which a line is taken to be upside down, and turned.
    """

    original_pixels = True
    columns = {"text": "text", "score": "score", "box": ("x1", "y1", "x2", "y2"), "points": "points"}

    def __init__(self, threshold=0.5, turned=0.9):
        self.threshold, self.turned = check_threshold(threshold), check_threshold(turned)

    def draw(self, image, records):
        """A copy of the image (RGB uint8 [H, W, 3]) with the outlines of the lines, and their texts above them."""
        image = outlined(image, records)
        for number, item in enumerate(records):
            left, top, _, _ = item["box"]
            size = max(10, min(32, round(0.6 * (item["box"][3] - top))))
            draw_name(image, item["text"], (round(left), round(top)), color_of(number), size)
        return image

    def line(self, sample, records):
        """The number of lines, then the text, the score and the box of each."""
        rows = [
            f"  {item['text']} {item['score']:.3f} [{', '.join(f'{value:.1f}' for value in item['box'])}]"
            for item in records
        ]
        return "\n".join([f"{sample['name']}: {counted(len(records), 'line')}", *rows])
