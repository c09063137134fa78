"""Optimizers as a configuration describes them; PaddlePaddle is imported when they are built.

    optimizer = Momentum(lr=StepDecay(base=1e-3, at_epochs=[8, 11]), weight_decay=5e-4, clip_norm=35)
    optimizer.schedule.bind(steps_per_epoch=100, total_steps=1200)
    moving = optimizer.build(model)                 # a GroupedOptimizer
    moving.step(optimizer.schedule.at(0))

`weight_decay` is the L2 term of the loss, added to the gradient, for all but `AdamW` and `Lamb`, where it shrinks the
weights themselves (https://arxiv.org/abs/1711.05101).
"""

from common.optim.schedule import number_in_range
from common.optim.schedules import make_schedule


class SGD:
    """Plain stochastic gradient descent; the other optimizers take what it takes, and more.

    Args:
        lr (Schedule | float): the learning rate: a schedule, or a number for the same rate all along.
        weight_decay (float): pulls every weight towards zero, in proportion to it.
        l1_decay (float): pulls every weight towards zero, by its sign; excludes weight_decay.
        groups (list[dict]): exceptions for the parameters whose names match a glob; later ones win:
            {match: "backbone.*", lr_scale: 0.1, weight_decay: 0, freeze: true}; layer_decay: 0.9 multiplies the
            rate by 0.9 for every layer that stands above a parameter, where the model tells its layers.
        no_decay (list[str]): globs of parameter names without weight decay; `bias` and `norm` stand for all
            biases and for the parameters of normalisation layers.
        clip_norm (float): largest norm of all gradients together.
        clip_value (float): largest absolute value of a gradient's element.
        clip_each_norm (float): largest norm of each parameter's gradient.
    """

    def __init__(
        self,
        lr,
        weight_decay=0.0,
        l1_decay=0.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        self.schedule = make_schedule(lr)
        self.weight_decay = self.number("weight_decay", weight_decay, least=0)
        self.l1_decay = self.number("l1_decay", l1_decay, least=0)
        if weight_decay and l1_decay:
            raise ValueError(f"{self.name} got weight_decay={weight_decay} and l1_decay={l1_decay}; give one of them")
        self.groups, self.no_decay = list(groups), list(no_decay)
        clips = {"norm": clip_norm, "value": clip_value, "each_norm": clip_each_norm}
        self.clip = {kind: limit for kind, limit in clips.items() if limit is not None}
        for kind, limit in self.clip.items():
            self.number(f"clip_{kind}", limit, above=0)
        if len(self.clip) > 1:
            raise ValueError(f"{self.name} got {', '.join(f'clip_{kind}' for kind in self.clip)}; give one of them")

    @property
    def name(self):
        """What the configuration calls this optimizer."""
        return type(self).__name__

    def number(self, key, value, **limits):
        """`value`, if it is a number in this range."""
        return number_in_range(self.name, key, value, **limits)

    def build(self, model):
        """The optimizer of a model's parameters.

        Args:
            model (nn.Layer): its parameters are known by their structured names, such as `backbone.conv1.weight`.

        Returns:
            GroupedOptimizer: moves the weights.

        Raises:
            ConfigError: a pattern of `groups` or `no_decay` matches no parameter, or a group has an unknown key.
        """
        from common.optim.grouped import build_grouped

        return build_grouped(self, model)

    def make(self, paddle, parameters, decay):
        """The framework's optimizer of some parameters.

        Args:
            paddle (module): PaddlePaddle.
            parameters (list[Parameter]): those with the same learning rate and weight decay.
            decay (float): their weight decay.
        """
        return paddle.optimizer.SGD(1.0, parameters, self.coupled(paddle, decay), multi_precision=on_gpu(paddle))

    def coupled(self, paddle, decay):
        """The decay as the framework takes it where it is added to the gradient."""
        if decay and self.l1_decay:
            return paddle.regularizer.L1Decay(decay)
        return decay or None


class Momentum(SGD):
    """Gradient descent with momentum (https://proceedings.mlr.press/v28/sutskever13.html).

    Args:
        momentum (float): the part of the last step that is repeated.
        nesterov (bool): look ahead by that part.
    """

    def __init__(
        self,
        lr,
        momentum=0.9,
        nesterov=False,
        weight_decay=0.0,
        l1_decay=0.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(lr, weight_decay, l1_decay, groups, no_decay, clip_norm, clip_value, clip_each_norm)
        self.momentum, self.nesterov = self.number("momentum", momentum, least=0, most=1), nesterov

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Momentum(
            1.0,
            self.momentum,
            parameters,
            self.nesterov,
            self.coupled(paddle, decay),
            multi_precision=on_gpu(paddle),
        )


class Adam(SGD):
    """Adam (https://arxiv.org/abs/1412.6980, algorithm 1).

    Args:
        beta1 (float): decay of the mean of gradients.
        beta2 (float): decay of the mean of squared gradients.
        epsilon (float): added to the divisor.
        lazy (bool): rows of a sparse embedding that had no gradient keep their moments as they are.
    """

    def __init__(
        self,
        lr,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        lazy=False,
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
        self.lazy = lazy

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Adam(
            1.0,
            parameters=parameters,
            weight_decay=self.coupled(paddle, decay),
            lazy_mode=self.lazy,
            multi_precision=on_gpu(paddle),
            **self.moments,
        )


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights themselves (https://arxiv.org/abs/1711.05101, algorithm 2)."""

    def __init__(
        self,
        lr,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        lazy=False,
        weight_decay=0.01,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(
            lr, beta1, beta2, epsilon, lazy, weight_decay, 0.0, groups, no_decay, clip_norm, clip_value, clip_each_norm
        )

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.AdamW(
            1.0,
            parameters=parameters,
            weight_decay=decay,
            lazy_mode=self.lazy,
            multi_precision=on_gpu(paddle),
            **self.moments,
        )


class Lamb(Adam):
    """AdamW with a rate for each parameter, for very large batches (https://arxiv.org/abs/1904.00962, algorithm 2)."""

    def __init__(
        self,
        lr,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-6,
        weight_decay=0.01,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(
            lr, beta1, beta2, epsilon, False, weight_decay, 0.0, groups, no_decay, clip_norm, clip_value, clip_each_norm
        )

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Lamb(1.0, decay, parameters=parameters, multi_precision=on_gpu(paddle), **self.moments)


def on_gpu(paddle):
    """Whether float16 parameters need float32 copies: only a GPU trains in float16."""
    return paddle.device.get_device() != "cpu"
