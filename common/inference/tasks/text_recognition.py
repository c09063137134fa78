"""Text recognition: the text of an image, as a record and written under the image."""

import cv2
import numpy as np

from common.inference.drawing import color_of, draw_name
from common.inference.task import Task, check_threshold
from common.text.characters import labels_to_text

LEGIBLE = 96  # pixels of the height from which texts can be read
LETTERS = 20  # pixels of the text under an image


class TextRecognition(Task):
    """Text recognition: the text of each image with its score.

    Args:
        threshold (float): texts that score less are left out.
    """

    columns = {"text": "text", "score": "score"}

    def __init__(self, threshold=0.0):
        self.threshold = check_threshold(threshold)

    def beside(self, labels):
        """The one record of a sample is in its row."""
        return 1

    def records(self, outputs, samples, labels, threshold):
        """The text of each image.

        Args:
            outputs (dict[str, ndarray]): `ids` int [N, U], the numbers of the characters filled with 0, the blank, and
                `score` float32 [N].
            samples (list[dict]): not used.
            labels (list[str]): the blank and the characters, in the order of their numbers.
            threshold (float): texts that score less are left out.

        Returns:
            list[list[dict]]: for each image `text` and `score`, the confidence of the model's decoder.
        """
        texts = [labels_to_text(row, labels) for row in np.asarray(outputs["ids"]).tolist()]
        scores = np.asarray(outputs["score"], np.float64).reshape(-1).tolist()
        found = zip(texts, scores, strict=True)
        return [[{"text": text, "score": round(score, 4)}] if score >= threshold else [] for text, score in found]

    def line(self, sample, records):
        """The name of the image, its text and its score."""
        return f"{sample['name']}: " + (f"{records[0]['text']} {records[0]['score']:.3f}" if records else "0 found")

    def draw(self, image, records):
        """A copy of the image, enlarged if it is small, with its text and score under it.

        Args:
            image (ndarray): RGB uint8 [H, W, 3].
            records (list[dict]): of this image.

        Returns:
            ndarray: RGB uint8 [H, W, 3].
        """
        scale = max(1, -(-LEGIBLE // image.shape[0]))
        image = image.repeat(scale, 0).repeat(scale, 1)
        height = image.shape[0]
        size = max(LETTERS, round(height / 8))
        text = f"{records[0]['text']}: {records[0]['score']:.2f}" if records else "0 found"
        image = cv2.copyMakeBorder(image, 0, round(1.6 * size), 0, 0, cv2.BORDER_CONSTANT)
        draw_name(image, text, (0, image.shape[0]), color_of(0), size)
        return image
