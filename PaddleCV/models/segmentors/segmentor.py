"""Semantic segmentation: backbone, head, loss, and auxiliary heads for training.

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, C classes, h x w cells of a head's logits.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

from ..backbones.staged import image_channels
from ..blocks.upsample import resize_as

AUXILIARY_WEIGHT = 0.4  # of PSPNet


class Segmentor(nn.Layer):
    """A backbone, and a head that turns its features into logits for each cell, enlarged to the pixels of the image.

    A head takes the list of the backbone's features and gives logits [N, C, h, w].

    Args:
        backbone (Layer): image to features.
        head (Layer): features to logits.
        loss (Layer): logits [N, C, H, W] and masks [N, H, W] to a number.
        auxiliary (list[Layer]): further heads, for training alone.
        auxiliary_weights (list[float] | None): of the loss of each auxiliary head; 0.4 when left out.
        align_corners (bool): of the enlargement, as the original models have it, see `resize_as`.
        loss_size (str): `image`, the loss is that of logits enlarged to the mask; or `logits`, of a mask reduced to the
            logits (its nearest pixels), which costs less.
        with_scores (bool): a second output `scores`, the probability of each class.
    """

    task = "SemanticSegmentation"
    original_pixels = True

    def __init__(
        self,
        backbone,
        head,
        loss,
        auxiliary=(),
        auxiliary_weights=None,
        align_corners=True,
        loss_size="image",
        with_scores=False,
    ):
        super().__init__()
        weights = [AUXILIARY_WEIGHT] * len(auxiliary) if auxiliary_weights is None else list(auxiliary_weights)
        if len(weights) != len(auxiliary):
            raise ValueError(f"Segmentor got {len(auxiliary)} auxiliary heads and {len(weights)} auxiliary_weights")
        if loss_size not in ("image", "logits"):
            raise ValueError(f"Segmentor has loss_size image or logits, not {loss_size!r}")
        self.backbone, self.head, self.loss_terms = backbone, head, loss
        self.auxiliary, self.auxiliary_weights = nn.LayerList(auxiliary), weights
        self.align_corners, self.loss_size, self.with_scores = align_corners, loss_size, with_scores
        self.inputs = {"image": ([None, image_channels(backbone), None, None], "float32")}
        self.outputs = ("label_map", "scores") if with_scores else ("label_map",)

    @classmethod
    def from_config(
        cls,
        backbone,
        head,
        loss,
        num_classes,
        build,
        auxiliary=(),
        auxiliary_weights=None,
        align_corners=True,
        loss_size="image",
        with_scores=False,
    ):
        """Builds the parts in order; the heads are given the channels of the backbone.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            head (node): FCNHead, PSPHead, DeepLabV3PlusHead, UNetHead and the like.
            loss (node): PixelCrossEntropy, or another loss of segmentation_losses.py.
            num_classes (int): C.
            auxiliary (list): nodes of further heads, for training alone.
            auxiliary_weights (list[float] | None): of the loss of each auxiliary head; 0.4 when left out.
            align_corners (bool): of the enlargement, as the original models have it, see `resize_as`.
            loss_size (str): `image`, the loss is that of logits enlarged to the mask; or `logits`, of a mask reduced to
                the logits, which costs less.
            with_scores (bool): a second output `scores`, the probability of each class.
        """
        backbone = build(backbone)
        channels = backbone.out_channels
        head = build(head, in_channels=channels, num_classes=num_classes)
        auxiliary = build(auxiliary, in_channels=channels, num_classes=num_classes)
        return cls(backbone, head, build(loss), auxiliary, auxiliary_weights, align_corners, loss_size, with_scores)

    def predict(self, image):
        """Logits [N, C, H, W]."""
        return resize_as(self.head(self.backbone(image)), image, self.align_corners)

    def training_outputs(self, image):
        """All logits that training uses, a list of [N, C, h, w]: those of the head, then those of auxiliary heads."""
        features = self.backbone(image)
        return [head(features) for head in (self.head, *self.auxiliary)]

    def forward(self, image):
        """The most probable class of each pixel, int32 [N, H, W], and with `with_scores` probabilities [N, C, H, W].

        Args:
            image (Tensor): float32 [N, D, H, W].
        """
        logits = self.predict(image)
        label_map = logits.argmax(axis=1).astype("int32")
        return (label_map, F.softmax(logits, axis=1)) if self.with_scores else label_map

    def loss(self, batch):
        """The terms of the loss: `loss_mask`, and `loss_aux1` and so on of auxiliary heads, times their weights.

        Args:
            batch (dict): image [N, D, H, W]; mask uint8 [N, H, W], 255 is ignored.

        Raises:
            ConfigError: the images have no masks.
        """
        if "mask" not in batch:
            raise ConfigError("the images have no masks, which the loss compares the predictions with")
        mask = batch["mask"].astype("int64")
        first, *others = (self.compare(logits, mask) for logits in self.training_outputs(batch["image"]))
        more = {f"loss_aux{k}": w * value for k, (w, value) in enumerate(zip(self.auxiliary_weights, others), 1)}
        return {"loss_mask": first, **more}

    def compare(self, logits, mask):
        """The loss of logits [N, C, h, w] and masks [N, H, W], one of which is resized to the other."""
        if self.loss_size == "logits":
            return self.loss_terms(logits, nearest_pixels(mask, *logits.shape[2:]))
        return self.loss_terms(resize_as(logits, mask.unsqueeze(1), self.align_corners), mask)

    def undecided(self, inputs, tolerance):
        """The pixels for which a second class is as good as the first, {output name: bool [N, H, W]}.

        Args:
            inputs (dict[str, ndarray]): `image`.
            tolerance (float): the error that each logit may have, relative to the largest one.
        """
        with paddle.no_grad():
            logits = self.predict(paddle.to_tensor(inputs["image"]))
            if logits.shape[1] == 1:
                return {"label_map": np.zeros([logits.shape[0], *logits.shape[2:]], bool)}
            best = paddle.topk(logits, 2, axis=1)[0].numpy()
        return {"label_map": best[:, 0] - best[:, 1] <= 2 * tolerance * max(1.0, float(logits.abs().max()))}


def nearest_pixels(mask, height, width):
    """Masks [N, H, W] reduced to [N, height, width]: the pixels in which the centers of the cells lie."""
    rows, columns = (
        paddle.to_tensor(((np.arange(new) + 0.5) * old / new).astype("int64"))
        for new, old in zip((height, width), mask.shape[1:])
    )
    return mask.index_select(rows, axis=1).index_select(columns, axis=2)
