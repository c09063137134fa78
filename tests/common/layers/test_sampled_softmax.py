"""The sampled softmax against numbers worked out by hand, and against the softmax of all items."""

import math

import numpy as np
import paddle
import pytest

from common.layers.sampled_softmax import (
    expected_count,
    log_popularity,
    log_presence,
    mean_cross_entropy,
    sample_different,
    sample_popular,
    sampled_cross_entropy,
    tries_for,
)


def test_one_negative_of_the_expected_count_is_compared_with_the_positive():
    positive = paddle.to_tensor([1.0 - math.log(2)])  # expected twice in the sample
    negatives = paddle.to_tensor([[0.5, 9.0]])
    valid = paddle.to_tensor([[True, False]])  # the second one is the positive itself
    found = sampled_cross_entropy(positive, negatives, valid, paddle.to_tensor([math.log(3), 0.0])).item()
    a, b = math.exp(1) / 2, math.exp(0.5) / 3
    assert found == pytest.approx(-math.log(a / (a + b)), rel=1e-6)


def test_a_sample_of_all_items_gives_the_full_cross_entropy():
    scores = np.array([[1.0, 2.0, 0.5, -1.0]], "float32")
    positive, negatives = paddle.to_tensor(scores[:, 1]), paddle.to_tensor(scores)
    valid = paddle.to_tensor([[True, False, True, True]])  # the positive item is in the sample
    found = sampled_cross_entropy(positive, negatives, valid, paddle.zeros([4])).item()
    assert found == pytest.approx(-2.0 + math.log(np.exp(scores).sum()), rel=1e-5)


def test_items_are_drawn_as_often_as_their_probability_says():
    paddle.seed(0)
    drawn, log_shares = sample_popular(200000, 11)
    shares = np.exp(log_popularity(paddle.arange(1, 11), 11).numpy())
    assert shares.sum() == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(np.bincount(drawn.numpy(), minlength=11)[1:] / 200000, shares, atol=5e-3)
    np.testing.assert_allclose(log_shares[:5].numpy(), np.log(shares[drawn[:5].numpy() - 1]), rtol=1e-5)


def test_different_items_are_as_many_as_expected_and_there_as_often_as_their_probability_says():
    paddle.seed(0)
    tries = tries_for(5, 11)
    shares = np.log1p(1 / np.arange(1, 11)) / math.log(11)
    assert expected_count(shares, tries - 1).sum() < 5 <= expected_count(shares, tries).sum()
    counts = np.zeros(11)
    for _ in range(2000):
        drawn, log_expected = sample_different(tries, 11)
        assert len(set(drawn.tolist())) == len(drawn)
        counts[drawn.numpy()] += 1
    np.testing.assert_allclose(counts[1:] / 2000, 1 - (1 - shares) ** tries, atol=0.04)
    np.testing.assert_allclose(np.exp(log_expected.numpy()), 1 - (1 - shares[drawn.numpy() - 1]) ** tries, rtol=1e-4)
    with pytest.raises(ValueError, match="10 different items of 10"):
        tries_for(10, 11)


def test_the_scores_that_are_learned_are_those_of_the_softmax_of_all_items():
    """Scores without features, learned from 4 different items of 10 a step, become the logs of the shares."""
    paddle.seed(0)
    shares = np.array([0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.02, 0.01])
    targets = paddle.to_tensor(np.repeat(np.arange(1, 11), (100 * shares).astype(int)))
    scores, tries = paddle.zeros([11]), tries_for(4, 11)
    scores.stop_gradient = False
    optimizer = paddle.optimizer.SGD(paddle.optimizer.lr.CosineAnnealingDecay(2.0, 600), parameters=[scores])
    for _ in range(600):
        drawn, log_expected = sample_different(tries, 11)
        positive = paddle.gather(scores, targets) - log_presence(targets, tries, 11)
        negatives = paddle.gather(scores, drawn).unsqueeze(0).expand([100, -1])
        valid = targets.unsqueeze(1) != drawn.unsqueeze(0)
        sampled_cross_entropy(positive, negatives, valid, log_expected).backward()
        optimizer.step(), optimizer.clear_grad(), optimizer._learning_rate.step()
    learned = np.exp(scores.numpy()[1:])
    np.testing.assert_allclose(learned / learned.sum(), shares, atol=0.04)


def test_without_rows_the_mean_is_zero():
    assert mean_cross_entropy(paddle.zeros([0, 3]), paddle.zeros([0], "int64")).item() == 0
