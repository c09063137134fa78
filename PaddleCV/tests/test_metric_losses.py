"""Losses of metric learning: numbers worked out by hand, an independent computation, and batches that do not suit."""

import itertools
import math

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from PaddleCV.models.losses import metric_losses as losses

CLASSES = np.array([0, 0, 1, 1, 2, 2])


def value(loss, embedding, label):
    return loss(paddle.to_tensor(np.asarray(embedding, "float32")), paddle.to_tensor(np.asarray(label))).item()


def random_embeddings(seed=0):
    return np.random.default_rng(seed).normal(size=(6, 4)) * 0.7


def pairs(x, label):
    """For each image its squared distances to those of its class and to the others."""
    for i in range(len(x)):
        distances = ((x - x[i]) ** 2).sum(1)
        own = [distances[j] for j in range(len(x)) if label[j] == label[i] and j != i]
        yield own, [distances[j] for j in range(len(x)) if label[j] != label[i]]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_softmax_of_two_classes_is_the_log_of_one_plus_e_to_the_difference():
    loss = losses.MarginSoftmax(embedding_size=2, num_classes=2)
    loss.fc.weight.set_value(np.eye(2, dtype="float32"))
    loss.fc.bias.set_value(np.array([0, 1], "float32"))
    assert value(loss, [[3, 0]], [0]) == pytest.approx(math.log(1 + math.exp(1 - 3)))  # logits 3 and 0 + 1


def test_an_angle_of_60_degrees_becomes_one_of_90_by_a_margin_of_30():
    loss = losses.ArcMargin(embedding_size=2, num_classes=2, scale=2.0, margin=math.pi / 6)
    loss.weight.set_value(np.array([[5, 0], [0, 3]], "float32"))  # of any length
    # embedding at 60 degrees of class 0 and 30 of class 1: logits 2 cos 90 = 0 and 2 cos 30 = sqrt 3
    assert value(loss, [[0.5, math.sqrt(3) / 2]], [0]) == pytest.approx(math.log(1 + math.exp(math.sqrt(3))), rel=1e-5)


def test_beyond_180_degrees_the_cosine_goes_on_falling_and_the_easy_margin_leaves_obtuse_angles():
    cosine = paddle.to_tensor([math.cos(math.radians(angle)) for angle in (30, 100, 170)], dtype="float32")
    hard = losses.widen_angle(cosine, math.radians(20)).numpy()
    below = math.cos(math.radians(170)) - math.radians(20) * math.sin(math.radians(20))
    np.testing.assert_allclose(hard, [math.cos(math.radians(50)), math.cos(math.radians(120)), below], rtol=1e-5)
    easy = losses.widen_angle(cosine, math.radians(20), easy_margin=True).numpy()
    np.testing.assert_allclose(easy, [math.cos(math.radians(50)), *cosine.numpy()[1:]], rtol=1e-5)


def test_the_slope_of_the_angular_margin_is_finite_where_the_sine_is_0():
    cosine = paddle.to_tensor([1.0, -1.0], stop_gradient=False)
    losses.widen_angle(cosine, 0.15).sum().backward()
    assert np.isfinite(cosine.grad.numpy()).all()


def test_a_triplet_costs_what_the_negative_is_too_near():
    loss = losses.TripletLoss(margin=0.1)
    # directions 0, 90 and 180 degrees: squared distances 2 and 4; then a negative at the anchor: 2 and 0
    rows = [[1, 0], [0, 2], [-3, 0], [1, 0], [0, 1], [2, 0]]
    assert value(loss, rows[:3], [0, 0, 1]) == pytest.approx(0)
    assert value(loss, rows, [0, 0, 1, 2, 2, 0]) == pytest.approx((0 + 2.1) / 2)


def test_the_hardest_triplets_and_quadruplets_are_those_of_a_search_over_all_pairs():
    x = random_embeddings()
    found = [max(0, max(own) + 0.1 - min(other)) for own, other in pairs(unit(x), CLASSES)]
    assert value(losses.TripletLoss(triplets="hard"), x, CLASSES) == pytest.approx(np.mean(found), rel=1e-5)
    farthest = max(max(own) for own, _ in pairs(unit(x), CLASSES))
    nearest = min(min(other) for _, other in pairs(unit(x), CLASSES))
    assert value(losses.QuadrupletLoss(), x, CLASSES) == pytest.approx(farthest + 0.1 - nearest, rel=1e-5)


def test_a_quadruplet_of_two_near_pairs_far_apart_costs_nothing():
    # normalized: (1, 0) twice and (0, 1) twice: 0 + 0.1 - 2 < 0; swapped classes: 2 + 0.1 - 0
    rows = [[1, 0], [2, 0], [0, 1], [0, 5]]
    assert value(losses.QuadrupletLoss(), rows, [0, 0, 1, 1]) == 0
    assert value(losses.QuadrupletLoss(), rows, [0, 1, 0, 1]) == pytest.approx(2.1)


def test_eml_of_one_positive_and_one_negative_is_a_softplus_of_their_difference():
    # anchors 0 and 1 on a line, a negative at 2; the image at 2 has no positive and is left out
    # d+ = 1; of 0: d- = 4, of 1: d- = 1
    expected = np.mean([math.log(1 + 1e5 * math.exp(1 - 4)), math.log(1 + 1e5 * math.exp(1 - 1))]) / math.log(1 + 1e5)
    assert value(losses.EnsembleMetricLoss(), [[0], [1], [2]], [0, 0, 1]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("factor", [1, 8])  # with 8, exp(gap) overflows float32
def test_eml_is_the_formula_with_theta_and_gap(factor):
    x, label, beta, found = random_embeddings(1) * factor, [0, 0, 0, 1, 1, 2], 1e5, []
    for own, other in pairs(x.astype(np.float64), label):
        if own:
            gap = max(own) - min(other)
            theta = np.mean(np.exp(np.subtract(own, max(own)))) * np.mean(np.exp(np.subtract(min(other), other)))
            linear = gap > 20  # log(1 + y) is log y there
            found.append(math.log(beta * theta) + gap if linear else math.log(1 + beta * theta * math.exp(gap)))
    expected = np.mean(found) / math.log(1 + beta)
    assert value(losses.EnsembleMetricLoss(), x, label) == pytest.approx(expected, rel=1e-4)


def test_n_pairs_of_orthogonal_classes():
    # anchors (2, 0), (0, 1); positives (1, 0), (0, 3): products 2 0 / 0 3; mean squared length (4 + 1 + 1 + 9) / 4
    rows, label = [[2, 0], [1, 0], [0, 1], [0, 3]], [5, 5, 2, 2]
    entropy = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-3))) / 2
    assert value(losses.NPairsLoss(), rows, label) == pytest.approx(entropy + 0.5 * 0.01 * 15 / 4, rel=1e-6)
    assert value(losses.NPairsLoss(l2=0.0), rows, label) == pytest.approx(entropy, rel=1e-6)


def test_the_order_of_classes_in_a_batch_does_not_change_the_losses_of_pairs():
    x, order = random_embeddings(2), [3, 0, 5, 2, 4, 1]
    for loss in (losses.TripletLoss(triplets="hard"), losses.QuadrupletLoss(), losses.EnsembleMetricLoss()):
        assert value(loss, x[order], CLASSES[order]) == pytest.approx(value(loss, x, CLASSES), rel=1e-5)


def test_a_batch_that_does_not_suit_a_loss_is_refused_with_the_sampler_that_does():
    x = random_embeddings()
    for loss, label, sampler in (
        (losses.TripletLoss(), [0, 0, 1, 1, 1, 1], "TripletSampler"),  # the last negative is of the anchor's class
        (losses.TripletLoss(triplets="hard"), range(6), "ClassBatchSampler"),
        (losses.QuadrupletLoss(), [3] * 6, "ClassBatchSampler"),
        (losses.EnsembleMetricLoss(), range(6), "ClassBatchSampler"),
        (losses.NPairsLoss(), [0, 0, 0, 0, 1, 1], "per_class: 2"),
        (losses.NPairsLoss(), [0, 1, 0, 1, 2, 2], "per_class: 2"),
    ):
        with pytest.raises(ConfigError, match=sampler):
            value(loss, x, list(label))
    with pytest.raises(ConfigError, match="row of anchor"):
        value(losses.TripletLoss(), x[:5], [0, 0, 1, 2, 2])


def test_arguments_out_of_range_are_refused_and_a_loss_without_classes_is_for_training_only():
    for kind, given in (
        (losses.ArcMargin, {"embedding_size": 2, "scale": 0}),
        (losses.ArcMargin, {"embedding_size": 2, "margin": 4}),
        (losses.TripletLoss, {"triplets": "all"}),
        (losses.EnsembleMetricLoss, {"beta": 0}),
    ):
        with pytest.raises(ValueError, match=r"allowed|must be|above"):
            kind(**given)
    for kind in (losses.ArcMargin, losses.MarginSoftmax):
        loss = kind(embedding_size=2)
        assert not list(loss.parameters())
        with pytest.raises(ConfigError, match="no classes"):
            value(loss, [[1, 2]], [0])


def test_squared_distances_are_those_of_every_pair():
    x = random_embeddings()
    found = losses.squared_distances(paddle.to_tensor(x)).numpy()
    for i, j in itertools.product(range(6), repeat=2):
        assert found[i, j] == pytest.approx(((x[i] - x[j]) ** 2).sum(), abs=1e-12)
