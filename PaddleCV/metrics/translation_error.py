"""Distance of translated images to the true ones, beside that of a constant image.

Shapes in this file:
    N images of D channels and H x W pixels from -1 to 1.
"""

import numpy as np


class TranslationError:
    """The mean absolute difference of pixels, `l1`; of gray levels averaged over 8 x 8 pixels, `l1_coarse`.

    `l1_mean_color` is what an image of the mean color of all true images would have: the simplest baseline.

    Args:
        target (str): the key of the true images in a batch; `target`, or `image` where the source is a label map.
    """

    primary = "l1"
    higher_is_better = False

    def __init__(self, target="target"):
        self.target = target
        self.reset()

    def reset(self):
        """Forgets all images."""
        self.sums = np.zeros(3)  # of differences, of coarse ones, number of images
        self.counts = np.zeros((3, 256))  # of the levels of each channel of true images

    def update(self, outputs, batch):
        """Adds a batch.

        Args:
            outputs (dict): `translated` float32 [N, D, H, W].
            batch (dict): the true images, float32 [N, D, H, W].
        """
        true, made = np.asarray(batch[self.target], np.float64), np.asarray(outputs["translated"], np.float64)
        self.sums += [
            np.abs(made - true).mean(axis=(1, 2, 3)).sum(),
            np.abs(coarse(made) - coarse(true)).mean(axis=(1, 2, 3)).sum(),
            len(true),
        ]
        levels = np.clip(np.rint((true + 1) * 127.5), 0, 255).astype(np.int64)
        for channel in range(true.shape[1]):
            self.counts[channel] += np.bincount(levels[:, channel].ravel(), minlength=256)

    def state(self):
        """The sums of this process (dict of arrays)."""
        return {"sums": self.sums, "counts": self.counts}

    def merge(self, states):
        """Adds up the sums of all processes."""
        self.sums = sum(state["sums"] for state in states)
        self.counts = sum(state["counts"] for state in states)

    def compute(self):
        """`l1`, `l1_coarse` and `l1_mean_color`, of pixels from -1 to 1."""
        used = self.counts[self.counts.sum(axis=1) > 0]
        values = np.linspace(-1, 1, 256)
        means = (used * values).sum(axis=1, keepdims=True) / used.sum(axis=1, keepdims=True)
        constant = (used * np.abs(values - means)).sum(axis=1) / used.sum(axis=1)
        number = max(1.0, self.sums[2])
        return {
            "l1": float(self.sums[0] / number),
            "l1_coarse": float(self.sums[1] / number),
            "l1_mean_color": float(constant.mean()),
        }


def coarse(image):
    """Gray levels [N, 1, H // 8, W // 8], means over 8 x 8 pixels; of the whole image where it is smaller."""
    gray = image.mean(axis=1, keepdims=True)
    height, width = (max(1, side // 8) for side in gray.shape[2:])
    rows, columns = (min(8, side) for side in gray.shape[2:])
    cut = gray[:, :, : height * rows, : width * columns]
    return cut.reshape(len(gray), 1, height, rows, width, columns).mean(axis=(3, 5))
