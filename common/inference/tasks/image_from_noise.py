"""Image generation from noise: a seed, and the class where the generator takes one, to an image."""

import numpy as np

from common.inference.generated import image_of_record, image_record
from common.inference.task import Task


class ImageFromNoise(Task):
    """Generates an image for a text: the seed of the noise, `7`, or the class and the seed, `ankle boot, 7`."""

    input = "text"
    columns = {"size": "size", "png": "png"}

    def synthetic(self, inputs):
        """None: a text is not known to name a class of the model."""

    def records(self, outputs, samples, labels, threshold):
        """The generated image of each sample.

        Args:
            outputs (dict[str, ndarray]): `image` float32 [N, D, H, W] from -1 to 1.
            samples (list[dict]): of the batch.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each sample one record: `size` (height, width) and `png`, a PNG file in base64.
        """
        return [[image_record(image)] for image, _ in zip(np.asarray(outputs["image"]), samples)]

    def draw(self, image, records):
        """The generated image, RGB uint8 [H, W, 3]."""
        return image_of_record(records[0])

    def line(self, sample, records):
        """The text and the size of its image; --json prints the image, --out writes it."""
        height, width = records[0]["size"]
        return f"{sample.get('text_a', '')}: an image of {width} x {height} pixels"
