"""Initial values of parameters, as attributes that layers take."""

import paddle
from paddle import nn


def uniform(bound):
    """Uniform in [-bound, bound] (ParamAttr)."""
    return paddle.ParamAttr(initializer=nn.initializer.Uniform(-bound, bound))


def normal(deviation):
    """Normal with mean 0 and this standard deviation (ParamAttr)."""
    return paddle.ParamAttr(initializer=nn.initializer.Normal(0.0, deviation))
