"""Feature distillation losses against numbers worked out by hand."""

import math

import paddle
import pytest

from common.layers.distillation import AttentionLoss
from PaddleSlim.models.distill.feature_losses import adaptor, fsp_loss, fsp_matrix, mean_square

FIRST = paddle.to_tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # 1 sample, 2 channels, 1 x 2
SECOND = paddle.to_tensor([[[[5.0, 6.0]]]])  # 1 channel


def test_the_mean_square_of_differences_of_1_and_3_is_5():
    assert mean_square(paddle.to_tensor([1.0, 0.0]), paddle.to_tensor([2.0, 3.0])).item() == 5.0


def test_the_fsp_matrix_is_the_mean_product_of_channels_over_the_positions():
    # (1 * 5 + 2 * 6) / 2 = 8.5 and (3 * 5 + 4 * 6) / 2 = 19.5
    assert fsp_matrix(FIRST, SECOND).numpy().tolist() == [[[8.5], [19.5]]]


def test_the_larger_map_of_an_fsp_matrix_is_max_pooled():
    large = paddle.to_tensor([[[[1.0, 2.0, 7.0, 0.0], [0.0, 5.0, 0.0, 0.0]]]])  # 2 x 4 -> 1 x 2: 5, 7
    assert fsp_matrix(large, SECOND).item() == (5 * 5 + 7 * 6) / 2
    assert fsp_matrix(SECOND, large).item() == (5 * 5 + 7 * 6) / 2


def test_the_fsp_loss_is_the_mean_square_of_the_difference_of_the_matrices():
    zero = paddle.zeros_like(FIRST)
    assert fsp_loss((FIRST, SECOND), (zero, SECOND)).item() == (8.5**2 + 19.5**2) / 2
    assert fsp_loss((FIRST, SECOND), (FIRST, SECOND)).item() == 0


def test_an_adaptor_maps_channels_and_other_differences_are_refused():
    assert not list(adaptor([2, 4, 8, 8], [2, 4, 8, 8]).parameters())
    assert adaptor([2, 4, 8, 8], [2, 6, 8, 8])(paddle.zeros([2, 4, 3, 3])).shape == [2, 6, 3, 3]
    assert adaptor([2, 5, 4], [2, 5, 6])(paddle.zeros([2, 5, 4])).shape == [2, 5, 6]
    with pytest.raises(ValueError, match="cannot be compared"):
        adaptor([2, 4], [2, 4, 8, 8])


def test_the_attention_loss_is_the_mean_divergence_of_the_rows_from_the_teacher_s():
    # rows of the teacher (3/4, 1/4) and (1, 0), of the student (1/2, 1/2) twice
    teacher = paddle.to_tensor([[[[0.75, 0.25], [1.0, 0.0]]]])
    student = paddle.full([1, 1, 2, 2], 0.5)
    wanted = (0.75 * math.log(1.5) + 0.25 * math.log(0.5) + math.log(2)) / 2
    assert AttentionLoss()(student, teacher).item() == pytest.approx(wanted, rel=1e-5)
    assert AttentionLoss()(teacher, teacher).item() == pytest.approx(0, abs=1e-6)
