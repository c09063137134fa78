"""YOLOv3: An Incremental Improvement (https://arxiv.org/abs/1804.02767).

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, M objects an image (padded), A anchors per level, C classes,
    P predictions an image, R boxes found in all images together.
Boxes are (x1, y1, x2, y2) in pixels.
"""

import itertools

import paddle
from paddle import nn

from ..backbones.staged import image_channels
from ..boxes import original_boxes
from ..heads.nms import MulticlassNMS


class YOLOv3(nn.Layer):
    """A one-stage detector: backbone, feature pyramid, head, NMS.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer): features to features, from the coarsest to the finest.
        head (YOLOv3Head): features to raw predictions, and those to boxes.
        loss (YOLOv3Loss): raw predictions and objects to named numbers.
        nms (Layer): boxes and scores to the rows of the detections.
    """

    task = "Detection"
    outputs = ("boxes", "num_boxes")

    def __init__(self, backbone, neck, head, loss, nms):
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.head = head
        self.loss_terms = loss
        self.nms = nms
        self.inputs = {
            "image": ([None, image_channels(backbone), None, None], "float32"),
            "im_shape": ([None, 2], "float32"),
            "scale_factor": ([None, 2], "float32"),
        }
        self.size_multiple = head.strides[0]  # of the coarsest level, which the others are built on

    @classmethod
    def from_config(cls, backbone, neck, head, loss, num_classes, build, nms=None):
        """Builds the parts in order; each is given the channels of the one before it.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            neck (node): YOLOv3FPN.
            head (node): YOLOv3Head.
            loss (node): YOLOv3Loss.
            num_classes (int): C.
            nms (node): MulticlassNMS or MatrixNMS; MulticlassNMS with its defaults where it is left out.
        """
        backbone = build(backbone)
        neck = build(neck, in_channels=backbone.out_channels)
        strides = backbone.strides[::-1]
        if any(coarse != 2 * fine for coarse, fine in itertools.pairwise(strides)):
            raise ValueError(
                f"YOLOv3 takes features of which each has half the stride of the one before, the backbone gives "
                f"{strides}; its out_indices"
            )
        head = build(head, in_channels=neck.out_channels, strides=strides, num_classes=num_classes)
        return cls(backbone, neck, head, build(loss), build(nms) if nms else MulticlassNMS())

    def predict(self, image):
        """Raw predictions of each level, [N, A, 5 + C, H / stride, W / stride], from the coarsest to the finest."""
        if paddle.in_dynamic_mode():
            check_sides(image.shape[2:], self.head.strides[0])
        return self.head(self.neck(self.backbone(image)))

    def forward(self, image, im_shape, scale_factor):
        """The detected boxes, in pixels of the original images.

        Args:
            image (Tensor): float32 [N, D, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of the image within the input, without its padding.
            scale_factor (Tensor): float32 [N, 2], input pixels per original pixel, along y and x.

        Returns:
            tuple[Tensor, Tensor]: float32 [R, 6] rows (label, score, x1, y1, x2, y2), those of the first image first,
                and int32 [N], how many of them are of each image.
        """
        boxes, scores = self.head.decode(self.predict(image))
        return self.nms(original_boxes(boxes, im_shape, scale_factor), scores)

    def loss(self, batch):
        """The terms of the loss, each a mean over the images.

        Args:
            batch (dict): image [N, D, H, W]; boxes [N, M, 4] in input pixels; labels [N, M], -1 for padding;
                and, where there are any, scores [N, M].
        """
        predictions = self.predict(batch["image"])
        return self.loss_terms(predictions, self.head, batch["boxes"], batch["labels"], batch.get("scores"))


def check_sides(sides, multiple):
    """Raises ValueError for images whose levels would not fit on one another."""
    if any(side % multiple for side in sides):
        raise ValueError(f"YOLOv3 takes images whose sides are multiples of {multiple}, not {sides[0]} x {sides[1]}")
