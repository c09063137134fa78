"""The rule of DecayedAdagrad, which PaddlePaddle no longer has."""

from collections import defaultdict

import paddle


class DecayedAdagradRule(paddle.optimizer.Optimizer):
    """mean <- decay * mean + (1 - decay) * g * g;  weight <- weight - lr * g / (sqrt(mean) + epsilon).

    Args:
        learning_rate (float): before it is set for a step.
        decay (float): the part of the mean that is kept.
        epsilon (float): added to the divisor.
        parameters (list[Parameter]): what it moves.
        weight_decay (float | None): L2 term of the loss.
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
