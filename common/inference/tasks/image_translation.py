"""Image translation: an image, or a label map, turned into an image of another kind."""

import numpy as np

from common.inference.generated import image_of_record, image_record
from common.inference.task import Task


class ImageTranslation(Task):
    """The translated image, of the size that the model gives."""

    columns = {"size": "size", "png": "png"}

    def records(self, outputs, samples, labels, threshold):
        """The translated image of each sample.

        Args:
            outputs (dict[str, ndarray]): `translated` float32 [N, D, H, W] from -1 to 1.
            samples (list[dict]): of the batch.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each sample one record: `size` (height, width) and `png`, a PNG file in base64.
        """
        return [[image_record(image)] for image, _ in zip(np.asarray(outputs["translated"]), samples)]

    def draw(self, image, records):
        """The translated image alone, RGB uint8 [H, W, 3]; the given one is not shown."""
        return image_of_record(records[0])

    def line(self, sample, records):
        """The file and the size of the translated image; --json prints the image, --out writes it."""
        height, width = records[0]["size"]
        return f"{sample['name']}: an image of {width} x {height} pixels"
