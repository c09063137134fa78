"""The interface of trackers: a template, a region and the size of the object in; where it is now out.

The state of a track is its box and its template, which the caller keeps, so that one program serves every frame.

Shapes in this file:
    N tracks, templates of T x T and regions of S x S pixels, R x R cells of the response.
"""

import numpy as np
from paddle import nn

TINY = 1e-6


class Tracker(nn.Layer):
    """Base class of trackers.

    `forward` gives `box` float32 [N, 4], the shift of the object's center from that of the region and its new width and
    height, in pixels of the region, and `score` float32 [N] from 0 to 1.

    Args:
        exemplar (int): T.
        instance (int): S.
    """

    task = "ObjectTracking"
    outputs = ("box", "score")

    def __init__(self, exemplar, instance):
        super().__init__()
        self.exemplar, self.instance = exemplar, instance
        self.inputs = {
            "template": ([None, 3, exemplar, exemplar], "float32"),
            "search": ([None, 3, instance, instance], "float32"),
            "size": ([None, 2], "float32"),
        }

    def forward(self, template, search, size):
        """`box` [N, 4] and `score` [N], see the class.

        Args:
            template (Tensor): float32 [N, 3, T, T].
            search (Tensor): float32 [N, 3, S, S].
            size (Tensor): float32 [N, 2], width and height of the object in pixels of the region.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define forward")


def hanning(count):
    """The outer product of two Hanning windows, float32 [count, count]."""
    window = np.hanning(count)
    return np.outer(window, window).astype(np.float32)


def offsets(count, step):
    """The distances of evenly spaced places from their middle, float32 [count]."""
    return ((np.arange(count) - (count - 1) / 2) * step).astype(np.float32)


def middle(image, side):
    """The middle [N, C, side, side] of crops [N, C, H, W] that are as large or larger."""
    top, left = (image.shape[2] - side) // 2, (image.shape[3] - side) // 2
    return image[:, :, top : top + side, left : left + side]
