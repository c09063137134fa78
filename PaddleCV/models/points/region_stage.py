"""The second stage of PointRCNN (https://arxiv.org/abs/1812.04244, sections 3.3 and 3.4): a proposal seen from itself.

Shapes in this file:
    N clouds of P points with D features, R boxes of each cloud with K points each, B = N * R boxes in all.
"""

import paddle
from paddle import ParamAttr, nn

from .bin_boxes import BinBoxes
from .oriented_boxes import out_of_frame_of, seen_from
from .point_ops import take_points
from .set_abstraction import pointwise_layers

FOREGROUND = 0.3  # probability from which on a point is marked as one of an object
FARTHEST = 70.0  # meters, the unit of the depth of points


class RegionStage(nn.Layer):
    """The score of each proposal, and its refined box.

    The points in a proposal, and a little around it, are turned into its frame. Their coordinates, depth and mark go
    through a network of each point, join the features of the first stage, and set abstraction makes one vector of them.

    Args:
        in_channels (int): D, given by the first stage.
        levels (list[Layer]): SetAbstraction, the last one of the whole cloud.
        points (int): K.
        margin (float): proposals are larger by so many meters on every side.
        widths (list[int]): channels of the network of each point; the last is that of joined features.
        hidden (list[int]): of the two heads.
        scope (float): see :class:`BinBoxes`.
        bin_size (float): length of a bin in meters.
        heading_bins (int): fine bins of the rotation.
        mean_size (list[float]): h, w and l in meters.
    """

    def __init__(
        self,
        in_channels,
        levels,
        points=512,
        margin=1.0,
        widths=(128, 128),
        hidden=(256, 256),
        scope=1.5,
        bin_size=0.5,
        heading_bins=9,
        mean_size=(1.526, 1.629, 3.883),
    ):
        super().__init__()
        if not levels or levels[-1].centers:
            raise ValueError("RegionStage has levels, the last of which has no centers: its ball is the whole cloud")
        self.points, self.margin = points, margin
        self.coder = BinBoxes(scope, bin_size, heading_bins, mean_size, fine=True)
        self.lift = pointwise_layers(5, list(widths), norm="none")
        self.join = pointwise_layers(widths[-1] + in_channels, [widths[-1]], norm="none")
        self.levels = nn.LayerList(levels)
        channels = levels[-1].out_channels
        self.classes = head_of_boxes(channels, list(hidden), 1)
        self.boxes = head_of_boxes(channels, list(hidden), self.coder.channels, deviation=0.001)

    @classmethod
    def from_config(
        cls,
        in_channels,
        levels,
        build,
        points=512,
        margin=1.0,
        widths=(128, 128),
        hidden=(256, 256),
        scope=1.5,
        bin_size=0.5,
        heading_bins=9,
        mean_size=(1.526, 1.629, 3.883),
    ):
        """Builds the levels, each with the channels of the one before it.

        Args:
            in_channels (int): D, given by the first stage.
            levels (list): nodes of SetAbstraction; the last one has no centers.
            points (int): points of a proposal.
            margin (float): proposals are larger by so many meters on every side.
            widths (list[int]): channels of the network of each point; the last is that of joined features.
            hidden (list[int]): of the two heads.
            scope (float): the middle of an object is at most so far from that of its proposal, in meters.
            bin_size (float): length of a bin in meters.
            heading_bins (int): fine bins of the rotation.
            mean_size (list[float]): h, w and l in meters.
        """
        built, channels = [], widths[-1]
        for node in levels:
            built.append(build(node, in_channels=channels))
            channels = built[-1].out_channels
        return cls(in_channels, built, points, margin, widths, hidden, scope, bin_size, heading_bins, mean_size)

    def pool(self, points, logits, features, boxes):
        """The points of proposals, seen from them, with depth, mark and features: [N, R, K, 5 + D].

        Args:
            points (Tensor): float32 [N, P, 3 or more].
            logits (Tensor): [N, P] of the first stage.
            features (Tensor): [N, P, D].
            boxes (Tensor): float32 [N, R, 7].

        Returns:
            tuple[Tensor, Tensor]: the values, zeros for a box without points, and bool [N, R], True for one with some.
        """
        index, filled = points_of_boxes(points, boxes, self.margin, self.points)
        places = points[:, :, :3]
        depth = paddle.sqrt((places * places).sum(2, keepdim=True)) / FARTHEST - 0.5
        mark = (paddle.nn.functional.sigmoid(logits) > FOREGROUND).astype("float32").unsqueeze(2)
        known = paddle.concat([mark.detach(), depth, features], 2)
        seen = seen_from(paddle.unbind(take_points(places, index), 3), boxes.unsqueeze(2))
        values = paddle.concat([paddle.stack(seen, 3), take_points(known, index)], 3)
        return values * filled.astype("float32").unsqueeze([2, 3]), filled

    def forward(self, values):
        """Logits [B] and predictions [B, C] of :class:`BinBoxes` of values [B, K, 5 + D]."""
        x = values.unsqueeze(2).transpose([0, 3, 1, 2])  # [B, 5 + D, K, 1]
        x = self.join(paddle.concat([self.lift(x[:, :5]), x[:, 5:]], 1))
        places, features = values[:, :, :3], x.transpose([0, 2, 3, 1]).flatten(2)
        for level in self.levels:
            places, features = level(places, features)
        return self.classes(features[:, 0]).flatten(), self.boxes(features[:, 0])

    def decode(self, bins, boxes):
        """The refined boxes [N, R, 7] of predictions [N, R, C] and proposals [N, R, 7]."""
        return out_of_frame_of(self.coder.decode(bins, paddle.zeros_like(boxes[:, :, :3])), boxes)


def points_of_boxes(points, boxes, margin, count):
    """The first points inside of boxes, in the order of the points; where there are fewer, they are repeated in order.

    Args:
        points (Tensor): float32 [N, P, 3 or more].
        boxes (Tensor): float32 [N, R, 7].
        margin (float): boxes are larger by so much on every side.
        count (int): K.

    Returns:
        tuple[Tensor, Tensor]: int32 [N, R, K], and bool [N, R], False for a box without points, whose indices are 0.
    """
    places = [value.unsqueeze(1) for value in paddle.unbind(points[:, :, :3], 2)]  # [N, 1, P]
    along, down, across = seen_from(places, boxes.unsqueeze(2))
    height, width, length = (boxes[:, :, k : k + 1] for k in (3, 4, 5))
    inside = paddle.logical_and(paddle.abs(along) <= length / 2 + margin, paddle.abs(across) <= width / 2 + margin)
    inside = paddle.logical_and(inside, paddle.logical_and(down <= margin, down >= -height - margin))
    number = points.shape[1]
    order = paddle.arange(number, dtype="float32")  # whole numbers up to 2^24 are exact
    keys = paddle.where(inside, paddle.zeros_like(along) + order, paddle.full_like(along, float(number)))
    keys = paddle.topk(keys, min(count, number), axis=2, largest=False, sorted=True)[0]
    total = (keys < number).astype("int32").sum(2, keepdim=True).astype("int32")
    places = paddle.remainder(paddle.arange(count, dtype="int32") + paddle.zeros_like(total), paddle.clip(total, min=1))
    keys = paddle.take_along_axis(keys, places.astype("int64"), 2, broadcast=False)
    filled = total > 0
    return paddle.where(filled, keys, paddle.zeros_like(keys)).astype("int32"), filled.squeeze(2)


def head_of_boxes(in_channels, hidden, out_channels, deviation=None):
    """Hidden layers with ReLU, and an output with the given deviation at the start."""
    layers = []
    for before, after in zip([in_channels, *hidden], hidden):
        layers += [nn.Linear(before, after), nn.ReLU()]
    weights = ParamAttr(initializer=nn.initializer.Normal(0.0, deviation)) if deviation else None
    return nn.Sequential(*layers, nn.Linear(hidden[-1], out_channels, weight_attr=weights))
