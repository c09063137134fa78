"""The rule of FTRL-Proximal, which PaddlePaddle no longer has, for dense gradients and for rows of tables."""

from collections import defaultdict

import paddle


class FTRLRule(paddle.optimizer.Optimizer):
    """Algorithm 1 of https://doi.org/10.1145/2487575.2488200; only the rows that have a gradient are read and written.

    Args:
        learning_rate (float): alpha, before it is set for a step.
        parameters (list[Parameter]): what it moves.
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
        held = [parameter, self._get_accumulator("squares", parameter), self._get_accumulator("linear", parameter)]
        lr = self._create_param_lr(param_and_grad)
        lr = float(lr.item()) if isinstance(lr, paddle.Tensor) else float(lr)
        if not gradient.is_selected_rows():
            for old, new in zip(held, self.moved(*held, gradient, lr)):
                paddle.assign(new, old)
            return
        merged = paddle._C_ops.merge_selected_rows(gradient)
        rows = paddle.to_tensor(merged.rows(), dtype="int64")
        values = [paddle.gather(whole, rows) for whole in held]
        for whole, new in zip(held, self.moved(*values, merged._get_tensor_from_selected_rows(), lr)):
            paddle.scatter_(whole, rows, new)

    def moved(self, weight, squares, linear, gradient, lr):
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
