"""Normalization as configurations name it, and the freezing of layers."""

from paddle import nn

NORMS = ("bn", "frozen_bn", "gn")
GROUPS = 32


def batch_norm(channels, norm="bn"):
    """The normalization of `channels` that a configuration calls bn, frozen_bn or gn (group normalization)."""
    if norm not in NORMS:
        raise ValueError(f"there is no normalization {norm!r}; it may be {' or '.join(NORMS)}")
    if norm == "gn":
        return nn.GroupNorm(groups_of(channels), channels)
    layer = nn.BatchNorm2D(channels)
    if norm == "frozen_bn":
        freeze(layer)
    return layer


def groups_of(channels):
    """The number of groups nearest to 32 that divides the channels (of two equally near the larger one)."""
    divisors = [count for count in range(1, channels + 1) if channels % count == 0]
    return min(divisors, key=lambda count: (abs(count - GROUPS), -count))


def set_norms(network, epsilon, momentum):
    """Gives every batch normalization of a network this epsilon, and this momentum of its running statistics."""
    for part in network.sublayers(include_self=True):
        if isinstance(part, nn.BatchNorm2D):
            part._epsilon, part._momentum = epsilon, momentum


def freeze(layer):
    """Freezes a layer for good: its parameters get no gradients, its running statistics are no longer updated."""
    for parameter in layer.parameters():
        parameter.stop_gradient = True
        parameter.trainable = False
    for part in layer.sublayers(include_self=True):
        if isinstance(part, nn.BatchNorm2D):
            part._use_global_stats = True
