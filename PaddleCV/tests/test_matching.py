"""Matching and drawing of anchors by hand, and as the operators of PaddlePaddle 1.8.5 do it."""

import numpy as np
import paddle
import pytest

from PaddleCV.models.anchors.matching import best_pairs, draw, draw_both, match_by_overlap, match_priors, objects_of
from PaddleCV.models.anchors.proposals import Proposals
from PaddleCV.models.losses.rpn_loss import RPNLoss, is_inside

from .golden_numbers import golden

OVERLAP = paddle.to_tensor([[0.8, 0.5, 0.35, 0.0, 0.2], [0.1, 0.6, 0.0, 0.0, 0.2]])


def test_an_anchor_is_matched_by_overlap_and_ignored_between_the_limits():
    assert match_by_overlap(OVERLAP, 0.7, 0.3, keep_best=False).tolist() == [0, -2, -2, -1, -1]


def test_the_best_anchor_of_an_object_is_kept_and_takes_the_object_it_overlaps_most():
    assert match_by_overlap(OVERLAP, 0.7, 0.3, keep_best=True).tolist() == [0, 1, -2, -1, -1]


def test_without_objects_all_is_background():
    assert match_by_overlap(paddle.zeros([0, 3]), 0.7, 0.3, keep_best=True).tolist() == [-1, -1, -1]


def test_two_objects_with_one_best_prior_box_get_one_each():
    overlap = paddle.to_tensor([[0.9, 0.3, 0.1], [0.8, 0.2, 0.0]])
    assert match_priors(overlap, 0.5).tolist() == [0, 1, -1]


def test_an_object_whose_best_prior_box_is_taken_gets_its_next_best_one():
    overlap = np.float32([[0.9, 0.3, 0.0], [0.8, 0.7, 0.1], [0.6, 0.75, 0.0]])
    assert best_pairs(overlap) == [(0, 0), (2, 1), (1, 2)]  # the second object loses both of its best ones
    assert best_pairs(np.zeros((2, 3), "f4")) == [] == best_pairs(np.zeros((0, 3), "f4"))


def test_an_object_that_overlaps_nothing_is_not_matched():
    assert match_priors(paddle.to_tensor([[0.0, 0.0], [0.6, 0.7]]), 0.5).tolist() == [1, 1]


def test_objects_leave_out_padding_and_boxes_without_area():
    boxes = paddle.to_tensor([[[0.0, 0.0, 5.0, 5.0], [3.0, 3.0, 3.0, 9.0], [1.0, 1.0, 2.0, 2.0], [0.0] * 4]])
    ((kept, labels),) = objects_of(boxes, paddle.to_tensor([[4, 1, 2, -1]]))
    assert kept.tolist() == [[0, 0, 5, 5], [1, 1, 2, 2]] and labels.tolist() == [4, 2]


def test_drawing_repeats_from_the_same_random_state_and_only_uses_it_where_there_is_a_choice():
    candidates = paddle.to_tensor([True] * 40 + [False] * 5)
    paddle.seed(3)
    first = draw(candidates, 10).tolist()
    paddle.seed(3)
    state = paddle.get_rng_state()[0].__getstate__()
    assert draw(candidates, 40).tolist() == list(range(40)) and paddle.get_rng_state()[0].__getstate__() == state
    assert draw(candidates, 10).tolist() == first == sorted(set(first)) and max(first) < 40
    assert draw(candidates, 10).tolist() != first


def test_negatives_take_the_places_that_positives_leave():
    positive = paddle.to_tensor([True, False, False, False, False, False])
    chosen, rest = draw_both(positive, ~positive, 4, 0.5, random=False)
    assert chosen.tolist() == [0] and rest.tolist() == [1, 2, 3]


def pixels(boxes):
    """Boxes that end with their last pixel, as ours, whose edge lies behind it."""
    return paddle.to_tensor(boxes + np.array([0, 0, 1, 1], "float32"))


def test_anchors_are_drawn_as_by_rpn_target_assign_of_1_8():
    numbers = golden("rpn_target_assign")
    loss = RPNLoss(count=8, random=False)
    anchors = pixels(numbers["an"])
    positives, negatives, targets = loss.choose(anchors, pixels(numbers["gt"]), paddle.to_tensor([64.0, 64.0]))
    assert [1] * len(positives) + [0] * len(negatives) == numbers["lab"].flatten().tolist()
    np.testing.assert_allclose(targets.numpy(), numbers["tgt"], atol=1e-4)
    chosen = paddle.concat([positives, negatives])
    assert numbers["cl"].reshape(-1)[chosen.numpy()].tolist() == numbers["score"].flatten().tolist()


def test_the_loss_of_proposals_is_a_mean_over_the_drawn_anchors():
    anchors = paddle.to_tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0], [25.0, 0.0, 45.0, 10.0]])
    objects = [(anchors[:1] + paddle.to_tensor([1.0, 0.0, 1.0, 0.0]), paddle.zeros([1], "int64"))]
    given = (paddle.zeros([1, 3]), paddle.zeros([1, 3, 4]), anchors, objects, paddle.to_tensor([[40.0, 40.0]]))
    terms = RPNLoss(random=False)(*given)  # the third anchor lies partly outside of the image
    assert terms["loss_rpn_class"].item() == pytest.approx(np.log(2))
    assert terms["loss_rpn_box"].item() == pytest.approx(0.5 * 9 * 0.1**2 / 2, rel=1e-4)
    everywhere = RPNLoss(random=False, straddle=None)(*given)
    assert everywhere["loss_rpn_box"].item() == pytest.approx(0.5 * 9 * 0.1**2 / 3, rel=1e-4)


def test_an_image_that_no_anchor_fits_into_costs_nothing():
    objects = [(paddle.to_tensor([[0.0, 0.0, 5.0, 5.0]]), paddle.zeros([1], "int64"))]
    anchors = paddle.to_tensor([[-8.0, -8.0, 24.0, 24.0]])
    terms = RPNLoss()(paddle.zeros([1, 1]), paddle.zeros([1, 1, 4]), anchors, objects, paddle.to_tensor([[8.0, 8.0]]))
    assert [term.item() for term in terms.values()] == [0, 0]


def test_an_anchor_may_reach_as_far_out_as_the_margin():
    boxes = paddle.to_tensor([[-2.0, 0.0, 8.0, 8.0], [0.0, 0.0, 12.0, 8.0]])
    assert is_inside(boxes, paddle.to_tensor([10.0, 10.0]), 0).tolist() == [False, False]
    assert is_inside(boxes, paddle.to_tensor([10.0, 10.0]), 2).tolist() == [True, True]


def test_proposals_equal_generate_proposals_of_1_8():
    numbers = golden("generate_proposals")
    scores = numbers["s"].transpose(0, 2, 3, 1).reshape(1, -1)
    deltas = numbers["d"].transpose(0, 2, 3, 1).reshape(1, -1, 4)
    propose = Proposals(top_k=40, keep=10, iou=0.7)
    given = ([paddle.to_tensor(scores)], [paddle.to_tensor(deltas)], [pixels(numbers["anc"].reshape(-1, 4))])
    rois, counts = propose(*given, paddle.to_tensor([[64.0, 64.0]]))
    assert counts.tolist() == [10]
    np.testing.assert_allclose(rois.numpy() - [0, 0, 1, 1], numbers["roi"], atol=1e-3)


def test_proposals_of_two_levels_do_not_drop_one_another_and_the_best_of_both_are_kept():
    boxes = paddle.to_tensor([[0.0, 0.0, 8.0, 8.0], [0.0, 0.0, 8.0, 8.1]])
    scores = [paddle.to_tensor([[0.5, 0.4]]), paddle.to_tensor([[0.9, 0.1]])]
    deltas = [paddle.zeros([1, 2, 4])] * 2
    rois, counts = Proposals(iou=0.7)(scores, deltas, [boxes, boxes], paddle.to_tensor([[20.0, 20.0]]))
    assert rois.tolist() == [[0, 0, 8, 8]] * 2 and counts.tolist() == [2]
    rois, counts = Proposals(iou=0.7, keep=1)(scores, deltas, [boxes, boxes + 1], paddle.to_tensor([[20.0, 20.0]]))
    assert rois.tolist() == [[1, 1, 9, 9]] and counts.tolist() == [1]


def test_proposals_end_at_the_image_without_its_padding_and_small_ones_are_dropped():
    boxes = paddle.to_tensor([[2.0, 2.0, 30.0, 30.0], [19.5, 0.0, 40.0, 10.0], [50.0, 0.0, 60.0, 10.0]])
    given = ([paddle.to_tensor([[0.5, 0.4, 0.3]])], [paddle.zeros([1, 3, 4])], [boxes])
    rois, _ = Proposals()(*given, paddle.to_tensor([[20.0, 20.0]]))
    assert rois.tolist() == [[2, 2, 20, 20], [19.5, 0, 20, 10]]
    rois, _ = Proposals(min_size=1)(*given, paddle.to_tensor([[20.0, 20.0]]))
    assert rois.tolist() == [[2, 2, 20, 20]]
