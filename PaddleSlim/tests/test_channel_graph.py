"""Dependent channels are found, unprunable ones are reported, and a pruned network equals the masked one."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F

from common.build.macs import count_macs
from common.errors import ConfigError
from PaddleSlim.models.prune.channel_graph import ChannelGraph
from PaddleSlim.models.prune.prune_channels import prune_channels, remove_channels

IMAGE = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype("float32")


class Network(nn.Layer):
    """A convolution, `body`, and a linear layer with two outputs."""

    inputs = {"image": ([None, 3, None, None], "float32")}
    features = 6

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2D(3, 6, 3, padding=1)
        self.build()
        self.fc = nn.Linear(self.features, 2)

    def build(self):
        """More layers."""

    def body(self, x):
        """Features of features [N, 6, 8, 8]."""
        return x

    def predict(self, image):
        """Two outputs per image."""
        return self.fc(F.adaptive_avg_pool2d(self.body(self.first(image)), 1).flatten(1))


class Residual(Network):
    """An addition ties the first and the last convolution; the layer between them is independent."""

    def build(self):
        self.inner, self.last, self.norm = nn.Conv2D(6, 4, 1), nn.Conv2D(4, 6, 1), nn.BatchNorm2D(6)

    def body(self, x):
        return F.relu(x + self.norm(self.last(F.relu(self.inner(x)))))


class Dense(Network):
    """A concatenation ties nothing."""

    features = 10

    def build(self):
        self.grow = nn.Conv2D(6, 4, 3, padding=1)

    def body(self, x):
        return paddle.concat([x, self.grow(x)], axis=1)


class Depthwise(Network):
    """A depthwise convolution follows its input, here with two outputs per channel."""

    features = 12

    def build(self):
        self.depthwise, self.norm = nn.Conv2D(6, 12, 3, groups=6), nn.BatchNorm2D(12)

    def body(self, x):
        return self.norm(self.depthwise(x))


class Grouped(Network):
    """Groups stay equal: of 6 channels in 2 groups, the first of both go together."""

    features = 4

    def build(self):
        self.grouped = nn.Conv2D(6, 4, 1, groups=2)

    def body(self, x):
        return self.grouped(x)


class Shuffled(Network):
    """Halves that are split stay halves."""

    def build(self):
        self.other = nn.Conv2D(3, 3, 1)

    def body(self, x):
        kept, changed = paddle.split(x, 2, axis=1)
        return F.channel_shuffle(paddle.concat([kept, self.other(changed)], axis=1), 2)


class Flattened(Network):
    """A linear layer after a flatten reads each channel at 64 positions."""

    features = 6 * 64

    def predict(self, image):
        return self.fc(self.first(image).flatten(1))


class Gated(Network):
    """Squeeze and excitation: the gate has the channels of its input."""

    def build(self):
        self.reduce, self.expand = nn.Conv2D(6, 2, 1), nn.Conv2D(2, 6, 1)

    def body(self, x):
        return x * F.sigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class Upsampled(Network):
    """A transposed convolution, and a spatial gate that is shared by all channels."""

    features = 5

    def build(self):
        self.up, self.attention = nn.Conv2DTranspose(6, 5, 2, stride=2), nn.Conv2D(5, 1, 1)

    def body(self, x):
        x = F.interpolate(self.up(x), scale_factor=2)
        return x * F.sigmoid(self.attention(x))


CASES = {  # layers of each group and its units
    Residual: {("first", "last"): 6, ("inner",): 4},
    Dense: {("first",): 6, ("grow",): 4},
    Depthwise: {("first",): 6},
    Grouped: {("first",): 3, ("grouped",): 2},
    Shuffled: {("first", "other"): 3},
    Flattened: {("first",): 6},
    Gated: {("first", "expand"): 6, ("reduce",): 2},
    Upsampled: {("first",): 6, ("up",): 5},
}


def build(kind):
    """A network with statistics and biases that are not the initial ones."""
    paddle.seed(3)
    model = kind()
    for value in model.state_dict().values():
        if len(value.shape) == 1:
            value.set_value(paddle.rand(value.shape) + 0.5)
    model.eval()
    return model


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_dependent_channels_are_one_unit(kind):
    graph = ChannelGraph(build(kind), {"image": IMAGE})
    assert {group.layers: len(group.units) for group in graph.groups} == CASES[kind]
    assert graph.reason("fc.weight") == "is an output of the model"


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_a_pruned_network_equals_the_masked_one(kind):
    model = build(kind)
    graph = ChannelGraph(model, {"image": IMAGE})
    removed = [int(unit) for group in graph.groups for unit in group.units[: len(group.units) // 2]]
    values = model.state_dict()
    for use in graph.uses:  # the consumers of the channels ignore them
        if use.role == "in":
            array = np.moveaxis(values[use.name].numpy(), use.axis, 0).copy()
            array[np.isin(use.labels, removed)] = 0
            values[use.name].set_value(np.ascontiguousarray(np.moveaxis(array, 0, use.axis)))
    image = paddle.to_tensor(IMAGE)
    expected, whole = model.predict(image).numpy(), count_macs(model, image)
    assert graph.macs() == whole
    step = remove_channels(model, graph.kept(removed))
    np.testing.assert_allclose(model.predict(image).numpy(), expected, rtol=1e-4, atol=1e-5)
    assert count_macs(model, image) == graph.macs(removed) < whole

    again = kind()
    prune_channels(again, step["shapes"])
    again.set_state_dict(model.state_dict())
    again.eval()
    np.testing.assert_array_equal(again.predict(image).numpy(), model.predict(image).numpy())


def test_removing_zero_filters_changes_nothing():
    model = build(Residual)
    values = model.state_dict()
    for name in ("first.weight", "first.bias", "last.weight", "norm.weight", "norm.bias"):
        array = values[name].numpy()
        array[[1, 4]] = 0
        values[name].set_value(array)
    graph, image = ChannelGraph(model, {"image": IMAGE}), paddle.to_tensor(IMAGE)
    before = model.predict(image).numpy()
    group = next(group for group in graph.groups if "last" in group.layers)
    remove_channels(model, graph.kept([int(group.units[1]), int(group.units[4])]))
    assert model.first.weight.shape[0] == 4 and model.norm._num_features == 4 and model.inner._in_channels == 4
    np.testing.assert_allclose(model.predict(image).numpy(), before, rtol=1e-5, atol=1e-6)


def test_a_pruned_depthwise_convolution_has_fewer_groups_and_trains():
    model = build(Depthwise)
    graph = ChannelGraph(model, {"image": IMAGE})
    remove_channels(model, graph.kept([int(graph.groups[0].units[0])]))
    assert (model.depthwise._groups, model.depthwise._in_channels, model.depthwise._out_channels) == (5, 5, 10)
    model.train()
    optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters())
    model.predict(paddle.to_tensor(IMAGE)).sum().backward()
    assert all(list(p.grad.shape) == list(p.shape) for p in model.parameters() if not p.stop_gradient)
    optimizer.step()


class Attended(Network):
    """A product of two activations."""

    features = 1

    def body(self, x):
        rows = x.flatten(2)
        return paddle.matmul(rows, rows, transpose_y=True).unsqueeze(1)


class Halved(Network):
    """A slice at a fixed channel."""

    features = 2

    def body(self, x):
        return x[:, :2]


@pytest.mark.parametrize(("kind", "words"), [(Attended, "goes into matmul"), (Halved, "is sliced at a fixed channel")])
def test_unprunable_channels_have_a_reason(kind, words):
    graph = ChannelGraph(build(kind), {"image": IMAGE})
    assert graph.groups == [] and words in graph.reason("first.weight")


class Auxiliary(Residual):
    """A second linear layer that `predict` does not use."""

    def build(self):
        super().build()
        self.auxiliary = nn.Linear(6, 2)


class WithOutputs(Auxiliary):
    """A network that declares its training outputs."""

    def training_outputs(self, image):
        """The outputs of the second layer."""
        return self.auxiliary(F.adaptive_avg_pool2d(self.first(image), 1).flatten(1))


def test_layers_used_in_training_only_are_reported():
    with pytest.raises(ConfigError, match=r"auxiliary.bias, auxiliary.weight \(2 arrays\) are not used in predict"):
        ChannelGraph(build(Auxiliary), {"image": IMAGE})


def test_layers_used_in_training_only_are_traced_if_the_model_declares_their_outputs():
    model = build(WithOutputs)
    graph = ChannelGraph(model, {"image": IMAGE})
    assert ("auxiliary.weight", 0) in graph.kept(graph.groups[0].units[:1])
    assert graph.macs() == count_macs(model, paddle.to_tensor(IMAGE))


class Sequence(nn.Layer):
    """Two linear layers over steps whose number the program computes, as a mask of a text does."""

    inputs = {"x": ([None, None, 4], "float32")}

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 8), nn.Linear(8, 6), nn.Linear(6, 2)

    def predict(self, x):
        """Two outputs per sequence, from the steps before the end of the program's own count."""
        mask = (paddle.arange(paddle.shape(x)[1]).astype("float32") < 5).astype("float32").unsqueeze(0).unsqueeze(2)
        inner = F.relu(self.second(F.relu(self.first(x * mask)) * mask))
        return self.last((inner * mask).max(1))


def test_a_network_of_sequences_of_open_length_is_pruned_and_its_multiply_adds_are_those_of_the_run():
    model, x = Sequence(), paddle.rand([1, 7, 4])
    graph = ChannelGraph(model, {"x": x.numpy()})
    assert {group.name: len(group.units) for group in graph.groups} == {"first": 8, "second": 6}
    assert graph.macs() == count_macs(model, x) == 7 * (4 * 8 + 8 * 6) + 6 * 2
    removed = [unit for group in graph.groups for unit in group.units[:2]]
    remove_channels(model, graph.kept(removed))
    assert graph.macs(removed) == count_macs(model, x) == 7 * (4 * 6 + 6 * 4) + 4 * 2
