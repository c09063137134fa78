"""Top-down detection of keypoints: simple baselines (https://arxiv.org/abs/1804.06208).

Shapes in this file:
    N crops of D channels (3 of RGB) and H x W pixels, each of one person; K keypoints, h x w cells of a heat map.
"""

import paddle
from paddle import nn

from common.errors import ConfigError

from ..backbones.staged import image_channels
from .heatmaps import find_peaks, mirror_heatmaps


class KeypointDetector(nn.Layer):
    """A backbone, and a head that turns its features into a heat map for each keypoint.

    Args:
        backbone (Layer): image to features.
        head (Layer): features to heat maps.
        loss (Layer): heat maps and keypoints to a number.
        cell_center (float): position in a cell of a heat map that it stands for, from 0 to 1. 0.5 is the center; the
            original models have 0.125, the center of the first pixel of four.
    """

    task = "KeypointDetection"
    outputs = ("keypoints",)

    def __init__(self, backbone, head, loss, cell_center=0.125):
        super().__init__()
        if not 0 <= cell_center <= 1:
            raise ValueError(f"KeypointDetector got cell_center {cell_center}; allowed: 0 to 1")
        self.backbone, self.head, self.loss_terms, self.cell_center = backbone, head, loss, cell_center
        self.size_multiple = backbone.strides[-1]
        self.inputs = {
            "image": ([None, image_channels(backbone), None, None], "float32"),
            "crop": ([None, 4], "float32"),
        }

    @classmethod
    def from_config(cls, backbone, head, loss, num_classes, build, cell_center=0.125):
        """Builds the parts in order; the head is given the channels of the backbone.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            head (node): DeconvHead.
            loss (node): HeatmapMSE.
            num_classes (int): K.
            cell_center (float): position in a cell of a heat map that it stands for, from 0 to 1.
        """
        backbone = build(backbone)
        head = build(head, in_channels=backbone.out_channels, num_classes=num_classes)
        return cls(backbone, head, build(loss), cell_center)

    def predict(self, image):
        """Heat maps [N, K, h, w]."""
        return self.head(self.backbone(image))

    def forward(self, image, crop):
        """The keypoints in pixels of the original images.

        Args:
            image (Tensor): float32 [N, D, H, W].
            crop (Tensor): float32 [N, 4], the part (x1, y1, x2, y2) of each original image that is the crop.

        Returns:
            Tensor: float32 [N, K, 3], x, y and score, the value of the heat map.
        """
        return self.locate(self.predict(image), crop)

    def predict_mirrored(self, image, order):
        """Heat maps [N, K, h, w], the mean of those of the images and of the mirrored images.

        Args:
            image (Tensor): float32 [N, D, H, W].
            order (list[int]): for each keypoint the one that it becomes in a mirror.
        """
        mirrored = mirror_heatmaps(self.predict(image.flip(3)), order, self.cell_center)
        return (self.predict(image) + mirrored) / 2

    def locate(self, heatmaps, crop):
        """The keypoints [N, K, 3] of heat maps, as of :meth:`forward`."""
        positions, score = find_peaks(heatmaps, self.cell_center)
        size = paddle.to_tensor([heatmaps.shape[3], heatmaps.shape[2]], dtype="float32")
        first, extent = crop[:, :2].unsqueeze(1), (crop[:, 2:] - crop[:, :2]).unsqueeze(1)
        return paddle.concat([first + positions / size * extent, score], axis=2)

    def loss(self, batch):
        """The term `loss_heatmap`.

        Args:
            batch (dict): image [N, D, H, W]; keypoints [N, 1, K, 3] in input pixels, of which the last number is above
                0 where the keypoint is labeled.

        Raises:
            ConfigError: the samples have no keypoints.
        """
        if "keypoints" not in batch:
            raise ConfigError("the samples have no keypoints, which the loss compares the heat maps with")
        image, points = batch["image"], batch["keypoints"][:, 0].astype("float32")
        heatmaps = self.predict(image)
        scale = [cells / pixels for cells, pixels in zip(heatmaps.shape[:1:-1], image.shape[:1:-1])]
        positions = points[:, :, :2] * paddle.to_tensor(scale, dtype="float32")
        return {"loss_heatmap": self.loss_terms(heatmaps, positions, points[:, :, 2], self.cell_center)}
