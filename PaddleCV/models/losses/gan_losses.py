"""Adversarial losses, and the gradient penalty of WGAN-GP.

Shapes in this file:
    N images of D channels and H x W pixels; predictions of a discriminator have any shape, a logit each.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


def vanilla(logits, real):
    """Binary cross entropy of logits with real (1) or generated (0), a mean (https://arxiv.org/abs/1406.2661)."""
    return F.softplus(-logits if real else logits).mean()


def least_squares(logits, real):
    """Mean squared distance of logits from 1 (real) or 0 (LSGAN, https://arxiv.org/abs/1611.04076)."""
    return ((logits - (1.0 if real else 0.0)) ** 2).mean()


def hinge(logits, real):
    """The discriminator's hinge loss, a mean: beyond the margin of 1 logits cost nothing (arXiv:1705.02894)."""
    return F.relu(1 - logits if real else 1 + logits).mean()


def wasserstein(logits, real):
    """The critic's loss of WGAN (https://arxiv.org/abs/1701.07875): the mean of logits, negative for real images."""
    return -logits.mean() if real else logits.mean()


KINDS = {"vanilla": vanilla, "least_squares": least_squares, "hinge": hinge, "wasserstein": wasserstein}


class GANLoss(nn.Layer):
    """An adversarial loss of the discriminator and of the generator.

    Args:
        kind (str): vanilla (the generator maximizes log D(G)), least_squares, hinge or wasserstein.
    """

    def __init__(self, kind="vanilla"):
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"GANLoss has no kind {kind!r}; it knows {', '.join(KINDS)}")
        self.kind = kind

    def forward(self, logits, real):
        """The discriminator's loss of logits for images that are `real` or generated, a scalar."""
        return KINDS[self.kind](logits, real)

    def generator(self, logits):
        """The generator's loss of the logits of its images, a scalar."""
        return -logits.mean() if self.kind == "hinge" else KINDS[self.kind](logits, True)


def gradient_penalty(critic, real, fake, epsilon=1e-16):
    """The penalty of WGAN-GP (https://arxiv.org/abs/1704.00028, eq. 3), without its weight.

    Args:
        critic (Callable): from images to logits.
        real (Tensor): float32 [N, D, H, W].
        fake (Tensor): float32 [N, D, H, W], generated; each pair of images is mixed by a random share.
        epsilon (float): added to each slope, whose norm has no gradient at 0.

    Returns:
        Tensor: the mean of (|slope| - 1)^2, a scalar with gradients for the critic's weights.
    """
    share = paddle.rand([real.shape[0], 1, 1, 1])
    mixed = (real * share + fake * (1 - share)).detach()
    mixed.stop_gradient = False
    (slope,) = paddle.grad(critic(mixed).sum(), mixed, create_graph=True)
    norm = ((slope.reshape([slope.shape[0], -1]) + epsilon) ** 2).sum(axis=1).sqrt()
    return ((norm - 1) ** 2).mean()
