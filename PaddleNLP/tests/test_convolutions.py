"""Convolutions over the tokens of padded texts, against the original operator."""

import numpy as np
import paddle
import pytest

from PaddleNLP.models.encoders.convolutions import windows_of
from PaddleNLP.tests.golden_numbers import golden


def test_windows_of_three_are_the_original_sequence_conv():
    case = golden("sequence_conv")
    lengths, rows = case["inlen/x"].tolist(), case["in/x"]
    ends = np.cumsum(lengths)
    x = np.zeros((len(lengths), max(lengths), rows.shape[1]), "float32")
    for n, (end, length) in enumerate(zip(ends, lengths)):
        x[n, :length] = rows[end - length : end]
    found = paddle.matmul(windows_of(paddle.to_tensor(x), 3), paddle.to_tensor(case["param/sequence_conv_0.w_0"]))
    found = (found + paddle.to_tensor(case["param/sequence_conv_0.b_0"])).numpy()
    found = np.concatenate([row[:length] for row, length in zip(found, lengths)])
    np.testing.assert_allclose(found, case["out/o"], atol=1e-5)


@pytest.mark.parametrize(("size", "first"), [(1, [[1], [2]]), (2, [[0, 1], [1, 2]]), (3, [[0, 1, 2], [1, 2, 0]])])
def test_a_window_begins_half_its_size_before_the_token(size, first):
    found = windows_of(paddle.to_tensor([[[1.0], [2.0]]]), size)
    assert found.numpy()[0].tolist() == first
