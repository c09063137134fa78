"""The detector of text lines by differentiable binarization, DB (https://arxiv.org/abs/1911.08947).

Shapes in this file:
    N images of c channels and H x W pixels.
"""

from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

from ..backbones.staged import image_channels

MAPS = ("text_map", "text_counts", "border_map", "border_counts")


class TextDetector(nn.Layer):
    """A backbone, a neck, and a head that says of each pixel how likely it is inside a line of text.

    In training a second head gives the threshold of each pixel; inference binarizes by a fixed one, see
    `common.inference.tasks.text_detection.TextDetection`.

    Args:
        backbone (Layer): image to features.
        neck (Layer): features to one map.
        head (Layer): map to logits of the pixels.
        threshold (Layer): map to logits of the thresholds, for training alone.
        loss (Layer): both to the terms of the loss, see DBLoss.
    """

    task = "TextDetection"
    outputs = ("text",)
    training_only = ("threshold",)
    original_pixels = True

    def __init__(self, backbone, neck, head, threshold, loss):
        super().__init__()
        self.backbone, self.neck, self.head, self.threshold, self.loss_terms = backbone, neck, head, threshold, loss
        self.size_multiple = backbone.strides[-1]
        self.inputs = {"image": ([None, image_channels(backbone), None, None], "float32")}

    @classmethod
    def from_config(cls, backbone, neck, head, loss, build):
        """Builds the parts in order, the head twice.

        Args:
            backbone (node): LCNetV3, or another backbone whose finest features have stride 4.
            neck (node): RSEFPN.
            head (node): DBHead.
            loss (node): DBLoss.
        """
        backbone = build(backbone)
        neck = build(neck, in_channels=backbone.out_channels)
        head, threshold = (build(head, in_channels=neck.out_channels) for _ in range(2))
        return cls(backbone, neck, head, threshold, build(loss))

    def features(self, image):
        """The map of the neck, [N, D, H / 4, W / 4]."""
        return self.neck(self.backbone(image))

    def predict(self, image):
        """The logits of the pixels, [N, H, W]."""
        return self.head(self.features(image)).squeeze(1)

    def forward(self, image):
        """The probability of text of each pixel, float32 [N, H, W].

        Args:
            image (Tensor): float32 [N, c, H, W], H and W multiples of the coarsest stride.
        """
        return F.sigmoid(self.predict(image))

    def loss(self, batch):
        """The terms of the loss, see DBLoss.

        Args:
            batch (dict): image, and the maps of `TextMaps`, float32 [N, H, W].

        Raises:
            ConfigError: the samples have no maps.
        """
        if not all(name in batch for name in MAPS):
            raise ConfigError("the images have no maps of their texts: add TextMaps to the transforms")
        features = self.features(batch["image"])
        logits, borders = (head(features).squeeze(1) for head in (self.head, self.threshold))
        return self.loss_terms(logits, borders, batch)
