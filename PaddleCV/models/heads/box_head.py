"""The second stage of R-CNNs: features of RoIs to scores and boxes (https://arxiv.org/abs/1504.08083, section 2).

Shapes in this file:
    R RoIs of all images together, C classes, K = 1 + C with the background first.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

from ..backbones.resnet import residual_stage


class TwoLinear(nn.Layer):
    """Two linear layers with ReLU (https://arxiv.org/abs/1612.03144, section 4.2).

    Args:
        in_channels (int): of the features of a RoI, given by RoIAlign.
        size (int): height and width of these, given by RoIAlign.
        channels (int): outputs of each layer.
    """

    def __init__(self, in_channels, size, channels=1024):
        super().__init__()
        self.out_channels = channels
        self.first = nn.Linear(in_channels * size * size, channels)
        self.second = nn.Linear(channels, channels)

    def forward(self, x):
        """Features [R, in_channels, size, size] to [R, out_channels]."""
        return F.relu(self.second(F.relu(self.first(x.flatten(1)))))


class LastStage(nn.Layer):
    """The last stage of a ResNet, which C4 networks run on the features of every RoI, and a mean over its cells.

    Args:
        in_channels (int): of the features of a RoI, given by RoIAlign.
        depth (int): that of the ResNet.
        variant (str): b, vc or vd.
        width (float): multiplies the number of channels.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, depth=50, variant="b", width=1.0, norm="frozen_bn"):
        super().__init__()
        self.stage, self.out_channels = residual_stage(3, in_channels, depth, variant, width, norm)

    def forward(self, x):
        """Features [R, in_channels, size, size] to [R, out_channels]."""
        return self.mean(self.cells(x))

    def cells(self, x):
        """Features [R, in_channels, size, size] to [R, out_channels, size / 2, size / 2], which masks share."""
        return on_any_rows(self.stage, x)

    def mean(self, cells):
        """The mean over the cells, [R, out_channels]."""
        return F.adaptive_avg_pool2d(cells, 1).flatten(1)


class BoxHead(nn.Layer):
    """Scores of the background and every class, and deltas to the box of the object.

    Args:
        body (Layer): features of RoIs to [R, out_channels].
        num_classes (int): C.
        agnostic (bool): one box for all classes, and one for the background, instead of one for each class.
    """

    def __init__(self, body, num_classes, agnostic=False):
        super().__init__()
        self.body, self.num_classes, self.agnostic = body, num_classes, agnostic
        self.scores = nn.Linear(body.out_channels, num_classes + 1, weight_attr=normal(0.01))
        kinds = 2 if agnostic else num_classes + 1
        self.deltas = nn.Linear(body.out_channels, 4 * kinds, weight_attr=normal(0.001))

    @classmethod
    def from_config(cls, body, in_channels, size, num_classes, build, agnostic=False):
        """Builds the body, which is given the channels and size of the features.

        Args:
            body (node): TwoLinear or LastStage.
            in_channels (int): of the features of a RoI, given by RoIAlign.
            size (int): height and width of these, given by RoIAlign.
            num_classes (int): C.
            agnostic (bool): one box for all classes, and one for the background, instead of one for each class.
        """
        return cls(build(body, in_channels=in_channels, size=size), num_classes, agnostic)

    def forward(self, features):
        """Logits [R, K] and deltas [R, K or 2, 4] of features [R, in_channels, size, size]."""
        return self.predict(self.body(features))

    def predict(self, hidden):
        """Logits [R, K] and deltas [R, K or 2, 4] of what the body gives, [R, out_channels]."""
        return self.scores(hidden), self.deltas(hidden).reshape([-1, self.deltas.weight.shape[1] // 4, 4])


def on_any_rows(layer, x):
    """A layer of convolutions applied to [R, ...], where R may be 0: with oneDNN they do not run on no rows.

    In an export, which cannot know R, there is always one row more; it is left out again.
    """
    if paddle.in_dynamic_mode() and x.shape[0] > 0:
        return layer(x)
    return layer(paddle.concat([x, paddle.zeros([1, *x.shape[1:]], dtype=x.dtype)]))[:-1]
