"""Mean IoU of predictions that are averaged over sliding windows, several scales and the mirrored image.

Shapes in this file:
    N images of D channels and H x W pixels, C classes.
"""

import paddle
from paddle.nn import functional as F

from ..models.blocks.upsample import resize_to
from .mean_iou import MeanIoU


class AveragedMeanIoU(MeanIoU):
    """The scores of :class:`MeanIoU`, for the mean of the probabilities of several predictions of each image.

    Args:
        dataset (object): with `labels`.
        window (int | list[int] | None): height and width of windows that slide over the image; None predicts it whole.
        overlap (float): of neighboring windows, at least this part of their sides.
        scales (list[float]): factors of the image's size.
        flip (bool): the mirrored image too.
    """

    needs = "model"

    def __init__(self, dataset, window=None, overlap=1 / 3, scales=(1.0,), flip=False):
        super().__init__(dataset)
        self.window = None if window is None else [window] * 2 if isinstance(window, int) else list(window)
        if not 0 <= overlap < 1 or not scales or min(scales) <= 0 or (self.window and min(self.window) < 1):
            raise ValueError(
                f"AveragedMeanIoU got window {window}, overlap {overlap} and scales {list(scales)}; a window has 1 "
                "pixel or more, overlap is from 0 to below 1, scales are above 0"
            )
        self.overlap, self.scales, self.flip = overlap, scales, flip

    def update(self, model, batch):
        """Adds the predictions of a batch.

        Args:
            model (Segmentor): in evaluation mode.
            batch (dict): `image` float32 [N, D, H, W]; `mask` uint8 [N, H, W], 255 is ignored.
        """
        with paddle.no_grad():
            found = self.probabilities(model, paddle.to_tensor(batch["image"]))
        super().update({"label_map": found.argmax(axis=1).numpy()}, batch)

    def probabilities(self, model, image):
        """The mean probability of each class, [N, C, H, W]."""
        height, width = image.shape[2:]
        total = 0
        for scale in self.scales:
            size = [max(1, round(side * scale)) for side in (height, width)]
            x = image if scale == 1 else resize_to(image, size, align_corners=False)
            found = slide(model, x, self.window, self.overlap)
            if self.flip:
                found = (found + slide(model, x.flip(3), self.window, self.overlap).flip(3)) / 2
            total = total + (found if scale == 1 else resize_to(found, [height, width], align_corners=False))
        return total / len(self.scales)


def slide(model, image, window, overlap):
    """Probabilities [N, C, H, W]: the mean over the windows that see a pixel; a smaller image is filled up with 0."""
    if window is None:
        return F.softmax(model.predict(image), axis=1)
    height, width = image.shape[2:]
    missing = [max(0, side - size) for side, size in zip(window, (height, width))]
    image = F.pad(image, [0, missing[1], 0, missing[0]])  # 0 is the mean color after Normalize
    rows, columns = (starts(size, side, overlap) for size, side in zip(image.shape[2:], window))
    total = count = 0
    for top in rows:
        for left in columns:
            part = image[:, :, top : top + window[0], left : left + window[1]]
            found = F.softmax(model.predict(part), axis=1)
            around = [left, image.shape[3] - left - window[1], top, image.shape[2] - top - window[0]]
            total = total + F.pad(found, around)
            count = count + F.pad(paddle.ones_like(found[:1, :1]), around)
    return (total / count)[:, :, :height, :width]


def starts(size, side, overlap):
    """The first pixels of the windows along one axis; the last one ends with the image (list[int])."""
    step = max(1, int(side * (1 - overlap)))
    return [*range(0, size - side, step), size - side]
