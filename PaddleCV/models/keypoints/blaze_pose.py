"""BlazePose (https://arxiv.org/abs/2006.10204): the places of a person's keypoints, without heat maps.

Shapes in this file:
    N crops of D channels (3 of RGB) and H x W pixels, each of one person; K keypoints, P of the network, P >= K.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

from ..backbones.staged import image_channels
from ..blocks.conv_norm import ConvNorm

VALUES = 5  # of a keypoint: x, y, depth, visible, inside the image
STRIDES = (2, 1, 1, 2, 1, 1, 1)


class BlazePose(nn.Layer):
    """A backbone, blocks that shrink its last features to 2 x 2 cells, and a layer that gives every keypoint.

    The depth of keypoints, and whether there is a person at all, are not trained: no dataset of this kit has either.

    Args:
        backbone (Layer): image to features; the last of them are used.
        num_classes (int): K.
        channels (int): of the blocks.
        points (int): P; those after the first K are auxiliary.
        size (int): H and W, that fit the 2 x 2 cells; a multiple of 128 with a backbone of stride 32.
        norm (str): bn, frozen_bn or gn.
    """

    task = "KeypointDetection"
    outputs = ("keypoints",)

    def __init__(self, backbone, num_classes, channels=192, points=39, size=256, norm="bn"):
        super().__init__()
        cells = size // (backbone.strides[-1] * 4)
        if points < num_classes or size % (backbone.strides[-1] * 4) or cells < 1:
            raise ValueError(
                f"BlazePose got points {points} and size {size}; points are {num_classes} or more, the size a multiple "
                f"of {backbone.strides[-1] * 4}"
            )
        self.backbone, self.num_classes, self.points, self.size = backbone, num_classes, points, size
        self.size_multiple = backbone.strides[-1] * 4
        width = backbone.out_channels[-1]
        self.reduce = nn.Sequential(
            ConvNorm(width, width, 3, groups=width, activation="relu6", norm=norm),
            ConvNorm(width, channels, 1, activation="relu6", norm=norm),
        )
        self.blocks = nn.LayerList(ShrinkingBlock(channels, stride, norm) for stride in STRIDES)
        center = np.tile(np.float32([size / 2, size / 2, 0, 0, 0]), points)  # where keypoints are before training
        self.places = nn.Conv2D(channels, points * VALUES, cells, bias_attr=nn.initializer.Assign(center))
        self.person = nn.Conv2D(channels, 1, cells)
        for parameter in self.person.parameters():
            parameter.stop_gradient = True
        self.inputs = {
            "image": ([None, image_channels(backbone), size, size], "float32"),
            "crop": ([None, 4], "float32"),
        }

    @classmethod
    def from_config(cls, backbone, num_classes, build, channels=192, points=39, size=256, norm="bn"):
        """Builds the parts in order.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            num_classes (int): K.
            channels (int): of the blocks.
            points (int): of the network, K or more.
            size (int): height and width of the crops.
            norm (str): bn, frozen_bn or gn.
        """
        return cls(build(backbone), num_classes, channels, points, size, norm)

    def predict(self, image):
        """Of each keypoint x and y in input pixels and the logit of visible [N, K, 3]; the logit of a person [N, 1]."""
        x = self.reduce(self.backbone(image)[-1])
        for block in self.blocks:
            x = block(x)
        values = self.places(x).reshape([-1, self.points, VALUES])[:, : self.num_classes]
        return paddle.concat([values[:, :, :2], values[:, :, 3:4]], axis=2), self.person(x).reshape([-1, 1])

    def forward(self, image, crop):
        """The keypoints in pixels of the original images.

        Args:
            image (Tensor): float32 [N, D, H, W].
            crop (Tensor): float32 [N, 4], the part (x1, y1, x2, y2) of each original image that is the crop.

        Returns:
            Tensor: float32 [N, K, 3], x, y and score, the probability that it is visible times that of a person.
        """
        values, person = self.predict(image)
        first, extent = crop[:, :2].unsqueeze(1), (crop[:, 2:] - crop[:, :2]).unsqueeze(1)
        score = F.sigmoid(values[:, :, 2:]) * F.sigmoid(person).unsqueeze(2)
        return paddle.concat([first + values[:, :, :2] / self.size * extent, score], axis=2)

    def loss(self, batch):
        """The terms `loss_place`, the distance along both axes as a share of the side, and `loss_visible`.

        Args:
            batch (dict): image [N, D, H, W]; keypoints [N, 1, K, 3] in input pixels, of which the last number is above
                0 where the keypoint is labeled.

        Raises:
            ConfigError: the samples have no keypoints.
        """
        if "keypoints" not in batch:
            raise ConfigError("the samples have no keypoints, which the loss compares the predictions with")
        values, _ = self.predict(batch["image"])
        points = batch["keypoints"][:, 0].astype("float32")
        labeled = (points[:, :, 2:] > 0).astype("float32")
        away = ((values[:, :, :2] - points[:, :, :2]) / self.size).abs() * labeled
        return {
            "loss_place": away.sum() / paddle.clip(labeled.sum(), min=1.0),
            "loss_visible": F.binary_cross_entropy_with_logits(values[:, :, 2:], labeled),
        }


class ShrinkingBlock(nn.Layer):
    """A BlazeBlock (https://arxiv.org/abs/1907.05047): depthwise, 1x1, and a max-pooled shortcut; ReLU6.

    Args:
        channels (int): C of the input and of the output.
        stride (int): 1 or 2.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, channels, stride, norm):
        super().__init__()
        self.depthwise = ConvNorm(
            channels, channels, 3, stride, channels, activation="relu6", norm=norm, padding="same"
        )
        self.pointwise = ConvNorm(channels, channels, 1, activation="none", norm=norm)
        self.shortcut = nn.MaxPool2D(2, 2) if stride == 2 else nn.Identity()

    def forward(self, x):
        """Features [N, C, H, W] to [N, C, H / stride, W / stride]."""
        return F.relu6(self.shortcut(x) + self.pointwise(self.depthwise(x)))
