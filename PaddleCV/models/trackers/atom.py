"""ATOM: a filter that learns while tracking finds the object, IoU-Net its size (https://arxiv.org/abs/1811.07628).

The filter is an input, as is all that is known of the object; whoever tracks keeps and changes these,
`common/inference/online_tracks.py`.  So one program serves every frame of every object.

Shapes in this file:
    N tracks, crops of S x S pixels, features of C channels and h x w cells, D channels after the projection, filters of
    k x k cells, R x R cells of the response, B boxes that are tried, K channels of what is known of an object.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from .tracker import offsets

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STRIDE = 16
LEAST_SIDE = 2.0  # pixels of a box
EXCLUDED = 100.0  # is taken from the overlap of a box of an extreme shape


class ATOM(nn.Layer):
    """A backbone that is not trained, the network of overlaps, and the steps that a box takes up its slope.

    Args:
        backbone (Layer): with features of the strides 8 and 16.
        iou (Layer): see :class:`IoUNet`.
        size (int): S when tracking, a multiple of 16.
        channels (int): D.
        kernel (int): k, even.
        boxes (int): B.
        steps (int): of each box.
        length (float): of a step, in sizes of the box.
        best (int): boxes whose mean is the result.
        aspect (float): sides of the result in ratio to one another, at most.
    """

    task = "OnlineTracking"
    outputs = ("box", "score", "response", "features", "own3", "own4")

    def __init__(
        self, backbone, iou, size=224, channels=64, kernel=4, boxes=10, steps=5, length=1.0, best=3, aspect=6.0
    ):
        super().__init__()
        if size % STRIDE or kernel % 2 or not 1 <= best <= boxes:
            raise ValueError(f"ATOM got size {size}, kernel {kernel}, boxes {boxes} and best {best}; see its arguments")
        self.backbone, self.iou, self.size, self.kernel = backbone, iou, size, kernel
        self.steps, self.length, self.best, self.aspect = steps, length, best, aspect
        known = iou.out_channels
        self.inputs = {
            "image": ([None, 3, size, size], "float32"),
            "size": ([None, 2], "float32"),
            "projection": ([None, channels, backbone.out_channels[1]], "float32"),
            "filter": ([None, channels, kernel, kernel], "float32"),
            "known3": ([None, known], "float32"),
            "known4": ([None, known], "float32"),
            "jitter": ([None, boxes, 4], "float32"),
        }
        constants = {
            "mean": np.float32(MEAN).reshape(1, 3, 1, 1) * 255,
            "std": np.float32(STD).reshape(1, 3, 1, 1) * 255,
            "places": offsets(size // STRIDE + 1, STRIDE),
        }
        for name, value in constants.items():
            self.register_buffer(name, paddle.to_tensor(value), persistable=False)

    @classmethod
    def from_config(
        cls, backbone, iou, size=224, channels=64, kernel=4, boxes=10, steps=5, length=1.0, best=3, aspect=6.0, *, build
    ):
        """Builds the backbone first; see the class for the arguments."""
        backbone = build(backbone)
        iou = build(iou, in_channels=backbone.out_channels)
        return cls(backbone, iou, size, channels, kernel, boxes, steps, length, best, aspect)

    def features(self, image):
        """The features of strides 8 and 16 of crops [N, 3, H, W] of 0 to 255 (list[Tensor])."""
        return self.backbone((image - self.mean) / self.std)

    def predict(self, image, size, projection, filter):
        """The features, the response [N, R, R] of a filter, and what is known of an object in the middle."""
        features = self.features(image)
        found = paddle.matmul(projection, features[1].flatten(2))
        found = found.reshape([-1, projection.shape[1], *features[1].shape[2:]])
        patches = F.unfold(found, [self.kernel] * 2, paddings=self.kernel // 2)  # [N, D k k, R R]
        response = paddle.matmul(filter.flatten(1).unsqueeze(1), patches)
        side = features[1].shape[2] + 1
        middle = paddle.full_like(size, self.size / 2)
        own = self.iou.know(features, paddle.concat([middle - size / 2, middle + size / 2], 1))
        return features, response.reshape([-1, side, side]), own

    def forward(self, image, size, projection, filter, known3, known4, jitter):
        """The box of a frame, and all that a tracker learns from it.

        Args:
            image (Tensor): float32 [N, 3, S, S], around where the object was.
            size (Tensor): float32 [N, 2], its width and height in pixels of the crop.
            projection (Tensor): float32 [N, D, C].
            filter (Tensor): float32 [N, D, k, k].
            known3 (Tensor): float32 [N, K], `own3` of the first frame.
            known4 (Tensor): float32 [N, K], `own4` of the first frame.
            jitter (Tensor): float32 [N, B, 4], what is added to the center and the size of the boxes that are tried, in
                sizes of the object.

        Returns:
            tuple[Tensor]: `box` [N, 4], shift of the center and new size in pixels of the crop, `score` [N], the
                largest of the `response` [N, R, R], the `features` [N, C, h, w] that the filter sees, and `own3` and
                `own4` [N, K] of the object in the middle of this crop.
        """
        features, response, own = self.predict(image, size, projection, filter)
        side = response.shape[1]
        flat = response.flatten(1)
        place = flat.argmax(1)
        across, down = paddle.gather(self.places, place % side), paddle.gather(self.places, place // side)
        center = paddle.stack([across, down], 1)  # [N, 2], from that of the crop
        scale = paddle.sqrt(size[:, :1] * size[:, 1:]).unsqueeze(2)  # [N, 1, 1]
        least = size.min(1, keepdim=True).unsqueeze(2) / 3
        sides = paddle.maximum(size.unsqueeze(1) + jitter[:, :, 2:] * scale, least)
        tried = paddle.concat([center.unsqueeze(1) + jitter[:, :, :2] * scale, sides], 2)
        box = self.improve(self.iou.seek(features), (known3, known4), tried)
        return box, flat.max(1), response, features[1], own[0], own[1]

    def improve(self, sought, known, tried):
        """The mean [N, 4] of the best boxes after their steps; boxes are centers, from that of the crop, and sizes."""
        for _ in range(self.steps):
            _, slope = self.iou.climb(sought, known, self.corners(tried))
            by_center = slope[:, :, :2] + slope[:, :, 2:]
            by_size = 0.5 * (slope[:, :, 2:] - slope[:, :, :2])
            sides = tried[:, :, 2:]
            moved = tried[:, :, :2] + self.length * sides * by_center
            grown = paddle.clip(sides + self.length * sides * by_size, min=LEAST_SIDE, max=2.0 * self.size)
            tried = paddle.concat([moved, grown], 2)
        overlap = self.iou.overlaps(sought, known, self.corners(tried))
        ratio = tried[:, :, 2] / tried[:, :, 3]
        extreme = (paddle.maximum(ratio, 1 / ratio) > self.aspect).astype("float32")
        _, chosen = paddle.topk(overlap - EXCLUDED * extreme, self.best, 1)
        weights = F.one_hot(chosen, tried.shape[1]).mean(1)  # [N, B]
        return (tried * weights.unsqueeze(2)).sum(1)

    def corners(self, boxes):
        """Corners in pixels of the crop, of centers (from that of the crop) and sizes [N, B, 4]."""
        center, half = boxes[:, :, :2] + self.size / 2, boxes[:, :, 2:] / 2
        return paddle.concat([center - half, center + half], 2)

    def loss(self, batch):
        """`loss_overlap`: the mean squared error of the overlaps of boxes.

        Args:
            batch (dict): template and search float32 [N, 3, H, W], template_box float32 [N, 4], proposals float32
                [N, B, 4] of the search image, all x1, y1, x2, y2 in pixels, and their overlaps float32 [N, B].
        """
        with paddle.no_grad():
            known, sought = self.features(batch["template"]), self.features(batch["search"])
        about = self.iou.know(known, batch["template_box"])
        found = self.iou.overlaps(self.iou.seek(sought), about, batch["proposals"])
        return {"loss_overlap": ((found - batch["overlaps"]) ** 2).mean()}
