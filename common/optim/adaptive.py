"""Optimizers that adapt the rate of each weight; `optimizers.py` has what they share, and Adam with its kin."""

from common.optim.optimizers import SGD


class RMSProp(SGD):
    """Divides by the root of a moving mean of squared gradients (Hinton's lecture 6e of Neural Networks, 2012).

    Args:
        rho (float): decay of that mean.
        epsilon (float): added under the root.
        momentum (float): the part of the last step that is repeated.
        centered (bool): divide by the root of the variance instead (https://arxiv.org/abs/1308.0850, eq. 39).
    """

    def __init__(
        self,
        lr,
        rho=0.95,
        epsilon=1e-6,
        momentum=0.0,
        centered=False,
        weight_decay=0.0,
        l1_decay=0.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(lr, weight_decay, l1_decay, groups, no_decay, clip_norm, clip_value, clip_each_norm)
        self.options = {
            "rho": self.number("rho", rho, least=0, most=1),
            "epsilon": self.number("epsilon", epsilon, least=0),
            "momentum": self.number("momentum", momentum, least=0, most=1),
            "centered": centered,
        }

    def make(self, paddle, parameters, decay):
        decay = self.coupled(paddle, decay)
        return paddle.optimizer.RMSProp(1.0, parameters=parameters, weight_decay=decay, **self.options)


class Adagrad(SGD):
    """Divides by the root of the sum of all squared gradients (https://jmlr.org/papers/v12/duchi11a.html).

    Args:
        epsilon (float): added to the divisor.
        initial (float): the sum before the first step.
    """

    def __init__(
        self,
        lr,
        epsilon=1e-6,
        initial=0.0,
        weight_decay=0.0,
        l1_decay=0.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(lr, weight_decay, l1_decay, groups, no_decay, clip_norm, clip_value, clip_each_norm)
        self.epsilon = self.number("epsilon", epsilon, least=0)
        self.initial = self.number("initial", initial, least=0)

    def make(self, paddle, parameters, decay):
        decay = self.coupled(paddle, decay)
        return paddle.optimizer.Adagrad(1.0, self.epsilon, parameters, decay, initial_accumulator_value=self.initial)


class DecayedAdagrad(SGD):
    """Adagrad whose sum of squared gradients is a moving mean.

    Args:
        decay (float): the part of the mean that is kept.
        epsilon (float): added to the divisor.
    """

    def __init__(
        self,
        lr,
        decay=0.95,
        epsilon=1e-6,
        weight_decay=0.0,
        l1_decay=0.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(lr, weight_decay, l1_decay, groups, no_decay, clip_norm, clip_value, clip_each_norm)
        self.decay = self.number("decay", decay, least=0, most=1)
        self.epsilon = self.number("epsilon", epsilon, least=0)

    def make(self, paddle, parameters, decay):
        from common.optim.decayed_adagrad import DecayedAdagradRule

        return DecayedAdagradRule(1.0, self.decay, self.epsilon, parameters, self.coupled(paddle, decay))


class Adadelta(SGD):
    """Steps in proportion to the root of the mean square of earlier steps (https://arxiv.org/abs/1212.5701).

    Args:
        rho (float): decay of both means.
        epsilon (float): added under both roots.
    """

    def __init__(
        self,
        lr,
        rho=0.95,
        epsilon=1e-6,
        weight_decay=0.0,
        l1_decay=0.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(lr, weight_decay, l1_decay, groups, no_decay, clip_norm, clip_value, clip_each_norm)
        self.rho = self.number("rho", rho, least=0, most=1)
        self.epsilon = self.number("epsilon", epsilon, least=0)

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Adadelta(1.0, self.epsilon, self.rho, parameters, self.coupled(paddle, decay))


class Adamax(SGD):
    """Adam with the largest recent gradient for divisor (https://arxiv.org/abs/1412.6980, algorithm 2).

    Args:
        beta1 (float): decay of the mean of gradients.
        beta2 (float): decay of the largest gradient.
        epsilon (float): added to the divisor.
    """

    def __init__(
        self,
        lr,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        weight_decay=0.0,
        l1_decay=0.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(lr, weight_decay, l1_decay, groups, no_decay, clip_norm, clip_value, clip_each_norm)
        self.moments = {
            "beta1": self.number("beta1", beta1, least=0, most=1),
            "beta2": self.number("beta2", beta2, least=0, most=1),
            "epsilon": self.number("epsilon", epsilon, least=0),
        }

    def make(self, paddle, parameters, decay):
        decay = self.coupled(paddle, decay)
        return paddle.optimizer.Adamax(1.0, parameters=parameters, weight_decay=decay, **self.moments)
