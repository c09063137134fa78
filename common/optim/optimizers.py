"""Optimizers as a configuration describes them; PaddlePaddle is imported when they are built.

    optimizer = Momentum(lr=StepDecay(base=1e-3, at_epochs=[8, 11]), weight_decay=5e-4, clip_norm=35)
    optimizer.schedule.bind(steps_per_epoch=100, total_steps=1200)
    built = optimizer.build(model)                  # a GroupedOptimizer
    built.step(optimizer.schedule.at(0))

`weight_decay` is L2 regularization, a term added to the gradient, for `SGD` and its subclasses; `AdamW` and `Lamb`
shrink the weights themselves instead (https://arxiv.org/abs/1711.05101).
"""

import abc
from dataclasses import dataclass, field

from common.optim.schedules import Schedule, make_schedule
from common.optim.settings import Settings, in_range


@dataclass(kw_only=True)
class Optimizer(Settings, abc.ABC):
    """Base class of all optimizers.

    Args:
        lr (Schedule | float): learning rate: a schedule, or a number for a constant one.
        groups (list[dict]): exceptions for the parameters whose names match a glob; later ones win:
            {match: "backbone.*", lr_scale: 0.1, weight_decay: 0, freeze: true}; layer_decay: 0.9 multiplies the
            learning rate by 0.9 for every layer above a parameter, where the model publishes its layers; for
            `discriminative`, `unfreeze` and `l2_sp` see `common.optim.fine_tuning`.
        no_decay (list[str]): globs of parameter names without weight decay; `bias` and `norm` stand for all
            biases and for the parameters of normalization layers.
        clip_norm (float): largest norm of all gradients together.
        clip_value (float): largest absolute value of a gradient's element.
        clip_each_norm (float): largest norm of each parameter's gradient.
    """

    lr: Schedule | float
    groups: list[dict] = field(default_factory=list)
    no_decay: list[str] = field(default_factory=list)
    clip_norm: float | None = in_range(None, above=0)
    clip_value: float | None = in_range(None, above=0)
    clip_each_norm: float | None = in_range(None, above=0)

    weight_decay = l1_decay = 0.0  # where a subclass has no such field

    def __post_init__(self):
        self.schedule = make_schedule(self.lr)
        super().__post_init__()
        if self.weight_decay and self.l1_decay:
            raise self.error(f"got weight_decay={self.weight_decay} and l1_decay={self.l1_decay}; give one of them")
        if len(self.clip) > 1:
            raise self.error(f"got {', '.join(f'clip_{kind}' for kind in self.clip)}; give one of them")

    @property
    def clip(self):
        """{`norm`, `value` or `each_norm`: limit}; empty without clipping."""
        clips = {"norm": self.clip_norm, "value": self.clip_value, "each_norm": self.clip_each_norm}
        return {kind: limit for kind, limit in clips.items() if limit is not None}

    def build(self, model):
        """The optimizer of a model's parameters.

        Args:
            model (nn.Layer): its parameters are known by their structured names, such as `backbone.conv1.weight`.

        Returns:
            GroupedOptimizer: updates the weights.

        Raises:
            ConfigError: a pattern of `groups` or `no_decay` matches no parameter, a group has an unknown key, or an
                embedding has sparse gradients, which this optimizer cannot read.
        """
        from common.optim.grouped import build_grouped

        return build_grouped(self, model)

    @abc.abstractmethod
    def make(self, paddle, parameters, decay):
        """The framework's optimizer of some parameters.

        Args:
            paddle (module): PaddlePaddle.
            parameters (list[Parameter]): those with the same learning rate and weight decay.
            decay (float): their weight decay.
        """


@dataclass(kw_only=True)
class SGD(Optimizer):
    """Stochastic gradient descent.

    Args:
        weight_decay (float): L2 regularization: this times the weight is added to the gradient.
        l1_decay (float): L1 regularization: this times the sign of the weight is added; excludes weight_decay.
    """

    weight_decay: float = in_range(0.0, least=0)
    l1_decay: float = in_range(0.0, least=0)

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.SGD(1.0, parameters, self.regularizer(paddle, decay), multi_precision=on_gpu(paddle))

    def regularizer(self, paddle, decay):
        """The `weight_decay` argument of the framework's optimizer."""
        if decay and self.l1_decay:
            return paddle.regularizer.L1Decay(decay)
        return decay or None


@dataclass(kw_only=True)
class Momentum(SGD):
    """SGD with momentum (https://proceedings.mlr.press/v28/sutskever13.html).

    Args:
        momentum (float): decay of the velocity.
        nesterov (bool): Nesterov's accelerated gradient.
    """

    momentum: float = in_range(0.9, least=0, most=1)
    nesterov: bool = False

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Momentum(
            1.0,
            self.momentum,
            parameters,
            self.nesterov,
            self.regularizer(paddle, decay),
            multi_precision=on_gpu(paddle),
        )


@dataclass(kw_only=True)
class Moments:
    """Fields of the optimizers of Adam's family.

    Args:
        beta1 (float): decay of the mean of gradients.
        beta2 (float): decay of the mean of squared gradients.
        epsilon (float): added to the divisor.
    """

    beta1: float = in_range(0.9, least=0, most=1)
    beta2: float = in_range(0.999, least=0, most=1)
    epsilon: float = in_range(1e-8, least=0)

    @property
    def moments(self):
        """The fields by name."""
        return {"beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon}


@dataclass(kw_only=True)
class Adam(Moments, SGD):
    """Adaptive moment estimation (https://arxiv.org/abs/1412.6980, algorithm 1).

    Args:
        lazy (bool): rows of a sparse embedding that had no gradient keep their moments as they are.
    """

    lazy: bool = False

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Adam(
            1.0,
            parameters=parameters,
            weight_decay=self.regularizer(paddle, decay),
            lazy_mode=self.lazy,
            multi_precision=on_gpu(paddle),
            **self.moments,
        )


@dataclass(kw_only=True)
class Adamax(Moments, SGD):
    """Adam with the largest recent gradient as divisor (https://arxiv.org/abs/1412.6980, algorithm 2).

    Args:
        beta2 (float): decay of the largest gradient.
    """

    def make(self, paddle, parameters, decay):
        decay = self.regularizer(paddle, decay)
        return paddle.optimizer.Adamax(1.0, parameters=parameters, weight_decay=decay, **self.moments)


@dataclass(kw_only=True)
class AdamW(Moments, Optimizer):
    """Adam with decoupled weight decay (https://arxiv.org/abs/1711.05101, algorithm 2).

    Args:
        weight_decay (float): the part of a weight that a step at learning rate 1 takes away.
        lazy (bool): rows of a sparse embedding that had no gradient keep their moments as they are.
    """

    weight_decay: float = in_range(0.01, least=0)
    lazy: bool = False

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.AdamW(
            1.0,
            parameters=parameters,
            weight_decay=decay,
            lazy_mode=self.lazy,
            multi_precision=on_gpu(paddle),
            **self.moments,
        )


@dataclass(kw_only=True)
class Lamb(Moments, Optimizer):
    """AdamW with a trust ratio for each parameter, for very large batches (https://arxiv.org/abs/1904.00962, alg. 2).

    Args:
        weight_decay (float): this times the weight is added to the step, before the trust ratio.
    """

    weight_decay: float = in_range(0.01, least=0)
    epsilon: float = in_range(1e-6, least=0)

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Lamb(1.0, decay, parameters=parameters, multi_precision=on_gpu(paddle), **self.moments)


@dataclass(kw_only=True)
class LARS(Optimizer):
    """Momentum with a trust ratio for each parameter, for large batches (https://arxiv.org/abs/1708.03888, alg. 1).

    The learning rate of a parameter is multiplied by
    trust_coefficient * |weight| / (|gradient| + weight_decay * |weight| + epsilon).  Parameters without weight decay,
    which `no_decay: [bias, norm]` makes of biases and norms, take plain steps of momentum.

    Args:
        weight_decay (float): this times the weight is added to the gradient.
        momentum (float): decay of the velocity.
        trust_coefficient (float): the paper's eta.
        epsilon (float): added to the divisor of the trust ratio.
    """

    weight_decay: float = in_range(5e-4, above=0)
    momentum: float = in_range(0.9, least=0, most=1)
    trust_coefficient: float = in_range(0.001, above=0)
    epsilon: float = in_range(0.0, least=0)

    def make(self, paddle, parameters, decay):
        from common.optim.rules import LARSRule

        options = (self.momentum, decay, self.trust_coefficient, self.epsilon)
        return LARSRule(1.0, parameters, *options, multi_precision=on_gpu(paddle))


@dataclass(kw_only=True)
class RMSProp(SGD):
    """Divides by the root of a moving mean of squared gradients (Hinton's lecture 6e of Neural Networks, 2012).

    Args:
        rho (float): decay of that mean.
        epsilon (float): added under the root.
        momentum (float): decay of the velocity; 0 for none.
        centered (bool): divide by the root of the variance instead (https://arxiv.org/abs/1308.0850, eq. 39).
    """

    rho: float = in_range(0.95, least=0, most=1)
    epsilon: float = in_range(1e-6, least=0)
    momentum: float = in_range(0.0, least=0, most=1)
    centered: bool = False

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.RMSProp(
            1.0,
            self.rho,
            self.epsilon,
            self.momentum,
            self.centered,
            parameters,
            self.regularizer(paddle, decay),
        )


@dataclass(kw_only=True)
class Adagrad(SGD):
    """Divides by the root of the sum of all squared gradients (https://jmlr.org/papers/v12/duchi11a.html).

    Args:
        epsilon (float): added to the divisor.
        initial (float): the sum before the first step.
    """

    epsilon: float = in_range(1e-6, least=0)
    initial: float = in_range(0.0, least=0)

    def make(self, paddle, parameters, decay):
        decay = self.regularizer(paddle, decay)
        return paddle.optimizer.Adagrad(1.0, self.epsilon, parameters, decay, initial_accumulator_value=self.initial)


@dataclass(kw_only=True)
class DecayedAdagrad(SGD):
    """Adagrad with a moving mean in place of the sum of squared gradients.

    Args:
        decay (float): decay of that mean.
        epsilon (float): added to the divisor.
    """

    decay: float = in_range(0.95, least=0, most=1)
    epsilon: float = in_range(1e-6, least=0)

    def make(self, paddle, parameters, decay):
        from common.optim.rules import DecayedAdagradRule

        return DecayedAdagradRule(1.0, self.decay, self.epsilon, parameters, self.regularizer(paddle, decay))


@dataclass(kw_only=True)
class Adadelta(SGD):
    """Steps in proportion to the root of the mean square of earlier steps (https://arxiv.org/abs/1212.5701).

    Args:
        rho (float): decay of both means.
        epsilon (float): added under both roots.
    """

    rho: float = in_range(0.95, least=0, most=1)
    epsilon: float = in_range(1e-6, least=0)

    def make(self, paddle, parameters, decay):
        return paddle.optimizer.Adadelta(1.0, self.epsilon, self.rho, parameters, self.regularizer(paddle, decay))


@dataclass(kw_only=True)
class FTRL(Optimizer):
    """Follow the regularized leader, for sparse linear models (https://doi.org/10.1145/2487575.2488200, algorithm 1).

    Args:
        power (float): the learning rate of a weight falls with this power of its sum of squared gradients.
        l1 (float): L1 regularization, which makes weights exactly zero.
        l2 (float): L2 regularization.
        beta (float): added to the root of the squared gradients.
    """

    power: float = in_range(0.5, above=0, most=1)
    l1: float = in_range(0.0, least=0)
    l2: float = in_range(0.0, least=0)
    beta: float = in_range(1.0, above=0)

    def make(self, paddle, parameters, decay):
        from common.optim.rules import FTRLRule

        return FTRLRule(1.0, parameters, self.power, self.l1, self.l2, self.beta)


def on_gpu(paddle):
    """True where parameters may be float16 and need float32 master weights: only a GPU trains in float16."""
    return paddle.device.get_device() != "cpu"
