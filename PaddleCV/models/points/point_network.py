"""Shared base of point-cloud networks: a backbone of points, a head and a loss."""

from paddle import nn


class PointNetwork(nn.Layer):
    """A backbone of clouds of P points of 3 + F values, a head for its features, and a loss.

    Args:
        backbone (Layer): PointNet2.
        head (Layer): features to logits.
        loss (Layer): logits and targets to a number.
        num_points (int): P.
    """

    def __init__(self, backbone, head, loss, num_points):
        super().__init__()
        self.backbone, self.head, self.loss_terms = backbone, head, loss
        self.inputs = {"points": ([None, num_points, 3 + backbone.features], "float32")}

    @classmethod
    def build_parts(cls, backbone, head, loss, num_classes, build, num_points):
        """The network of its nodes, built in order; the head is given the channels of the backbone."""
        backbone = build(backbone)
        head = build(head, in_channels=backbone.out_channels, num_classes=num_classes)
        return cls(backbone, head, build(loss), num_points)
