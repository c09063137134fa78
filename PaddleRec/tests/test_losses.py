"""Ranking losses against numbers worked out by hand and the operators of the original models."""

import math

import numpy as np
import paddle
import pytest

from PaddleRec.models.losses import ranking_losses as losses
from PaddleRec.models.matchers.matcher import last_state, top_items
from PaddleRec.tests.golden_numbers import golden


def tensor(values, dtype="float32"):
    return paddle.to_tensor(np.array(values, dtype))


def test_the_cosine_is_that_of_the_original_operator():
    case = golden("cos_sim")
    found = losses.cosine(tensor(case["in/x"]), tensor(case["in/y"]))
    np.testing.assert_allclose(found.numpy(), case["out/o"][:, 0], rtol=1e-5)
    assert losses.cosine(tensor([[0, 0]]), tensor([[1, 1]])).tolist() == [0.0]


def test_bpr_against_all_other_classes_is_that_of_the_original_operator():
    case = golden("bpr_loss")
    logits, labels = paddle.to_tensor(case["in/x"], stop_gradient=False), paddle.to_tensor(case["in/y"])
    negatives = paddle.arange(logits.shape[1]).unsqueeze(0) != labels
    found = losses.bpr_loss(paddle.take_along_axis(logits, labels, 1)[:, 0], logits, negatives)
    assert found.item() == pytest.approx(case["out/o"].mean(), rel=1e-5)
    found.backward()
    np.testing.assert_allclose(logits.grad.numpy() * len(labels), case["out/grad_x"], atol=1e-6)


def test_the_margin_ranking_loss_is_that_of_the_original_operator():
    case = golden("margin_rank_loss")
    found = losses.margin_ranking_loss(tensor(case["in/l"]), tensor(case["in/r"]), tensor(case["in/y"]), 0.1)
    np.testing.assert_allclose(found.numpy(), case["out/o"], rtol=1e-5)


def test_bpr_counts_the_valid_pairs():
    # softplus(2 - 1) = 1.313262, softplus(0 - 1) = 0.313262
    assert losses.bpr_loss(tensor([1]), tensor([[2, 0]])).item() == pytest.approx(0.813262, abs=1e-5)
    valid = tensor([[True, False]], "bool")
    assert losses.bpr_loss(tensor([1]), tensor([[2, 0]]), valid).item() == pytest.approx(1.313262, abs=1e-5)


def test_negative_sampling_by_hand():
    # softplus(-1) + softplus(0) + softplus(2) = 0.313262 + 0.693147 + 2.126928
    found = losses.negative_sampling_loss(tensor([1]), tensor([[0, 2]]))
    assert found.item() == pytest.approx(3.133337, abs=1e-5)


def test_nce_with_a_noise_of_one_is_negative_sampling():
    positive, negatives = tensor([1, -2]), tensor([[0, 2], [1, 3]])
    plain = losses.negative_sampling_loss(positive, negatives)
    zeros = losses.nce_loss(positive, negatives, paddle.zeros_like(positive), paddle.zeros_like(negatives))
    assert zeros.item() == plain.item()
    # with K q = 1/2 for all, every score rises by log 2
    half = losses.nce_loss(
        positive, negatives, paddle.full_like(positive, math.log(0.5)), paddle.full_like(negatives, math.log(0.5))
    )
    assert half.item() == pytest.approx(
        losses.negative_sampling_loss(positive + math.log(2), negatives + math.log(2)).item()
    )


def test_the_top_items_leave_out_the_unknown_one():
    items, values = top_items(tensor([[9, 1, 3, 2]]), 2)
    assert items.tolist() == [[2, 3]] and values.tolist() == [[3.0, 2.0]]
    assert top_items(tensor([[9, 1, 3, 2]]), 50)[0].tolist() == [[2, 3, 1]]


def test_the_last_state_of_a_session_and_of_an_empty_one():
    hidden = tensor([[[1], [2], [3]], [[4], [5], [6]]])
    assert last_state(hidden, tensor([[True, True, False], [False] * 3], "bool")).tolist() == [[2.0], [0.0]]
