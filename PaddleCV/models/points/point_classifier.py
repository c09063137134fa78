"""Classification of point clouds by PointNet++ (https://arxiv.org/abs/1706.02413, appendix B.1).

Shapes in this file:
    N clouds of P points of 3 + F values, D features of a cloud, C classes.
"""

from paddle import nn
from paddle.nn import functional as F

from ..classifiers.image_classifier import target_of
from .point_network import PointNetwork


class PointClassifier(PointNetwork):
    """A backbone that ends in one vector of a cloud, and a head of linear layers.

    Args:
        backbone (Layer): PointNet2 without propagation, whose last level takes the whole cloud.
        head (Layer): vectors to logits.
        loss (Layer): logits and targets to a number.
        num_points (int): P.
    """

    task = "PointClassification"
    outputs = ("scores",)

    def __init__(self, backbone, head, loss, num_points=1024):
        super().__init__(backbone, head, loss, num_points)

    @classmethod
    def from_config(cls, backbone, head, loss, num_classes, build, num_points=1024):
        """Builds the parts in order; the head is given the channels of the backbone.

        Args:
            backbone (node): PointNet2.
            head (node): PointHead.
            loss (node): CrossEntropy.
            num_classes (int): C.
            num_points (int): P.
        """
        return cls.build_parts(backbone, head, loss, num_classes, build, num_points)

    def predict(self, points):
        """Logits [N, C]."""
        return self.head(self.backbone(points).squeeze(1))

    def forward(self, points):
        """Probabilities [N, C].

        Args:
            points (Tensor): float32 [N, P, 3 + F].
        """
        return F.softmax(self.predict(points))

    def loss(self, batch):
        """`loss_class` of a batch: points [N, P, 3 + F], label int64 [N]."""
        return {"loss_class": self.loss_terms(self.predict(batch["points"]), target_of(batch, self.loss_terms))}


class PointHead(nn.Layer):
    """Hidden linear layers with normalization, ReLU and dropout, then one for the classes.

    Args:
        in_channels (int): D.
        num_classes (int): C.
        hidden (list[int]): outputs of the hidden layers.
        dropout (float): probability that a unit is dropped in training.
    """

    def __init__(self, in_channels, num_classes, hidden=(512, 256), dropout=0.5):
        super().__init__()
        layers = []
        for before, after in zip([in_channels, *hidden], hidden):
            layers += [nn.Linear(before, after, bias_attr=False), nn.BatchNorm1D(after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear([in_channels, *hidden][-1], num_classes)

    def forward(self, x):
        """Logits [N, C] of features [N, D]."""
        return self.fc(self.layers(x))
