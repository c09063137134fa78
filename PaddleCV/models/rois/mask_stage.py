"""The stage of Mask R-CNN that predicts a mask for every box (https://arxiv.org/abs/1703.06870, section 3).

Shapes in this file:
    N images, m objects of one image, C classes, K = 1 + C with the background first, R RoIs of all images together,
    S height and width of a mask.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle
from paddle import nn
from paddle.vision.ops import roi_align

from ..heads.box_head import on_any_rows
from ..losses.terms import binary_cross_entropy


class MaskHead(nn.Layer):
    """Convolutions, a transposed one that doubles the size, and a mask for every class.

    Args:
        in_channels (int): of the features of a RoI, given by RoIAlign.
        num_classes (int): C.
        convs (int): 3x3 convolutions.
        channels (int): of these and of the transposed one.
    """

    def __init__(self, in_channels, num_classes, convs=4, channels=256):
        super().__init__()
        layers = []
        for _ in range(convs):
            layers += [nn.Conv2D(in_channels, channels, 3, padding=1), nn.ReLU()]
            in_channels = channels
        layers += [nn.Conv2DTranspose(in_channels, channels, 2, stride=2), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2D(channels, num_classes + 1, 1))

    def forward(self, x):
        """Features [R, in_channels, S / 2, S / 2] to logits [R, K, S, S]."""
        return on_any_rows(self.layers, x)


class MaskStage(nn.Layer):
    """Features of boxes, a head on them, and the loss of the RoIs that hold an object.

    Args:
        roi (RoIAlign | None): features of RoIs; None for a head on the features that the box stage has after its
            convolutions, as in C4 networks.
        head (MaskHead): features to logits.
    """

    def __init__(self, roi, head):
        super().__init__()
        self.roi, self.head = roi, head

    @classmethod
    def from_config(cls, head, in_channels, strides, num_classes, build, roi=None, shared_channels=None):
        """Builds both; the head is given the channels of the features.

        Args:
            head (node): MaskHead.
            in_channels (list[int]): channels of each level, given by the neck or backbone.
            strides (list[int]): input pixels per cell of each level, given by the neck or backbone.
            num_classes (int): C.
            roi (node): RoIAlign; the features that the box stage has after its convolutions where it is left out.
            shared_channels (int | None): of these, given by the detector.
        """
        if roi is None and shared_channels is None:
            raise ValueError("it needs `roi`: without it masks share the features of a LastStage, as in C4 networks")
        roi = build(roi, in_channels=in_channels, strides=strides)
        channels = shared_channels if roi is None else roi.out_channels
        return cls(roi, build(head, in_channels=channels, num_classes=num_classes))

    def forward(self, cells, labels):
        """The logits of the masks of the boxes' classes, [R, S, S].

        Args:
            cells (Tensor): float32 [R, channels, S / 2, S / 2], the features of the boxes.
            labels (Tensor): int64 [R], 1 + the class.
        """
        logits = self.head(cells)
        first = paddle.arange(paddle.shape(labels)[0]).astype("int64") * logits.shape[1]
        return paddle.gather(logits.flatten(0, 1), first + labels)

    def loss(self, cells, positive, masks):
        """{loss_mask: cross entropy}, the mean over the RoIs of each image that hold an object, then over the images.

        Args:
            cells (Tensor): float32 [R, channels, S / 2, S / 2], the features of these RoIs.
            positive (SampledRois): the RoIs of the training step that hold an object.
            masks (list[Tensor]): of each image, uint8 [m, H, W].
        """
        logits = self(cells, positive.labels)
        targets, numbers = [], positive.counts.tolist()
        with paddle.no_grad():
            rows = zip(masks, *(paddle.split(column, numbers) for column in (positive.rois, positive.objects)))
            targets = [mask_targets(*mine, logits.shape[-1]) for mine in rows if len(mine[1])]
        if not targets:
            return {"loss_mask": logits.sum() * 0.0}
        entropy = binary_cross_entropy(logits, paddle.concat(targets))
        return {"loss_mask": (entropy.flatten(1).sum(axis=1) * positive.shares()).sum() / logits.shape[-1] ** 2}


def mask_targets(masks, rois, objects, size):
    """The masks of objects inside of RoIs, float32 [R, size, size] of zeros and ones.

    Args:
        masks (Tensor): uint8 [m, H, W].
        rois (Tensor): float32 [R, 4].
        objects (Tensor): int64 [R], the number of the object of each RoI.
        size (int): height and width of the result.
    """
    order = paddle.argsort(objects, stable=True)
    counts = (objects.unsqueeze(0) == paddle.arange(masks.shape[0]).unsqueeze(1)).astype("int32").sum(axis=1)
    layers = masks.unsqueeze(1).astype("float32")
    cut = roi_align(layers, paddle.gather(rois, order), counts.astype("int32"), size, 1.0, -1, aligned=False)
    return (paddle.gather(cut, paddle.argsort(order)).squeeze(1) >= 0.5).astype("float32")
