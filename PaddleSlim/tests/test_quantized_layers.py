"""Quantized networks: folding, placement of the quantizers, training, and noise analysis."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError
from common.layers import fused_conv, onednn
from common.layers.fast_conv import use_fast_convolutions
from PaddleSlim.models.quantize.analysis import analyze, decibels, keep_float_line
from PaddleSlim.models.quantize.calibration import Rules, quantize
from PaddleSlim.models.quantize.folding import fold_weight
from PaddleSlim.models.quantize.observers import THRESHOLDS
from PaddleSlim.models.quantize.quantized_layers import QuantizedConv2D, QuantizedLinear, Quantizer
from PaddleSlim.models.quantize.selection import matching
from PaddleSlim.models.quantize.structure import fold_batch_norm, quantize_layers, quantized_weights, quantizers


class Block(nn.Layer):
    """A residual block."""

    def __init__(self, channels):
        super().__init__()
        self.first, self.norm = nn.Conv2D(channels, channels, 3, padding=1, bias_attr=False), nn.BatchNorm2D(channels)
        self.activation = nn.ReLU()
        self.second = nn.Conv2D(channels, channels, 1)

    def forward(self, x):
        return F.relu(x + self.second(self.activation(self.norm(self.first(x)))))


class Small(nn.Layer):
    """A network with every case of quantizer placement."""

    task, outputs = "tensors", ("scores",)
    inputs = {"image": ([None, 3, 8, 8], "float32")}

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2D(3, 8, 3, padding=1, stride=2), nn.BatchNorm2D(8), nn.ReLU())
        self.block = Block(8)
        self.depthwise = nn.Conv2D(8, 8, 3, padding=1, groups=8)
        self.fc = nn.Linear(8, 5)

    def predict(self, image):
        features = F.relu(self.depthwise(self.block(self.stem(image))))
        return self.fc(F.adaptive_avg_pool2d(features, 1).flatten(1))

    forward = predict


def batch(seed=0, count=4):
    return paddle.to_tensor(np.random.default_rng(seed).normal(0, 1, (count, 3, 8, 8)).astype("float32"))


@pytest.fixture
def network():
    paddle.seed(3)
    network = Small()
    network.train()
    for seed in range(5):
        network.predict(batch(seed))
    network.eval()
    return network


def quantized(network, **rules):
    return quantize(network, network.predict, [batch(seed) for seed in range(3)], Rules(**{"batches": 3} | rules))


def test_a_folded_convolution_equals_the_convolution_and_its_normalization():
    # 3x + 1 normalized with mean 4, variance 3.99 + 0.01, scale 10, shift 0.5: (3x + 1 - 4) * 5 + 0.5 = 15x - 14.5
    norm = {"mean": np.array([4.0]), "variance": np.array([3.99]), "scale": np.array([10.0]), "shift": np.array([0.5])}
    weight, bias = fold_weight(np.full([1, 1, 1, 1], 3.0), np.array([1.0]), norm | {"epsilon": 0.01})
    assert weight.item() == pytest.approx(15) and bias.item() == pytest.approx(-14.5)


def test_quantizers_are_placed_at_producers_and_at_outputs_that_are_added(network):
    fold, step = quantized(network)
    assert fold == {"type": "fold_batch_norm", "pairs": [["stem.0", "stem.1"], ["block.first", "block.norm"]]}
    assert step["layers"] == {
        "stem.0": "stem.0.input_quantizer",  # the image has no producer
        "block.first": "stem.2.output_quantizer",  # so that the addition takes the same values
        "block.second": "block.activation.output_quantizer",
        "depthwise": "block.output_quantizer",
        "fc": "fc.input_quantizer",  # after functions that are not layers
    }
    assert step["ends"] == {"block.second": "block.second", "depthwise": "depthwise"}


def test_outputs_are_not_quantized_without_the_option(network):
    assert quantized(network, outputs=False)[1]["ends"] == {}


def test_a_layer_computes_with_quantized_input_and_weight():
    layer = nn.Conv2D(2, 3, 3, padding=1)
    made = QuantizedConv2D(layer)
    made.eval()
    made.fit_weight()
    made.input_quantizer.set_range(-1.0, 1.55)
    x = paddle.to_tensor(np.random.default_rng(0).uniform(-2, 2, (1, 2, 4, 4)).astype("float32"))
    steps = np.clip(np.rint(x.numpy() / 0.01), -100, 155)
    np.testing.assert_allclose(made.input_quantizer(x).numpy(), steps * 0.01, atol=1e-6)
    scale = np.abs(layer.weight.numpy()).max((1, 2, 3), keepdims=True) / 127
    weight = np.rint(layer.weight.numpy() / scale) * scale
    expected = F.conv2d(paddle.to_tensor(steps * 0.01, "float32"), paddle.to_tensor(weight), layer.bias, padding=1)
    np.testing.assert_allclose(made(x).numpy(), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2D(4, 6, 3, stride=2, padding=1, bias_attr=False),
        nn.Conv2D(4, 4, 3, padding="SAME", groups=4),
        nn.Conv2D(4, 6, [1, 3], padding=[0, 1], dilation=2),
        nn.Linear(4, 6),
    ],
)
def test_with_quantization_off_a_layer_equals_the_one_it_replaced(layer):
    shape = (2, 4) if isinstance(layer, nn.Linear) else (2, 4, 7, 7)
    x = paddle.to_tensor(np.random.default_rng(0).normal(0, 1, shape).astype("float32"))
    made = (QuantizedLinear if isinstance(layer, nn.Linear) else QuantizedConv2D)(layer)
    for part in (made, made.input_quantizer):
        part.is_off = True
    for mode in ("eval", "train"):
        getattr(made, mode)()
        np.testing.assert_allclose(made(x).numpy(), layer(x).numpy(), atol=1e-5)


def test_a_quantized_convolution_runs_by_onednn_where_the_one_it_replaced_did(monkeypatch):
    made = QuantizedConv2D(nn.Conv2D(4, 6, 3)), QuantizedConv2D(use_fast_convolutions(nn.Conv2D(4, 6, 3)))
    calls, conv2d = [], fused_conv.conv2d
    monkeypatch.setattr(fused_conv, "conv2d", lambda *given: calls.append(1) or conv2d(*given))
    for layer, count in zip(made, (0, onednn.library() is not None)):
        layer(paddle.randn([2, 4, 7, 7]))
        assert len(calls) == count


@pytest.mark.parametrize("observer", THRESHOLDS)
def test_the_predictions_stay_close_with_every_observer(network, observer):
    reference = network.predict(batch(1)).numpy()
    quantized(network, observer=observer)
    assert 20 < decibels([reference], [network.predict(batch(1)).numpy()]) < 60


def test_steps_and_weights_rebuild_the_network(network):
    steps = quantized(network, weights="mse", observer="percentile")
    other = Small()
    other.eval()
    for step in steps:
        arguments = {key: value for key, value in step.items() if key != "type"}
        {"fold_batch_norm": fold_batch_norm, "quantize_layers": quantize_layers}[step["type"]](other, **arguments)
    missing, unexpected = other.set_state_dict({k: v.numpy() for k, v in network.state_dict().items()})
    assert not missing and not unexpected
    np.testing.assert_array_equal(other.predict(batch()).numpy(), network.predict(batch()).numpy())


def test_gradients_reach_every_weight_and_the_ranges_track_the_data(network):
    quantized(network, momentum=0.9)
    network.train()
    before = {path: part.high.item() for path, part in quantizers(network).items()}
    network.predict(3 * batch()).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and np.abs(parameter.grad.numpy()).max() > 0, name
    assert all(part.high.item() > before[path] for path, part in quantizers(network).items())


def test_a_range_is_a_moving_average_and_momentum_1_keeps_it():
    x = paddle.to_tensor([-3.0, 2.0])
    for momentum, low, high in ((0.9, -1.2, 0.92), (1.0, -1.0, 0.8)):  # 0.9 * -1 + 0.1 * -3, 0.9 * 0.8 + 0.1 * 2
        quantizer = Quantizer(momentum)
        quantizer.set_range(-1.0, 0.8)
        quantizer.train()
        quantizer(x)
        assert quantizer.low.item() == pytest.approx(low) and quantizer.high.item() == pytest.approx(high)


def test_patterns_select_layers_and_one_without_a_match_is_refused(network):
    paths = ["backbone.stem.conv", "backbone.stages.0.conv", "head.fc"]
    assert matching(paths, ["backbone.*"], "x") == paths[:2] and matching(paths, ["head"], "x") == paths[2:]
    with pytest.raises(ConfigError, match=r"slim.keep_float.*'haed.fc'; did you mean head.fc"):
        matching(paths, ["haed.fc"], "slim.keep_float")
    quantized(network, keep_float=("block.*", "fc"))
    assert list(quantized_weights(network)) == ["stem.0", "depthwise"]
    with pytest.raises(ConfigError, match="no layer is left"):
        quantized(Small(), keep_float=("*",))
    every = Small()
    quantized(every)
    with pytest.raises(ConfigError, match="already quantized"):
        quantized(every)


def test_unknown_observers_are_refused():
    with pytest.raises(ValueError, match="observer is 'kll'; it must be one of abs_max"):
        Rules(observer="kll")


def test_decibels_are_ten_times_the_logarithm_of_the_ratio_of_energies():
    assert decibels([np.array([3.0, 4.0])], [np.array([3.0, 4.5])]) == pytest.approx(20)  # 25 against 0.25
    assert decibels([np.ones(3)], [np.ones(3)]) == float("inf")


def test_the_analysis_finds_the_layer_with_a_wrong_range(network):
    step = quantized(network)[1]
    quantizers(network)["block.activation.output_quantizer"].set_range(0.0, 0.05)  # nearly everything is clipped
    before = network.predict(batch()).numpy()
    noises = analyze(network, network.predict, [batch()], step)
    assert noises[0].path == "block.second" and noises[0].output < 15 < noises[1].output
    assert len(noises) == 5 and keep_float_line(noises, 1) == "keep_float: [block.second]"
    np.testing.assert_array_equal(network.predict(batch()).numpy(), before)  # the network is unchanged


def test_folding_a_convolution_with_other_consumers_is_refused():
    class Twice(nn.Layer):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2D(3, 3, 1), nn.BatchNorm2D(3)

        def predict(self, image):
            x = self.conv(image)
            return self.norm(x) + x

    network = Twice()
    network.norm._variance.set_value(np.full(3, 4.0, "float32"))
    with pytest.raises(ConfigError, match="is used by more than its normalization"):
        quantize(network, network.predict, [batch()], Rules(batches=1))
