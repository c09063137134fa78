"""The pass: which layers run by oneDNN after it, and when the framework does the work; TensorFlow's padding by hand."""

import copy

import numpy as np
import paddle
import pytest
from paddle import nn

from common.layers import fast_conv, fused_conv, onednn
from common.layers.fast_conv import FastConv2D, is_fast, same_padding, use_fast_convolutions
from common.layers.sync_batch_norm import convert_sync_batch_norm
from tests.common.layers.fast_blocks import assert_same, block_of, both, count_calls

pytestmark = pytest.mark.usefixtures("with_onednn")

FAST = {
    "plain": {},
    "a kernel of 1": {"kernel_size": 1},
    "two sides": {"kernel_size": (1, 5), "padding": (0, 2)},
    "grouped": {"groups": 4},
    "dilated": {"dilation": 2, "padding": 2},
    "TensorFlow's padding": {"padding": "SAME", "stride": 2, "kernel_size": (5, 2)},
    "without a bias": {"bias_attr": False},
}
SLOW = {
    "no padding by its name": {"padding": "VALID"},
    "four sides": {"padding": [0, 1, 2, 3]},
    "unequal strides": {"stride": (2, 1)},
    "unequal dilations": {"dilation": (2, 1)},
    "reflection padding": {"padding_mode": "reflect"},
    "channels last": {"data_format": "NHWC"},
}


def conv(**more):
    paddle.seed(1)
    return nn.Conv2D(16, 16, **{"kernel_size": 3, "padding": 1, **more})


def block(**more):
    """Convolution without bias, normalization and ReLU, after the pass."""
    return use_fast_convolutions(block_of(conv(bias_attr=False, **more), nn.ReLU()))


def image(side=13):
    paddle.seed(2)
    return paddle.randn([2, 16, side, 16])


@pytest.mark.parametrize("case", [*FAST, *SLOW])
def test_a_convolution_computes_what_the_frameworks_does(case, monkeypatch):
    calls, given = count_calls(monkeypatch, "conv2d"), {**FAST, **SLOW}[case]
    x = image() if "data_format" not in given else image().transpose([0, 2, 3, 1])
    assert_same(*both(use_fast_convolutions(conv(**given)), x, monkeypatch))
    assert len(calls) == (case in FAST)


@pytest.mark.parametrize("case", ["no padding by its name", "four sides", "unequal strides", "reflection padding"])
def test_a_block_whose_convolution_oneDNN_is_not_asked_for_is_not_joined(case, monkeypatch):
    monkeypatch.setattr(fused_conv, "FusedStages", None)
    assert block(**SLOW[case])(image()).shape[:2] == [2, 16]


def test_of_one_pixel_the_framework_does_the_matrix_product(monkeypatch):
    monkeypatch.setattr(fused_conv, "FusedStages", None)
    layer = use_fast_convolutions(conv(kernel_size=1, padding=0))
    assert layer(paddle.randn([2, 16, 1, 1])).shape == [2, 16, 1, 1]


def test_parameters_names_hooks_and_state_dict_stay():
    model = nn.Sequential(conv(), nn.Sequential(conv(bias_attr=False), nn.BatchNorm2D(16)))
    model[1].register_forward_post_hook(lambda layer, given, y: y * 0)
    before, state = dict(model.named_parameters()), list(model.state_dict())
    assert use_fast_convolutions(model) is model and is_fast(model)
    assert list(model.state_dict()) == state
    assert all(parameter is before[name] for name, parameter in model.named_parameters())
    assert isinstance(model[1], nn.Sequential) and isinstance(model[0], nn.Conv2D)
    assert np.abs(model(image()).numpy()).max() == 0


def test_to_call_it_twice_does_no_harm():
    model = block()
    kinds = [type(layer) for layer in model.sublayers(include_self=True)]
    assert [type(layer) for layer in use_fast_convolutions(model).sublayers(include_self=True)] == kinds


@pytest.mark.parametrize("why", ["onednn: false", "KIT_ONEDNN=0", "the device is gpu:0", "without oneDNN 3"])
def test_where_it_is_off_a_model_stays_as_it_is_and_the_log_says_why(why, monkeypatch):
    said = []
    monkeypatch.setattr(fast_conv, "say", said.append)
    if why.startswith("KIT"):
        monkeypatch.setenv("KIT_ONEDNN", "0")
    elif "gpu" in why:
        monkeypatch.setattr(paddle.device, "get_device", lambda: "gpu:0")
    elif "without" in why:
        monkeypatch.setattr(onednn, "library", lambda: None)
    model = use_fast_convolutions(block_of(conv(bias_attr=False)), on=why != "onednn: false")
    assert [type(layer) for layer in model.sublayers(include_self=True)] == [nn.Sequential, nn.Conv2D, nn.BatchNorm2D]
    assert len(said) == 1 and "PaddlePaddle's own" in said[0] and why in said[0]


def test_the_log_says_that_it_is_on_and_nothing_of_a_model_without_convolutions(monkeypatch):
    said = []
    monkeypatch.setattr(fast_conv, "say", said.append)
    use_fast_convolutions(nn.Linear(1, 1))
    use_fast_convolutions(conv())
    assert said == ["convolutions: oneDNN"]


def test_a_part_that_needs_gradients_of_gradients_stays_plain_and_has_them():
    model = nn.LayerDict({"generator": conv(), "critic": nn.Sequential(conv(), nn.Softplus())})
    model["critic"].higher_gradients = True
    use_fast_convolutions(model)
    assert type(model["generator"]) is FastConv2D and type(model["critic"][0]) is nn.Conv2D
    x = image()
    x.stop_gradient = False
    (slope,) = paddle.grad(model["critic"](x).sum(), x, create_graph=True)
    (slope**2).sum().backward()
    assert np.abs(model["critic"][0].weight.grad.numpy()).max() > 0


def test_a_subclass_with_a_forward_of_its_own_is_left_alone():
    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    class Own(nn.Conv2D):
        pass

    model = use_fast_convolutions(Residual(Own(16, 16, 3), nn.BatchNorm2D(16)))
    assert type(model) is Residual and type(model[0]) is Own


@pytest.mark.parametrize(
    "why",
    ["bias", "hook of the convolution", "hook of the normalization", "fixed statistics", "no scale", "synchronized"],
)
def test_a_convolution_that_cannot_be_joined_with_its_normalization_is_fast_alone(why, monkeypatch):
    monkeypatch.setattr(fused_conv, "conv_norm", None)
    model = block()
    if why == "bias":
        model[0].bias = model[0].create_parameter([16], default_initializer=nn.initializer.Normal())
        model[1]._use_global_stats = True  # else the bias would have no gradient
    elif why == "fixed statistics":
        model[1]._use_global_stats = True
    elif why == "no scale":
        model[1] = nn.BatchNorm2D(16, weight_attr=False)
    elif why == "synchronized":
        convert_sync_batch_norm(model)
    else:
        model["convolution" not in why].register_forward_post_hook(lambda layer, given, y: y * 2)
    calls = count_calls(monkeypatch, "conv2d")
    assert_same(*both(model, image(), monkeypatch))
    assert len(calls) == 1


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.ReLU()])
def test_an_activation_that_is_unknown_or_has_a_hook_comes_after_the_joint_step(activation, monkeypatch):
    model = use_fast_convolutions(block_of(conv(bias_attr=False), activation))
    seen = []
    activation.register_forward_post_hook(lambda layer, given, y: seen.append(y))
    calls = count_calls(monkeypatch, "conv_norm")
    assert_same(*both(model, image(), monkeypatch))
    assert len(calls) == 1 and len(seen) == 2


def test_layers_before_between_and_after_joint_steps_run_in_their_order(monkeypatch):
    pairs = [conv(bias_attr=False), nn.BatchNorm2D(16), nn.MaxPool2D(2), conv(bias_attr=False), nn.BatchNorm2D(16)]
    model = use_fast_convolutions(nn.Sequential(nn.ReLU(), *pairs, nn.Tanh(), conv()))
    calls = [count_calls(monkeypatch, name) for name in ("conv_norm", "conv2d")]
    assert_same(*both(model, image(), monkeypatch))
    assert [len(found) for found in calls] == [2, 1]


def test_a_shared_convolution_gets_the_gradients_of_all_its_uses(monkeypatch):
    shared = conv(bias_attr=False)
    model = use_fast_convolutions(nn.Sequential(block_of(shared), block_of(shared, nn.ReLU()), shared))
    assert_same(*both(model, image(), monkeypatch))


def test_other_numbers_than_float32_and_empty_batches_are_the_frameworks(monkeypatch):
    monkeypatch.setattr(fused_conv, "FusedStages", None)
    assert block()(image()[:0]).shape == [0, 16, 13, 16]
    assert block().to(dtype="float64")(image().astype("float64")).dtype == paddle.float64


def test_a_copy_computes_with_its_own_weights():
    model = block()
    model.eval()
    other = copy.deepcopy(model)
    other[0].weight.set_value(other[0].weight * 0)
    assert type(other) is type(model)
    assert np.ptp(other(image()).numpy(), axis=(0, 2, 3)).max() == 0 < np.ptp(model(image()).numpy())


def test_the_exported_program_is_that_of_the_plain_layers():
    model = nn.Sequential(block(), use_fast_convolutions(conv(padding="SAME", stride=2)))
    model.eval()
    right = model(image()).numpy()
    program = paddle.jit.to_static(model, [paddle.static.InputSpec([None, 16, None, None])], full_graph=True)
    names = [op.name() for op in program.forward.concrete_program.main_program.global_block().ops]
    assert [name for name in names if name.startswith("pd_op.") and "data" not in name and "full" not in name] == [
        "pd_op.conv2d",
        "pd_op.batch_norm_",
        "pd_op.relu",
        "pd_op.conv2d",
        "pd_op.reshape",
        "pd_op.add",
    ]
    np.testing.assert_allclose(program(image()).numpy(), right, atol=1e-5)


def test_of_224_pixels_and_stride_2_the_odd_row_of_zeros_is_at_the_bottom():
    assert same_padding([224, 225], [3, 3], stride=2) == (0, 1, 1, 1)
    assert same_padding([224, 75], [5, 3], stride=2) == (1, 1, 2, 1)
    assert same_padding([9, 9], [3, 3], stride=1, dilation=2) == (2, 2, 2, 2)
