"""The base of one-stage detectors: backbone, neck, head, loss and NMS.

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, M objects an image (padded), C classes, P predictions an image,
    R boxes found in all images together.
Boxes are (x1, y1, x2, y2) in pixels.
"""

from paddle import nn

from ..backbones.staged import image_channels
from ..boxes import original_boxes
from ..heads.nms import MulticlassNMS

BOX_INPUTS = {"im_shape": ([None, 2], "float32"), "scale_factor": ([None, 2], "float32")}


class OneStageDetector(nn.Layer):
    """Base class of detectors that predict all boxes at once.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer): features to features.
        head (Layer): features to raw predictions, and by `decode` those to boxes [N, P, 4] and scores [N, C, P].
        loss (Layer): (predictions, head, boxes, labels, scores) to named numbers.
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
        self.inputs = {"image": ([None, image_channels(backbone), None, None], "float32"), **BOX_INPUTS}

    @classmethod
    def from_config(cls, backbone, neck, head, loss, num_classes, build, nms=None):
        """Builds the parts in order; each is given the channels and strides of the one before it.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            neck (node): of PaddleCV/models/necks.
            head (node): of PaddleCV/models/heads.
            loss (node): of PaddleCV/models/losses.
            num_classes (int): C.
            nms (node): MulticlassNMS or MatrixNMS; MulticlassNMS with its defaults where it is left out.
        """
        backbone = build(backbone)
        neck = build(neck, in_channels=backbone.out_channels, strides=backbone.strides)
        head = build(head, in_channels=neck.out_channels, strides=neck.strides, num_classes=num_classes)
        return cls(backbone, neck, head, build(loss), build(nms) if nms else MulticlassNMS())

    def predict(self, image):
        """Raw predictions, as the head describes them."""
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
        """The terms of the loss.

        Args:
            batch (dict): image [N, D, H, W]; boxes [N, M, 4] in input pixels; labels [N, M], -1 for padding;
                and, where there are any, scores [N, M].
        """
        predictions = self.predict(batch["image"])
        return self.loss_terms(predictions, self.head, batch["boxes"], batch["labels"], batch.get("scores"))
