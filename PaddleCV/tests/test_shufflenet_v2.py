"""ShuffleNetV2: the model contract, the channel shuffle, and the official parameter counts of every width."""

import functools

import paddle
import pytest

from PaddleCV.models.backbones.shufflenet_v2 import ShuffleNetV2, ShuffleUnit, channel_shuffle
from PaddleCV.tests.backbone_checks import check_backbone, check_classifier, count_classifier

tiny = functools.partial(ShuffleNetV2, 0.25)
COUNTS = {  # of x1.0 published, of the others counted in the official definitions
    0.25: (603688, 4024),
    0.33: (647272, 4992),
    0.5: (1366792, 7952),
    1.0: (2278604, 16180),
    1.5: (3503624, 23440),
    2.0: (7393996, 33716),
}


def test_a_classifier_keeps_the_contract(tmp_path):
    check_classifier(tiny, tmp_path, activation="swish", out_indices=[3])


def test_it_is_a_backbone():
    check_backbone(tiny, [8, 16, 32, 32])


@pytest.mark.parametrize("scale", COUNTS)
def test_with_its_classifier_it_has_the_official_parameters(scale):
    assert count_classifier(lambda: ShuffleNetV2(scale, out_indices=[3])) == COUNTS[scale]


def test_swish_changes_no_parameters():
    assert count_classifier(lambda: ShuffleNetV2(1.0, "swish", out_indices=[3])) == COUNTS[1.0]


def test_six_channels_are_dealt_out_to_two_groups_in_turn():
    x = paddle.arange(6, dtype="float32").reshape([1, 6, 1, 1])
    assert channel_shuffle(x, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_half_of_the_channels_pass_a_unit_untouched():
    x = paddle.rand([1, 8, 4, 4])
    assert (ShuffleUnit(8, "relu", "bn")(x)[:, ::2] == x[:, :4]).all()


def test_another_width_is_refused():
    with pytest.raises(ValueError, match=r"scale 0\.25, 0\.33, 0\.5, 1\.0, 1\.5, 2\.0, not 0\.3"):
        ShuffleNetV2(0.3)
