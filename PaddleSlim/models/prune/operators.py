"""Propagation rules of channel labels, one for each operator; see `labels.py` and `channel_graph.py`.

A rule takes the graph and an operator, and returns the labels of its first result, or a list with those of all results;
an operator without a rule fixes all channels that reach it.
"""

import numpy as np

from .labels import core, spread, static_shape, varying

DEPTHWISE = 0  # instead of a number of groups: one input channel per output channel

UNARY = {
    "relu", "relu6", "leaky_relu", "sigmoid", "hardsigmoid", "hardswish", "swish", "silu", "tanh", "gelu", "mish",
    "scale", "dropout", "assign", "cast", "clip", "exp", "sqrt", "rsqrt", "square", "pow", "abs", "share_data",
    "hardtanh", "softplus", "elu",
}  # fmt: skip
SPATIAL = {"pool2d", "max_pool2d_with_index", "nearest_interp", "bilinear_interp", "bicubic_interp", "pad3d", "pad"}
ELEMENTWISE = {"add", "subtract", "multiply", "divide", "maximum", "minimum", "elementwise_pow"}
RESHAPES = {"reshape", "flatten", "squeeze", "unsqueeze"}
REDUCTIONS = {"mean", "sum", "max", "min", "prod", "amax", "amin"}


def rule_of(name):
    """The rule of an operator by its name in a program, such as `pd_op.conv2d`."""
    name = name.rpartition(".")[2].rstrip("_")
    return next((rule for names, rule in TABLE if name in names), refuse)


def refuse(graph, op):
    """An unknown operator: fixes the channels of all operands."""
    name = op.name().rpartition(".")[2]
    for number in range(len(op.operands_source())):
        graph.fix_operand(op, number, f"goes into {name}, which mixes all channels")


def unary(graph, op):
    """An elementwise function of one tensor."""
    return graph.given(op, 0)


def spatial(graph, op):
    """A spatial operation on each channel: pooling, interpolation, padding."""
    whole = graph.given(op, 0)
    labels = core(whole)
    if labels.ndim != 4 or labels.shape[2:] != (1, 1):
        return refuse(graph, op)
    return [spread(labels, static_shape(result.shape, whole)) for result in op.results()]


def elementwise(graph, op):
    """An elementwise operation of two tensors: their channels are merged."""
    shape = op.results()[0].shape
    both = [graph.given(op, number) for number in (0, 1)]
    both = [labels.reshape((1,) * (len(shape) - labels.ndim) + labels.shape) for labels in both]
    shape = static_shape(shape, *both)
    for one, other, number in ((*both, 0), (*both[::-1], 1)):
        axes = varying(other)
        if graph.is_uniform(op, number):
            return spread(core(other), shape)
        if axes and all(one.shape[axis] == 1 for axis in axes):
            graph.fix(one, "is broadcast over the channels of another tensor", op)
            return spread(core(other), shape)
    one, other = (core(labels) for labels in both)
    common = np.broadcast_shapes(one.shape, other.shape)
    graph.labels.unite(np.broadcast_to(one, common), np.broadcast_to(other, common))
    return spread(np.broadcast_to(one, common), shape)


def batch_norm(graph, op):
    """Batch normalization: statistics, scale and shift of each channel."""
    labels = core(graph.given(op, 0))
    if labels.ndim < 2 or labels.size != labels.shape[1]:
        return refuse(graph, op)
    for number in range(1, 5):
        graph.use(op, number, 0, labels.ravel(), "scale" if number == 3 else "each")
    return graph.given(op, 0)


def convolution(graph, op):
    """A convolution: dense, grouped, depthwise or transposed."""
    labels = core(graph.given(op, 0))
    source, weight = (tuple(value.shape) for value in op.operands_source()[:2])
    groups, is_transposed = op.attrs()["groups"], "transpose" in op.name()
    if labels.ndim != 4 or labels.shape[2:] != (1, 1):
        return refuse(graph, op)
    channels = spread(labels, (1, source[1], 1, 1)).ravel()
    depthwise = groups > 1 and weight[1] == 1 and (not is_transposed or weight[0] == groups)
    if graph.parameter(op, 1) is None:
        if not (depthwise and weight[0] == groups and graph.is_uniform(op, 1)):
            return refuse(graph, op)
        outputs = channels  # one constant kernel for all channels
    elif depthwise:
        outputs = channels if is_transposed else np.repeat(channels, weight[0] // groups)
        graph.use(op, 1, 0, outputs, "each")
    elif groups == 1:
        graph.use(op, 1, 0 if is_transposed else 1, channels, "in")
        outputs = graph.use(op, 1, 1 if is_transposed else 0, None, "out")
    elif is_transposed:
        return refuse(graph, op)
    else:  # groups must stay equal: channels at the same position within their group are merged
        places = channels.reshape(groups, -1)
        graph.labels.unite(places, np.broadcast_to(places[:1], places.shape))
        graph.use(op, 1, 1, places[0], "in")
        outputs = graph.use(op, 1, 0, np.tile(graph.labels.fresh(weight[0] // groups), groups), "out")
    graph.count(op, channels, outputs, DEPTHWISE if depthwise else groups, is_transposed)
    return spread(outputs.reshape(1, -1, 1, 1), tuple(op.results()[0].shape))


def matmul(graph, op):
    """A linear layer; a product of two activations fixes both."""
    attributes, name = op.attrs(), graph.parameter(op, 1)
    whole, result = graph.given(op, 0), op.results()[0].shape
    labels, result = core(whole), (*static_shape(result, whole)[:-1], result[-1])
    plain = not attributes["transpose_x"] and not attributes["transpose_y"]
    if not plain or name is None or len(graph.shapes[name]) != 2 or labels.size != labels.shape[-1]:
        return refuse(graph, op)
    channels = spread(labels.ravel(), (graph.shapes[name][0],))
    graph.use(op, 1, 0, channels, "in")
    outputs = graph.use(op, 1, 1, None, "out")
    graph.count(op, channels, outputs, 1, False)
    return spread(outputs, result)


def concat(graph, op):
    """Concatenation."""
    parts = graph.list_of(op, 0)
    axis = int(graph.constant(op, 1)) % parts[0].ndim
    cores = [core(part) for part in parts]
    common = list(np.broadcast_shapes(*(part.take([0], axis).shape for part in cores)))
    pieces = []
    for part, whole in zip(cores, parts):
        common[axis] = whole.shape[axis]
        pieces.append(np.broadcast_to(part, common))
    return spread(np.concatenate(pieces, axis), static_shape(op.results()[0].shape, *parts))


def reshape(graph, op):
    """Another shape; if channels are spread over several axes, those in the same column are merged."""
    labels, shape = graph.given(op, 0), tuple(op.results()[0].shape)
    if labels.size != int(np.prod(shape)):
        return refuse(graph, op)
    result = np.reshape(labels, shape)
    axes = varying(result)
    if len(axes) > len(varying(labels)):
        for axis in axes[:-1]:
            graph.labels.unite(core(result), np.broadcast_to(core(result).take([0], axis), core(result).shape))
    return result


def transpose(graph, op):
    """A permutation of the axes."""
    return graph.given(op, 0).transpose(op.attrs()["perm"])


def channel_shuffle(graph, op):
    """Channel shuffle: channels at the same position within their group are merged."""
    whole = graph.given(op, 0)
    labels = spread(core(whole), (1, whole.shape[1], 1, 1))
    rows = labels.reshape(op.attrs()["groups"], -1)
    graph.labels.unite(rows, np.broadcast_to(rows[:1], rows.shape))
    return spread(rows.T.reshape(labels.shape), whole.shape)


def split(graph, op, shapes):
    """A split into parts of these shapes; along channels, those at the same position in their part are merged."""
    labels, axis = graph.given(op, 0), int(graph.constant(op, len(op.operands_source()) - 1))
    sizes = [shape[axis] for shape in shapes]
    pieces = np.split(labels, np.cumsum(sizes)[:-1], axis)
    if axis % labels.ndim in varying(labels):
        if len(set(sizes)) > 1:
            graph.fix(labels, "is split into unequal parts", op)
        else:
            for piece in pieces[1:]:
                graph.labels.unite(core(pieces[0]), np.broadcast_to(core(piece), core(pieces[0]).shape))
    return pieces


def crop(graph, op):
    """A slice of a tensor; along channels, it fixes them."""
    labels, starts, ends = graph.given(op, 0), graph.constant(op, 1), graph.constant(op, 2)
    if starts is None or ends is None:
        return refuse(graph, op)
    keep = [slice(None)] * labels.ndim
    for axis, start, end in zip(op.attrs()["axes"], starts, ends):
        if axis in varying(labels):
            graph.fix(labels, "is sliced at a fixed channel", op)
        keep[axis] = slice(start, end)
    return squeeze_to(op, labels[tuple(keep)], op.attrs().get("decrease_axis"))


def reduction(graph, op):
    """A reduction such as a mean; over channels, it fixes them."""
    labels, axes = graph.given(op, 0), op.attrs().get("axis")
    axes = graph.constant(op, 1) if axes is None else axes
    axes = [int(axis) % labels.ndim for axis in np.atleast_1d(axes)] if axes else range(labels.ndim)
    if set(axes) & set(varying(labels)):
        return refuse(graph, op)
    for axis in axes:
        labels = labels.take([0], axis)
    return squeeze_to(op, labels, axes)


def squeeze_to(op, labels, axes):
    """The labels with as many axes as an operator's result, which may be without these axes of size 1."""
    return labels if labels.ndim == len(op.results()[0].shape) else labels.squeeze(tuple(axes))


def constant(graph, op):
    """A constant or a shape, which belongs to no channel."""


TABLE = (
    (UNARY, unary), (SPATIAL, spatial), (ELEMENTWISE, elementwise), (RESHAPES, reshape), (REDUCTIONS, reduction),
    ({"batch_norm", "sync_batch_norm"}, batch_norm),
    ({"conv2d", "depthwise_conv2d", "conv2d_transpose", "depthwise_conv2d_transpose"}, convolution),
    ({"matmul"}, matmul), ({"concat"}, concat), ({"transpose"}, transpose), ({"channel_shuffle"}, channel_shuffle),
    ({"slice"}, crop), ({"full", "full_int_array", "data", "full_like", "shape", "shape64"}, constant),
)  # fmt: skip
