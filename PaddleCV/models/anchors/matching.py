"""Matching of anchors with the objects of an image, and drawing some of them for training.

    match_by_overlap   Faster R-CNN (https://arxiv.org/abs/1506.01497, section 3.1.2); RetinaNet, R-CNN: other limits
    match_priors       SSD (https://arxiv.org/abs/1512.02325, section 2.2, Matching strategy)

Shapes in this file:
    P anchors, M objects of one image.
Boxes are (x1, y1, x2, y2) in pixels.
"""

import numpy as np
import paddle

BACKGROUND = -1
IGNORED = -2


def objects_of(boxes, labels):
    """The objects of each image without padding and boxes that are not finite or without area.

    Args:
        boxes (Tensor): float32 [N, M, 4].
        labels (Tensor): int64 [N, M], -1 for padding.

    Returns:
        list[tuple[Tensor, Tensor]]: for each image boxes [m, 4] and labels [m].
    """
    rows = usable_rows(boxes, labels)
    return [(paddle.gather(b, row), paddle.gather(c, row)) for b, c, row in zip(boxes, labels.astype("int64"), rows)]


def usable_rows(boxes, labels):
    """The rows of the objects of :func:`objects_of`, int64 [m] for each image."""
    sides = boxes[..., 2:] - boxes[..., :2]
    usable = (labels >= 0) & (sides > 0).all(axis=-1) & paddle.isfinite(boxes).all(axis=-1)
    return [real.nonzero().flatten() for real in usable]


def match_by_overlap(overlap, positive, negative, keep_best):
    """The object that each anchor is trained on.

    Args:
        overlap (Tensor): float32 [M, P], IoU of objects and anchors.
        positive (float): an anchor is matched with the object it overlaps most, if by this much.
        negative (float): an anchor that overlaps every object by less is background; those between are ignored.
        keep_best (bool): also match the anchors that overlap an object more than all others do.

    Returns:
        Tensor: int64 [P], the number of an object, BACKGROUND or IGNORED.
    """
    if 0 in overlap.shape:
        return paddle.full([overlap.shape[1]], BACKGROUND, dtype="int64")
    most, nearest = overlap.max(axis=0), overlap.argmax(axis=0)
    rest = paddle.where(most < negative, paddle.full_like(nearest, BACKGROUND), paddle.full_like(nearest, IGNORED))
    matched = most >= positive
    if keep_best:
        best = overlap.max(axis=1, keepdim=True)
        matched = matched | ((overlap == best) & (best > 0)).any(axis=0)
    return paddle.where(matched, nearest, rest)


def match_priors(overlap, positive):
    """The object of each prior box: first the best pairs, one prior box for each object, then by overlap.

    Args:
        overlap (Tensor): float32 [M, P], IoU of objects and prior boxes.
        positive (float): a prior box that is left is matched with the object it overlaps most, if by more than this.

    Returns:
        Tensor: int64 [P], the number of an object or BACKGROUND.
    """
    matches = match_by_overlap(overlap, positive, positive, keep_best=False)
    for row, column in best_pairs(overlap.numpy()):
        matches[column] = row
    return matches


def best_pairs(overlap):
    """The pairs (object, prior box) of the largest overlap, then of the largest among those left, while it is above 0.

    Of each object only the largest overlap is compared, and found again when its prior box is taken by another one.

    Args:
        overlap (ndarray): float32 [M, P].
    """
    if 0 in overlap.shape:
        return []
    most, nearest = overlap.max(1), overlap.argmax(1)
    pairs, taken = [], []
    while most.max() > 0:
        row = int(most.argmax())
        pairs.append((row, int(nearest[row])))
        taken.append(nearest[row])
        most[row] = 0
        for other in np.flatnonzero((nearest == nearest[row]) & (most > 0)):
            left = overlap[other].copy()
            left[taken] = 0
            most[other], nearest[other] = left.max(), left.argmax()
    return pairs


def draw(candidates, count, random=True):
    """At most `count` of the anchors, in rising order.

    Args:
        candidates (Tensor): bool [P].
        count (int): how many are wanted.
        random (bool): drawn from PaddlePaddle's random state, which checkpoints hold; else the first ones.

    Returns:
        Tensor: int64, indices of the chosen ones.
    """
    indices = candidates.nonzero().flatten()
    if indices.shape[0] <= count:
        return indices
    if not random:
        return indices[:count]
    return paddle.gather(indices, paddle.randperm(indices.shape[0])[:count]).sort()


def draw_both(positive, negative, count, share, random=True):
    """At most `count` anchors of which at most this share is positive (two tensors of indices, int64).

    Args:
        positive (Tensor): bool [P].
        negative (Tensor): bool [P].
        count (int): of both together.
        share (float): of the positive ones, 0 to 1.
        random (bool): as of :func:`draw`.
    """
    chosen = draw(positive, int(count * share), random)
    return chosen, draw(negative, count - chosen.shape[0], random)
