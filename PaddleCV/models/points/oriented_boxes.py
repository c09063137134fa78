"""Operators of rotated boxes in exported programs: seen from their frames, overlaps seen from above, NMS.

Shapes in this file:
    N clouds, M boxes of each, K kept ones.  A box is (x, y, z, h, w, l, ry), see common/vision/boxes_3d.py.
"""

import paddle

from .point_ops import take_points

TINY = 1e-9  # the least step along an axis, and area
LARGER = 1e-4  # by so much one box of a pair is larger, so that a side of both counts once
LOWEST = -1e9  # score of what is no candidate


def turned(x, z, rotation):
    """Along the length and along the width of boxes that are turned by a rotation about y: x and z seen from them."""
    cosine, sine = paddle.cos(rotation), paddle.sin(rotation)
    return cosine * x - sine * z, sine * x + cosine * z


def corners_of(boxes):
    """The corners seen from above, x and z, two of [N, M, 4], of boxes [N, M, 7]."""
    along = boxes[:, :, 5:6] * paddle.to_tensor([0.5, 0.5, -0.5, -0.5])
    across = boxes[:, :, 4:5] * paddle.to_tensor([0.5, -0.5, -0.5, 0.5])
    x, z = turned(along, across, -boxes[:, :, 6:7])
    return x + boxes[:, :, 0:1], z + boxes[:, :, 2:3]


def share_inside(corners, boxes):
    """The share of each side, from a corner to the next, that lies inside a box, [N, M, 4].

    Args:
        corners (tuple[Tensor, Tensor]): x and z, [N, M, 4] or [N, 1, 4].
        boxes (Tensor): [N, 1, 7] or [N, M, 7].
    """
    x, z = corners[0] - boxes[:, :, 0:1], corners[1] - boxes[:, :, 2:3]
    low, high = paddle.zeros_like(x), paddle.ones_like(x)
    for place, size in zip(turned(x, z, boxes[:, :, 6:7]), (boxes[:, :, 5:6], boxes[:, :, 4:5])):
        step = paddle.roll(place, -1, 2) - place
        step = paddle.where(paddle.abs(step) < TINY, paddle.full_like(step, TINY), step)
        first, second = (-size / 2 - place) / step, (size / 2 - place) / step
        low = paddle.maximum(low, paddle.minimum(first, second))
        high = paddle.minimum(high, paddle.maximum(first, second))
    return paddle.clip(high - low, min=0)


def ground_overlaps(box, boxes):
    """The intersection over union, seen from above, of a box [N, 1, 7] with boxes [N, M, 7]: [N, M].

    The sum is that of :func:`common.vision.boxes_3d.common_ground`.
    """
    larger = paddle.concat([box[:, :, :4], box[:, :, 4:6] * (1 + LARGER), box[:, :, 6:]], 2)
    twice = 0.0
    for mine, other in ((boxes, larger), (larger, boxes)):
        corners = corners_of(mine)
        x, z = corners[0] - box[:, :, 0:1], corners[1] - box[:, :, 2:3]
        cross = x * paddle.roll(z, -1, 2) - paddle.roll(x, -1, 2) * z
        twice = twice + (share_inside(corners, other) * cross).sum(2)
    area = paddle.abs(twice) / 2
    sizes = [paddle.clip(part[:, :, 4], min=0) * paddle.clip(part[:, :, 5], min=0) for part in (box, boxes)]
    return area / paddle.clip(sizes[0] + sizes[1] - area, min=TINY)


def suppress(boxes, scores, iou, keep):
    """Greedy NMS by the overlap seen from above, as a loop of the program.

    Args:
        boxes (Tensor): float32 [N, M, 7].
        scores (Tensor): float32 [N, M]; LOWEST is no candidate.
        iou (float): a box that overlaps a better one by more is left out.
        keep (int): K.

    Returns:
        tuple[Tensor, Tensor]: int32 [N, K], the places of the boxes that stay, the best first, and bool [N, K], False
            where no box is left.
    """
    places = paddle.arange(boxes.shape[1], dtype="int64").unsqueeze(0)
    slots = paddle.arange(keep, dtype="int32").unsqueeze(0)

    def goes_on(step, left, found):
        return step < keep

    def add(step, left, found):
        best = left.argmax(1, keepdim=True)
        any_left = paddle.max(left, 1, keepdim=True) > LOWEST / 2
        overlap = ground_overlaps(take_points(boxes, best.astype("int32")), boxes)
        gone = paddle.logical_or(overlap > iou, places == best)
        left = paddle.where(gone, paddle.full_like(left, LOWEST), left)
        chosen = paddle.where(any_left, best, paddle.full_like(best, -1)).astype("int32")
        return step + 1, left, paddle.where(slots == step, chosen, found)

    empty = (scores[:, :1] * 0).astype("int32") + slots * 0
    found = paddle.static.nn.while_loop(goes_on, add, [paddle.zeros([1], "int32"), scores, empty])[2]
    found = found.reshape([-1, keep])
    return paddle.clip(found, min=0), found >= 0


def seen_from(points, boxes):
    """Points seen from the middle of the bottom of boxes: along their length, down, along their width.

    Args:
        points (tuple[Tensor, Tensor, Tensor]): x, y and z.
        boxes (Tensor): [..., 7], whose first axes are those of the points, or 1.
    """
    x, y, z, *_, rotation = paddle.unbind(boxes, -1)
    along, across = turned(points[0] - x, points[2] - z, rotation)
    return along, points[1] - y, across


def into_frame_of(boxes, frames):
    """Boxes [R, 7] seen from others [R, 7], as :func:`out_of_frame_of` takes them back."""
    places = seen_from(paddle.unbind(boxes[:, :3], 1), frames)
    return paddle.concat([paddle.stack(places, 1), boxes[:, 3:6], boxes[:, 6:] - frames[:, 6:]], 1)


def out_of_frame_of(boxes, frames):
    """The inverse of :func:`into_frame_of`, of boxes and frames [..., 7]."""
    x, z = turned(boxes[..., 0:1], boxes[..., 2:3], -frames[..., 6:])
    place = [x + frames[..., 0:1], boxes[..., 1:2] + frames[..., 1:2], z + frames[..., 2:3]]
    return paddle.concat([*place, boxes[..., 3:6], boxes[..., 6:] + frames[..., 6:]], -1)
