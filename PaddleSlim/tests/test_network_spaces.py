"""Search spaces of networks: the meaning of their tokens; every candidate is an ordinary configuration."""

import pytest

from common.config import load_config
from common.config.overrides import assignments
from common.search.space import decode, size
from PaddleSlim.models.search.network_spaces import MobileNetV1Space, MobileNetV2Space, ResNetBlockSpace, scale_channels

SPACES = {
    "MobileNetV1": MobileNetV1Space(),
    "MobileNetV2": MobileNetV2Space(),
    "ResNet": ResNetBlockSpace(),
    "SmallResNet": ResNetBlockSpace("SmallResNet"),
}


def at(space, position):
    """The values of all dimensions at position 0 or -1."""
    return {d.name: d.values[position] for d in space.dimensions}


def test_tokens_of_mobilenet_v2_are_those_of_its_rows():
    space = MobileNetV2Space([[1, 16, 1, 1], [6, 24, 2, 2]], (3, 6), (0.5, 1.0), (3, 5), (0, 1))
    names = [d.name for d in space.dimensions]
    assert names == ["width0", "kernel0", "blocks0", "expansion1", "width1", "kernel1", "blocks1"]
    assert size(space.dimensions) == 2**7
    values = decode(space.dimensions, dict(zip(names, [0, 1, 0, 1, 1, 0, 1])))
    backbone = {"type": "MobileNetV2", "blocks": [[1, 8, 1, 1, 5], [6, 24, 3, 2, 3]]}
    assert space.overrides(values) == {"model.backbone": backbone}


def test_tokens_of_mobilenet_v1_and_of_residual_networks():
    space = MobileNetV1Space([[64, 1, 1], [128, 2, 2]], (0.5, 1.0), (3,), (0, 1))
    values = {**at(space, 0), "blocks1": 3}
    assert space.overrides(values)["model.backbone"]["stages"] == [[32, 1, 1, 3], [64, 2, 3, 3]]
    space = ResNetBlockSpace("SmallResNet", [1, 2, 3], (0.5, 2.0), (-1, 1), "model.student.backbone")
    assert space.overrides(at(space, -1)) == {
        "model.student.backbone": {"type": "SmallResNet", "width": [2.0, 2.0, 2.0], "blocks": [2, 3, 4]}
    }
    assert [d.values for d in space.dimensions][1::2] == [(1, 2), (1, 3), (2, 4)]  # a stage has at least one block


def test_channels_are_multiples_of_four():
    assert [scale_channels(24, width) for width in (0.5, 0.75, 1.25, 0.01)] == [12, 20, 32, 4]  # 18 is rounded up


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("position", [0, -1])
def test_the_least_and_the_largest_candidate_are_configurations_that_build(name, position):
    space = SPACES[name]
    keys = assignments(space.overrides(at(space, position)))
    config = load_config("PaddleCV/configs/mobilenet_v1.yml", keys)
    config.check()
    backbone = config.build("model.backbone")
    assert type(backbone).__name__ == name and backbone.out_channels


def test_a_space_without_a_choice_and_wrong_rows_are_refused():
    with pytest.raises(ValueError, match="only one candidate"):
        ResNetBlockSpace(widths=[1.0], repeats=[0])
    with pytest.raises(ValueError, match=r"blocks.0"):
        MobileNetV2Space([[1, 16, 1]])
    with pytest.raises(ValueError, match="4 stages"):
        ResNetBlockSpace(blocks=[1, 1])
