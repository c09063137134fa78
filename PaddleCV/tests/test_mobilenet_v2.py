"""MobileNetV2: the model contract, dilation, and the official parameter counts of every width."""

import functools

import paddle
import pytest

from PaddleCV.models.backbones.mobilenet_v2 import MobileNetV2
from PaddleCV.models.backbones.output_stride import OutputStride
from PaddleCV.models.blocks.depthwise import InvertedResidual
from PaddleCV.tests.backbone_checks import (
    check_backbone,
    check_classifier,
    check_dilation_of_the_same_weights,
    check_output_stride,
    count_classifier,
)

tiny = functools.partial(MobileNetV2, scale=0.25)
COUNTS = {  # of x1.0 published, of the others counted in the official definitions
    0.25: (1517392, 10464),
    0.5: (1965736, 18368),
    0.75: (2628592, 26272),
    1.0: (3505960, 34176),
    1.5: (6852712, 51264),
    2.0: (11262312, 68352),
}


def test_a_classifier_keeps_the_contract(tmp_path):
    check_classifier(tiny, tmp_path, out_indices=[5])


def test_it_is_a_backbone():
    check_backbone(tiny, [2, 4, 8, 16, 32, 32])


def test_dilation_keeps_resolution_and_parameters():
    check_output_stride(tiny)


def test_dilated_it_sees_at_every_second_place_what_it_saw_with_strides():
    check_dilation_of_the_same_weights(tiny)


@pytest.mark.parametrize("scale", COUNTS)
def test_with_its_classifier_it_has_the_official_parameters(scale):
    assert count_classifier(lambda: MobileNetV2(scale, out_indices=[5])) == COUNTS[scale]


def test_the_last_convolution_never_has_fewer_than_1280_channels():
    with paddle.LazyGuard():
        last = [MobileNetV2(scale, out_indices=[5]).out_channels for scale in (0.25, 1.0, 1.5)]
    assert last == [[1280], [1280], [1920]]


def test_strides_become_dilation_from_the_output_stride_on():
    steps = OutputStride("it", 8)
    assert [steps.next(stride) for stride in (2, 1, 2, 2, 1, 2, 1, 2, 1)] == [
        *((2, 1), (1, 1), (2, 1), (2, 1), (1, 1)),  # now 8 pixels are one
        *((1, 1), (1, 2), (1, 2), (1, 4)),
    ]
    assert steps.reached == 8


def test_other_output_strides_are_refused():
    with pytest.raises(ValueError, match="MobileNetV2 has output_stride 8, 16 or 32, not 4"):
        MobileNetV2(output_stride=4)


def test_a_shortcut_is_there_where_nothing_changes():
    def given(channels, stride):
        return InvertedResidual(8, 16, channels, 3, stride, False, "relu6", "bn").shortcut

    assert [given(8, 1), given(16, 1), given(8, 2)] == [True, False, False]


def test_rows_of_your_own_make_the_stages_their_strides_say():
    """A 3x3 stem of stride 1 at 16 pixels, two rows: 8 channels at 16, then 12 channels of 5x5 kernels at 8."""
    net = MobileNetV2(stem_stride=1, out_indices=[0, 1], blocks=[[1, 8, 1, 1], [3, 12, 2, 2, 5]])
    net.eval()
    fine, coarse = net(paddle.zeros([1, 3, 16, 16]))
    assert fine.shape == [1, 8, 16, 16] and coarse.shape == [1, 12, 8, 8]
    assert net.out_channels == [8, 12] and net.strides == [1, 2]
    assert [len(stage) for stage in net.stages] == [1, 2]
    assert net.stages[1][0].layers[1].conv.weight.shape == [24, 1, 5, 5]  # 8 x 3 channels


@pytest.mark.parametrize("row", [[1, 8, 1], [1, 8, 0, 1], [1, 8, 1, 1, 4], [1, 8.5, 1, 1]], ids=str)
def test_a_row_that_is_none_is_refused(row):
    with pytest.raises(ValueError, match=r"MobileNetV2 got blocks.0"):
        MobileNetV2(blocks=[row])
