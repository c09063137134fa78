"""Weights are loaded with a report of what matches, what does not, and why."""

import numpy as np
import pytest

from common.errors import ConfigError
from common.weights import pretrained

SHAPES = {f"backbone.conv{i}.weight": (4, 3) for i in range(4)} | {"head.conv.weight": (3, 4), "head.conv.bias": (3,)}


def arrays(**changed):
    return {name: np.ones(changed.get(name, shape), np.float32) for name, shape in SHAPES.items()}


def other_head():
    return arrays() | {"head.conv.weight": np.ones((80, 4)), "head.conv.bias": np.ones(80)}


def test_matching_weights_are_loaded_completely():
    report = pretrained.check_fit(arrays(), SHAPES, "best", strict=True)
    assert report.complete() and len(report.loaded) == 6 and report.summary() == "loaded 6/6"


def test_a_head_for_other_classes_is_reported_as_reinitialized():
    report = pretrained.check_fit(other_head(), SHAPES, "coco", strict=False)
    assert report.summary() == "loaded 4/6; head.* reinitialized because shapes differ (80 -> 3)"


def test_strict_loading_lists_the_differences():
    found = other_head()
    del found["backbone.conv0.weight"]
    found["neck.weight"] = np.ones(1)
    with pytest.raises(ConfigError) as caught:
        pretrained.check_fit(found, SHAPES, "output/x/best", strict=True)
    message = str(caught.value)
    assert "output/x/best: does not match the model (3 of 6 arrays match)" in message
    assert "head.conv.weight: 80x4 in the file, 3x4 in the model" in message
    assert "backbone.conv0.weight: not in the file" in message and "neck.weight: not in the model" in message
    assert "pretrained=PATH" in message


def test_long_lists_are_cut_so_that_the_message_stays_short():
    shapes = {f"layer{i}.weight": (2,) for i in range(300)}
    with pytest.raises(ConfigError) as caught:
        pretrained.check_fit({"layer0.weight": np.ones(2)}, shapes, "x", strict=True)
    assert len(str(caught.value).splitlines()) <= 12 and "... and 290 more" in str(caught.value)


@pytest.mark.parametrize("strict", [True, False])
def test_nothing_loaded_is_an_error_that_shows_both_sides(strict):
    with pytest.raises(ConfigError) as caught:
        pretrained.check_fit({"module.conv": np.ones(2)}, SHAPES, "x.pdparams", strict)
    if not strict:
        assert "none of the model's 6 arrays" in str(caught.value) and "module.conv" in str(caught.value)
        assert "backbone.conv0.weight" in str(caught.value)


def test_nothing_is_transposed_silently():
    report = pretrained.match_arrays(arrays() | {"head.conv.weight": np.ones((4, 3))}, SHAPES)
    assert report.mismatched == [("head.conv.weight", (4, 3), (3, 4))]
    assert "3x4" not in report.loaded and "4x3 -> 3x4" in report.summary()


class Tensor:
    """The part of a paddle Tensor that `load_arrays` uses."""

    def __init__(self, shape, dtype="paddle.float32"):
        self.shape, self.dtype, self.value = list(shape), dtype, None

    def set_value(self, value):
        self.value = value


class Model:
    def __init__(self, dtype="paddle.float32"):
        self.state = {name: Tensor(shape, dtype) for name, shape in SHAPES.items()}

    def state_dict(self):
        return self.state


def test_loading_sets_the_matching_arrays_only(caplog):
    model = Model()
    with caplog.at_level("INFO", logger="kit"):
        pretrained.load_arrays(model, other_head(), source="coco.safetensors", strict=False)
    assert model.state["backbone.conv0.weight"].value.tolist() == np.ones((4, 3)).tolist()
    assert model.state["head.conv.weight"].value is None
    assert "coco.safetensors: loaded 4/6; head.*" in caplog.text


def test_strict_loading_changes_nothing_on_a_mismatch():
    model = Model()
    with pytest.raises(ConfigError):
        pretrained.load_arrays(model, other_head(), source="x", strict=True)
    assert all(tensor.value is None for tensor in model.state.values())


def test_dtypes_follow_the_model_and_bfloat16_is_rounded_to_even():
    half = {name: value * np.float32(1 + 2**-7 + 2**-8) for name, value in arrays().items()}
    model = Model("paddle.bfloat16")
    pretrained.load_arrays(model, half, source="x", strict=True)
    bits = model.state["head.conv.bias"].value
    assert bits.dtype == np.uint16 and bits[0] == 0x3F82  # 1.01171875 lies between 0x3f81 and 0x3f82: to the even one
    wide = Model()
    pretrained.load_arrays(wide, {name: np.full(s, 0x3F80, np.uint16) for name, s in SHAPES.items()}, "x", strict=True)
    assert wide.state["head.conv.bias"].value.dtype == np.float32 and wide.state["head.conv.bias"].value[0] == 1.0
