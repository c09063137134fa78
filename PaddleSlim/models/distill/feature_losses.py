"""Feature distillation losses: L2 (FitNets) and FSP.

Shapes in this file:
    N samples, C channels of a feature map of H x W.
"""

from paddle import nn
from paddle.nn import functional as F


def mean_square(student, teacher):
    """The mean squared error of two tensors of the same shape (FitNets, https://arxiv.org/abs/1412.6550, eq. 3).

    The paper takes half the sum over all elements; the mean makes the weight independent of their number.
    """
    return F.mse_loss(student, teacher)


def fsp_matrix(first, second):
    """The FSP matrix (flow of solution procedure) of two layers, [N, C1, C2]: the mean product of their channels.

    Eq. 1 of Yim et al., CVPR 2017.  The larger map is max-pooled to the size of the smaller one, as in section 3.2.

    Args:
        first (Tensor): [N, C1, H1, W1].
        second (Tensor): [N, C2, H2, W2].
    """
    size = [min(pair) for pair in zip(first.shape[2:], second.shape[2:])]
    first, second = (x if x.shape[2:] == size else F.adaptive_max_pool2d(x, size) for x in (first, second))
    places = size[0] * size[1]
    return first.flatten(2).matmul(second.flatten(2), transpose_y=True) / places


def fsp_loss(student, teacher):
    """The mean squared error of two FSP matrices (eq. 2 of the paper, divided by the number of elements).

    Args:
        student (tuple[Tensor, Tensor]): the feature maps of two layers.
        teacher (tuple[Tensor, Tensor]): of two layers with the same channels.
    """
    return F.mse_loss(fsp_matrix(*student), fsp_matrix(*teacher))


def adaptor(student, teacher):
    """A layer that maps a student's feature to the channels of its teacher's: 1x1 convolution, linear, or identity.

    Args:
        student (list[int]): shape, [N, C, H, W] or [..., C].
        teacher (list[int]): shape, with the same number of axes.

    Raises:
        ValueError: the shapes have a different number of axes.
    """
    if len(student) != len(teacher) or len(student) < 2:
        raise ValueError(f"a feature of shape {list(student)} cannot be compared with one of {list(teacher)}")
    if len(student) == 4:
        if student[1] == teacher[1]:
            return nn.Identity()
        return nn.Conv2D(student[1], teacher[1], 1, bias_attr=False)
    return nn.Identity() if student[-1] == teacher[-1] else nn.Linear(student[-1], teacher[-1])
