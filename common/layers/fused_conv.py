"""Convolution, batch normalization and activation as one step on a CPU, forward and backward, by oneDNN.

PaddlePaddle's own convolutions on CPUs copy the image out kernel by kernel (im2col) and use one core for all but the
matrix product.  Here values stay in oneDNN's blocked layout from the convolution to the activation.  Results agree with
the framework's within rounding.  `fast_conv.py` says which layers of a model run this way, and what the limits are.

Shapes in this file:
    x [N, C, H, W], weight [O, C / groups, k, l], y [N, O, H', W'].
"""

import ctypes
import functools
import typing

import paddle
from paddle.autograd import PyLayer

from common.layers import onednn


class Activation(typing.NamedTuple):
    """An elementwise operation of oneDNN.

    Args:
        kind (int): of the operation.
        alpha (float): its first parameter.
        beta (float): its second.
        from_result (int | None): the kind whose backward pass reads the result instead of the input; None without one.
    """

    kind: int
    alpha: float = 0.0
    beta: float = 0.0
    from_result: int | None = None


RELU = Activation(onednn.RELU, from_result=onednn.RELU_FROM_RESULT)
RELU6 = Activation(onednn.CLIP, 0.0, 6.0)
HARD_SWISH = Activation(onednn.HARD_SWISH, 1 / 6, 0.5)
SWISH = Activation(onednn.SWISH, 1.0)


def leaky_relu(slope):
    """The leaky rectifier; the sign of the input follows from the result where the slope is not negative."""
    return Activation(onednn.RELU, slope, 0.0, onednn.RELU_FROM_RESULT if slope >= 0 else None)


def suits(x):
    """True if oneDNN can take x: float32 on a CPU, not empty, outside of an export."""
    return paddle.in_dynamic_mode() and x.place.is_cpu_place() and x.dtype == paddle.float32 and x.size > 0


def conv2d(x, weight, stride, padding, groups, dilation=1):
    """The convolution without bias of an x that suits."""
    return FusedStages.apply(x, weight, stages=(convolution(*shapes(x, weight), stride, padding, groups, dilation),))


def conv_norm(x, weight, norm, activation, stride, padding, groups, dilation=1):
    """Convolution, normalization by the batch's statistics and activation of an x that suits.

    Args:
        x (Tensor): float32 [N, C, H, W].
        weight (Tensor): float32 [O, C / groups, k, l].
        norm (nn.BatchNorm2D): in training mode; its running statistics are updated.
        activation (Activation | None): None for none.
        stride (int): of the convolution.
        padding (tuple[int, ...]): of the convolution: top, left, bottom, right.
        groups (int): of the convolution.
        dilation (int): of the convolution.
    """
    first = convolution(*shapes(x, weight), stride, padding, groups, dilation)
    stages = [first, normalization(first.target, norm._epsilon)]
    if activation:
        stages.append(elementwise(first.target, activation))
    mean, variance = paddle.empty_like(norm._mean), paddle.empty_like(norm._variance)
    y = FusedStages.apply(x, weight, norm.weight, norm.bias, mean, variance, stages=tuple(stages))
    with paddle.no_grad():
        for running, value in ((norm._mean, mean), (norm._variance, variance)):
            running.scale_(norm._momentum).add_(value * (1 - norm._momentum))
    return y


def shapes(x, weight):
    """The sizes of both as tuples, the keys of what is cached."""
    return tuple(x.shape), tuple(weight.shape)


class FusedStages(PyLayer):
    """Stages one after another, with the values carried to the layout of each."""

    @staticmethod
    def forward(ctx, x, *parameters, stages):
        layout, value = onednn.plain(*x.shape), x.contiguous()
        ctx.stages, ctx.kept, ctx.count = stages, [], 1 + len(parameters)
        ctx.moving = [not tensor.stop_gradient for tensor in (x, *parameters)]
        given = iter(parameters)
        for stage in stages:
            value = onednn.carry(value, layout, stage.source)
            value, kept = stage.forward(value, *(next(given) for _ in range(stage.takes)))
            layout = stage.target
            ctx.kept.append(kept)
        y = paddle.empty(list(stages[-1].target.sizes), dtype="float32")
        return onednn.carry(value, layout, onednn.plain(*y.shape), y)

    @staticmethod
    def backward(ctx, gradient):
        if paddle.is_grad_enabled():  # create_graph=True
            raise RuntimeError(
                "a convolution by oneDNN has no second derivative: set higher_gradients = True on the model (see "
                "common/layers/fast_conv.py), or onednn: false in the configuration"
            )
        layout = ctx.stages[-1].target
        own = onednn.empty(layout)  # a stage may write over the gradient it is given
        gradient = onednn.carry(gradient.contiguous(), onednn.plain(*gradient.shape), layout, own)
        gradients, end = [None] * ctx.count, ctx.count
        for stage, kept in zip(reversed(ctx.stages), reversed(ctx.kept)):
            gradient = onednn.carry(gradient, layout, stage.target)
            start = end - stage.takes
            wanted = ctx.moving[start:end]
            gradient, gradients[start:end] = stage.backward(gradient, kept, wanted, any(ctx.moving[:start]))
            end, layout = start, stage.source
        if ctx.moving[0]:
            gradients[0] = onednn.carry(gradient, layout, onednn.plain(*layout.sizes)).reshape(list(layout.sizes))
        return tuple(gradients)


class Convolution:
    """One convolution of fixed shapes.

    Args:
        x (tuple[int, ...]): sizes of what comes in.
        weight (tuple[int, ...]): sizes of the weight.
        stride (int): along both axes.
        padding (tuple[int, ...]): top, left, bottom, right.
        groups (int): equal to the channels it is depthwise.
        dilation (int): along both axes.
    """

    takes = 1

    def __init__(self, x, weight, stride, padding, groups, dilation=1):
        before, after = padding[:2], padding[2:]
        reach = [dilation * (side - 1) + 1 for side in weight[2:]]
        extents = ((x[i + 2] + before[i] + after[i] - reach[i]) // stride + 1 for i in (0, 1))
        y = (x[0], weight[0], *extents)
        if groups > 1:
            weight = (groups, weight[0] // groups, *weight[1:])
        self.sizes, self.weight = (x, weight, y), onednn.plain(*weight)
        self.ends = [onednn.numbers(pair) for pair in ((stride,) * 2, (dilation - 1,) * 2, before, after)]
        self.run = self.operation("forward", "src", "weights", "dst")
        self.source, self.target = self.run.layouts["src"], self.run.layouts["dst"]

    def operation(self, way, *names):
        """The operation of one way, in the layouts it likes best; `names` are those of x, weight and y in it."""
        arrays = [onednn.any_layout(sizes) for sizes in self.sizes]
        if way != "backward_data":
            arrays.insert(2, None)  # the bias
        arguments = (onednn.DIRECT_CONVOLUTION, *arrays, *self.ends)
        arguments = (onednn.FORWARD_TRAINING, *arguments) if way == "forward" else (*arguments, self.run.description)
        made = onednn.describe(f"convolution_{way}", *arguments)
        return onednn.Operation(made, onednn.chosen_layouts(made, **dict(zip(names, self.sizes))))

    @functools.cached_property
    def to_x(self):
        """The operation that gives the gradient of x; made when it is first wanted, for evaluation never wants it."""
        return self.operation("backward_data", "diff_src", "weights", "diff_dst")

    @functools.cached_property
    def to_weight(self):
        """The operation that gives the gradient of the weight."""
        return self.operation("backward_weights", "src", "diff_weights", "diff_dst")

    def forward(self, x, weight):
        """(y, what `backward` needs)."""
        y = onednn.empty(self.target)
        self.run(src=x, weights=onednn.carry(weight, self.weight, self.run.layouts["weights"]), dst=y)
        return y, (x, weight)

    def backward(self, gradient, kept, wanted, further):
        """(gradient of x, [gradient of the weight]), each where it is wanted."""
        x, weight = kept
        to_x, to_weight = None, None
        if wanted[0]:
            layouts = self.to_weight.layouts
            result = onednn.empty(layouts["diff_weights"])
            self.to_weight(
                src=onednn.carry(x, self.source, layouts["src"]),
                diff_dst=onednn.carry(gradient, self.target, layouts["diff_dst"]),
                diff_weights=result,
            )
            to_weight = onednn.carry(result, layouts["diff_weights"], self.weight, paddle.empty_like(weight))
        if further:
            layouts = self.to_x.layouts
            result = onednn.empty(layouts["diff_src"])
            self.to_x(
                weights=onednn.carry(weight, self.weight, layouts["weights"]),
                diff_dst=onednn.carry(gradient, self.target, layouts["diff_dst"]),
                diff_src=result,
            )
            to_x = onednn.carry(result, layouts["diff_src"], self.source)
        return to_x, [to_weight]


class Normalization:
    """Batch normalization by the batch's own statistics, in a fixed layout.

    Args:
        layout (Layout): of what comes in and goes out.
        epsilon (float): added to the variance.
    """

    takes = 4  # scale, shift, and where the mean and the variance go

    def __init__(self, layout, epsilon):
        self.source = self.target = layout
        channels = onednn.plain(layout.sizes[1])
        parts = {"mean": channels, "variance": channels, "scale": channels}
        flags = onednn.USE_SCALE | onednn.USE_SHIFT
        forward = onednn.describe(
            "batch_normalization_forward",
            onednn.FORWARD_TRAINING,
            *(layout.handle, layout.handle),
            ctypes.c_float(epsilon),
            flags,
        )
        back = onednn.describe(
            "batch_normalization_backward",
            onednn.BACKWARD,
            *(layout.handle, layout.handle, layout.handle),
            ctypes.c_float(epsilon),
            flags,
            forward,
        )
        self.run = onednn.Operation(forward, {"src": layout, "dst": layout, "shift": channels, **parts})
        changes = {"diff_src": layout, "diff_dst": layout, "diff_scale": channels, "diff_shift": channels}
        self.back = onednn.Operation(back, {"src": layout, **changes, **parts})

    def forward(self, x, scale, shift, mean, variance):
        """(y, what `backward` needs)."""
        y = onednn.empty(self.target)
        self.run(src=x, dst=y, scale=scale, shift=shift, mean=mean, variance=variance)
        return y, (x, scale, mean, variance)

    def backward(self, gradient, kept, wanted, further):
        """(gradient of x, those of scale and shift)."""
        x, scale, mean, variance = kept
        changes = [paddle.empty_like(scale), paddle.empty_like(scale)]
        given = {"src": x, "diff_dst": gradient, "scale": scale, "mean": mean, "variance": variance}
        self.back(**given, diff_src=gradient, diff_scale=changes[0], diff_shift=changes[1])
        return gradient, [change if want else None for change, want in zip(changes, wanted)] + [None, None]


class Elementwise:
    """An activation, in a fixed layout.

    Args:
        layout (Layout): of what comes in and goes out.
        activation (Activation): which one.
    """

    takes = 0

    def __init__(self, layout, activation):
        self.source = self.target = layout
        kind, alpha, beta, from_result = activation
        factors = (ctypes.c_float(alpha), ctypes.c_float(beta))
        forward = onednn.describe(
            "eltwise_forward", onednn.FORWARD_TRAINING, kind, layout.handle, layout.handle, *factors
        )
        self.from_result = from_result is not None
        handles = (layout.handle, layout.handle, layout.handle)
        back = onednn.describe("eltwise_backward", from_result or kind, *handles, *factors, forward)
        self.run = onednn.Operation(forward, {"src": layout, "dst": layout})
        known = "dst" if self.from_result else "src"
        self.back = onednn.Operation(back, {known: layout, "diff_src": layout, "diff_dst": layout})

    def forward(self, x):
        """(y, what `backward` needs); y takes the place of x where going back does not need x."""
        y = x if self.from_result else onednn.empty(self.target)
        self.run(src=x, dst=y)
        return y, y if self.from_result else x

    def backward(self, gradient, kept, wanted, further):
        """(gradient of x, [])."""
        self.back(**{"dst" if self.from_result else "src": kept}, diff_dst=gradient, diff_src=gradient)
        return gradient, []


cached = functools.lru_cache(maxsize=4096)
convolution, normalization, elementwise = cached(Convolution), cached(Normalization), cached(Elementwise)
