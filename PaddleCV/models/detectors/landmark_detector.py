"""Detection of objects with landmarks, such as faces: BlazeFace (https://arxiv.org/abs/1907.05047).

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, P prior boxes an image, K landmarks, R boxes in all.
"""

import paddle

from ..boxes import original_boxes
from .one_stage import OneStageDetector


class LandmarkDetector(OneStageDetector):
    """An SSD whose head also gives the landmarks of each box.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (SSDExtras): features to features of more levels.
        head (LandmarkHead): features to logits, deltas and landmarks.
        loss (LinearBoxLoss): of logits and deltas.
        nms (MulticlassNMS): boxes and scores to the rows of the detections.
    """

    task = "FaceDetection"
    outputs = ("boxes", "num_boxes", "landmarks")

    def forward(self, image, im_shape, scale_factor):
        """The detected boxes, in pixels of the original images, and their landmarks.

        Args:
            image (Tensor): float32 [N, D, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of the image within the input, without its padding.
            scale_factor (Tensor): float32 [N, 2], input pixels per original pixel, along y and x.

        Returns:
            tuple[Tensor, Tensor, Tensor]: as of :meth:`OneStageDetector.forward`, and float32 [R, K, 2].
        """
        boxes, scores, points = self.head.decode(self.predict(image))
        rows, kept, counts = self.nms.choose(original_boxes(boxes, im_shape, scale_factor), scores)
        points = points / scale_factor.flip(axis=1).unsqueeze([1, 1])
        return rows, counts, paddle.gather(points.flatten(0, 1), kept.flatten())
