"""Update rules that PaddlePaddle 3 lacks: DecayedAdagrad, FTRL (dense and sparse gradients) and LARS."""

from collections import defaultdict

import paddle


class DecayedAdagradRule(paddle.optimizer.Optimizer):
    """mean <- decay * mean + (1 - decay) * g * g;  weight <- weight - lr * g / (sqrt(mean) + epsilon).

    Args:
        learning_rate (float): before it is set for a step.
        decay (float): decay of the mean.
        epsilon (float): added to the divisor.
        parameters (list[Parameter]): what it updates.
        weight_decay (float | None): L2 regularization.
    """

    def __init__(self, learning_rate, decay, epsilon, parameters, weight_decay=None):
        super().__init__(learning_rate, parameters, weight_decay)
        self.decay, self.epsilon = decay, epsilon
        self._accumulators = defaultdict(dict)

    def _create_accumulators(self, block, parameters):
        for parameter in parameters:
            if parameter.name not in self._already_create_accumulator:
                self._add_accumulator("moment", parameter)
                self._already_create_accumulator.add(parameter.name)

    @paddle.no_grad()
    def _append_optimize_op(self, block, param_and_grad):
        parameter, gradient = param_and_grad
        mean = self._get_accumulator("moment", parameter)
        mean.scale_(self.decay).add_((gradient * gradient).scale(1 - self.decay))
        step = self._create_param_lr(param_and_grad) * gradient / (mean.sqrt() + self.epsilon)
        parameter.subtract_(step)


class FTRLRule(paddle.optimizer.Optimizer):
    """FTRL-Proximal (https://doi.org/10.1145/2487575.2488200, algorithm 1).

    Of a sparse gradient only the rows that it has are read and written.

    Args:
        learning_rate (float): alpha, before it is set for a step.
        parameters (list[Parameter]): what it updates.
        power (float): of the sum of squared gradients; the paper's is 0.5.
        l1 (float): lambda 1.
        l2 (float): lambda 2.
        beta (float): the paper's beta.
    """

    def __init__(self, learning_rate, parameters, power=0.5, l1=0.0, l2=0.0, beta=1.0):
        super().__init__(learning_rate, parameters, None)
        self.power, self.l1, self.l2, self.beta = power, l1, l2, beta
        self._accumulators = defaultdict(dict)

    def _create_accumulators(self, block, parameters):
        for parameter in parameters:
            if parameter.name not in self._already_create_accumulator:
                self._add_accumulator("squares", parameter)
                self._add_accumulator("linear", parameter)
                self._already_create_accumulator.add(parameter.name)

    @paddle.no_grad()
    def _append_optimize_op(self, block, param_and_grad):
        parameter, gradient = param_and_grad
        state = [parameter, self._get_accumulator("squares", parameter), self._get_accumulator("linear", parameter)]
        lr = self._create_param_lr(param_and_grad)
        lr = float(lr.item()) if isinstance(lr, paddle.Tensor) else float(lr)
        if not gradient.is_selected_rows():
            for old, new in zip(state, self.update(*state, gradient, lr)):
                paddle.assign(new, old)
            return
        merged = paddle._C_ops.merge_selected_rows(gradient)
        rows = paddle.to_tensor(merged.rows(), dtype="int64")
        values = [paddle.gather(whole, rows) for whole in state]
        for whole, new in zip(state, self.update(*values, merged._get_tensor_from_selected_rows(), lr)):
            paddle.scatter_(whole, rows, new)

    def update(self, weight, squares, linear, gradient, lr):
        """(weight, sum of squares, z) after a gradient; all Tensors of one shape."""
        return ftrl_step(weight, squares, linear, gradient, lr, self.power, self.l1, self.l2, self.beta)


def ftrl_step(weight, squares, linear, gradient, lr, power=0.5, l1=0.0, l2=0.0, beta=1.0):
    """(weight, squares, linear) after one gradient."""
    total = squares + gradient * gradient
    sigma = (total.pow(power) - squares.pow(power)) / lr
    linear = linear + gradient - sigma * weight
    pull = (linear.abs() - l1).clip(min=0.0)
    weight = -paddle.sign(linear) * pull / ((beta + total.pow(power)) / lr + l2)
    return weight, total, linear


class LARSRule(paddle.optimizer.Momentum):
    """Layer-wise adaptive rate scaling (https://arxiv.org/abs/1708.03888, algorithm 1).

    velocity <- momentum * velocity + lr * ratio * (g + decay * weight);  weight <- weight - velocity.
    Accumulators and float32 master weights of float16 parameters are those of the framework's Momentum.

    Args:
        learning_rate (float): before it is set for a step.
        parameters (list[Parameter]): what it updates.
        momentum (float): decay of the velocity.
        decay (float): weight decay; with 0 the ratio is 1.
        trust_coefficient (float): the paper's eta.
        epsilon (float): added to the divisor of the ratio.
        multi_precision (bool): keep master weights.
    """

    def __init__(self, learning_rate, parameters, momentum, decay, trust_coefficient, epsilon, multi_precision=False):
        super().__init__(learning_rate, momentum, parameters, multi_precision=multi_precision)
        self.decay, self.trust_coefficient, self.epsilon = decay, trust_coefficient, epsilon

    @paddle.no_grad()
    def _append_optimize_op(self, block, param_and_grad):
        parameter, gradient = param_and_grad
        velocity = self._get_accumulator_master("velocity", parameter)
        weight = self._master_weights.get(parameter.name, parameter)
        gradient = gradient.astype(weight.dtype)
        lr = self._create_param_lr(param_and_grad)
        if self.decay:
            lr = lr * trust_ratio(weight, gradient, self.decay, self.trust_coefficient, self.epsilon)
            gradient = gradient + self.decay * weight
        velocity.scale_(self._momentum).add_(lr * gradient)
        weight.subtract_(velocity)
        if weight is not parameter:
            paddle.assign(weight.astype(parameter.dtype), parameter)


def trust_ratio(weight, gradient, decay, coefficient, epsilon=0.0):
    """coefficient * |weight| / (|gradient| + decay * |weight| + epsilon); 1 where a norm is 0, a Tensor []."""
    weight, gradient = (paddle._C_ops.squared_l2_norm(x).sqrt().reshape([]) for x in (weight, gradient))
    ratio = coefficient * weight / (gradient + decay * weight + epsilon)
    return paddle.where((weight > 0) & (gradient > 0), ratio, paddle.ones_like(ratio))
