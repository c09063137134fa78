"""Cascade R-CNN with a box for each class, Soft-NMS, ResNet with non-local blocks: the contract, numbers by hand."""

import numpy as np
import paddle
import pytest

from common.testing import check_model
from PaddleCV.models.backbones.non_local_resnet import NonLocalResNet, SpaceAttention
from PaddleCV.models.detectors.class_aware_cascade import ClassAwareCascadeRCNN
from PaddleCV.models.heads.box_head import BoxHead, TwoLinear
from PaddleCV.models.heads.soft_nms import SoftNMS
from PaddleCV.models.rois.box_stage import BoxStage
from PaddleCV.models.rois.roi_align import RoIAlign
from PaddleCV.models.rois.targets import RoiSampler

from .test_faster_rcnn import pyramid
from .test_nms import overlap
from .tiny_detectors import objects_batch


def make(agnostic=False, shares=(0.25, 0.75)):
    paddle.seed(0)
    first = pyramid()
    levels = first.neck
    stages = [
        BoxStage(
            RoIAlign(levels.out_channels, levels.strides, size=3),
            BoxHead(TwoLinear(8, 3, 16), 3, agnostic),
            RoiSampler(32, positive=overlap, negative=overlap),
            weights,
        )
        for overlap, weights in ((0.5, (10, 10, 5, 5)), (0.6, (20, 20, 10, 10)))
    ]
    return ClassAwareCascadeRCNN(first.backbone, levels, first.rpn, stages, SoftNMS(0.05), (1.0, 0.5), shares)


def test_a_class_aware_cascade_keeps_the_contract(tmp_path):
    check_model(make, objects_batch(), tmp_path)


def fixed(stage, logits, shifts):
    """Makes a head answer these logits [K], and move the box of each class by its share of the width, [C]."""
    deltas = np.zeros((len(logits), 4), "f4")
    deltas[1:, 0] = np.array(shifts) * stage.weights[0]
    stage.head.forward = lambda features: (paddle.to_tensor([logits]), paddle.to_tensor(deltas).unsqueeze(0))


def test_a_stage_starts_from_the_box_of_the_best_class_and_all_stages_are_averaged():
    model = make()
    fixed(model.boxes[0], [20.0, 0.0, 5.0, 0.0], (0.0, 0.5, 1.0))  # the background is best, of the classes the second
    fixed(model.boxes[1], [0.0, 30.0, 0.0, 0.0], (0.25, 0.0, 0.0))
    features = model.features(paddle.zeros([1, 3, 64, 64]))
    rois, counts = paddle.to_tensor([[0.0, 0.0, 16.0, 16.0]]), paddle.to_tensor([1], dtype="int32")
    scores, boxes = model.classify(features, rois, counts, paddle.to_tensor([[64.0, 64.0]]))
    # stage 1 from 0: 0, 8, 16; stage 2 from 8: 12, 8, 8; a quarter and three quarters of them
    assert boxes[0, :, 0].tolist() == pytest.approx([9.0, 8.0, 10.0], abs=1e-5)
    np.testing.assert_allclose(scores.numpy(), [[0.75, 0, 0]], atol=1e-5)


def test_heads_and_shares_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="a box for each class, agnostic: false"):
        make(agnostic=True)
    with pytest.raises(ValueError, match="each of the 2 stages"):
        make(shares=(1.0,))


def plain_soft_nms(boxes, scores, score, sigma, keep):
    """The same of one image, as a loop: boxes [P, C, 4], scores [P, C]; rows (label, score, x1, y1, x2, y2)."""
    rows = []
    for label in range(scores.shape[1]):
        left = {k: value for k, value in enumerate(scores[:, label].tolist()) if value > score}
        taken = 0
        while left and taken < keep:
            best = max(left, key=lambda k: (left[k], -k))
            value = left.pop(best)
            rows.append([label, value, *boxes[best, label]])
            taken += 1
            left = {
                k: old * np.exp(-(overlap(boxes[best, label], boxes[k, label]) ** 2) / sigma) for k, old in left.items()
            }
            left = {k: value for k, value in left.items() if value > score}
    return sorted(rows, key=lambda row: -row[1])[:keep]


@pytest.mark.parametrize("top_k", [-1, 30])
@pytest.mark.parametrize("counts", [(30, 12), (5, 0), (0, 0)])
def test_soft_nms_equals_a_plain_loop(counts, top_k):
    rng = np.random.default_rng(len(counts))
    total = sum(counts)
    corner = rng.uniform(0, 60, (total, 3, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 40, (total, 3, 2))], 2).astype("f4")
    scores = rng.random((total, 3)).astype("f4")
    nms = SoftNMS(0.1, 0.15, 25, top_k)
    rows, given = nms(
        *map(paddle.to_tensor, (boxes.reshape(-1, 3, 4), scores.reshape(-1, 3), np.array(counts, "int32")))
    )
    start = first = 0
    for count, found in zip(counts, given.tolist()):
        right = plain_soft_nms(boxes[first : first + count], scores[first : first + count], 0.1, 0.15, 25)
        np.testing.assert_allclose(rows.numpy()[start : start + found], np.array(right).reshape(-1, 6), rtol=1e-4)
        start, first = start + found, first + count
    assert start == len(rows) and given.dtype == paddle.int32


def test_of_two_boxes_with_an_iou_of_81_of_119_the_lower_score_is_multiplied():
    boxes = paddle.to_tensor([[[0.0, 0, 10, 10]], [[1.0, 1, 11, 11]], [[50.0, 50, 60, 60]]])
    rows, counts = SoftNMS(sigma=0.5)(
        boxes, paddle.to_tensor([[0.8], [0.9], [0.7]]), paddle.to_tensor([3], dtype="int32")
    )
    assert counts.tolist() == [3]
    lowered = 0.8 * np.exp(-((81 / 119) ** 2) / 0.5)
    assert rows[:, 1].tolist() == pytest.approx([0.9, 0.7, lowered], rel=1e-5)
    for given in ({"sigma": 0}, {"keep": 0}, {"score": -1}):
        with pytest.raises(ValueError, match="SoftNMS got"):
            SoftNMS(**given)


def test_scores_and_boxes_that_are_not_finite_do_not_spoil_the_others():
    boxes = paddle.to_tensor([[[0.0, 0, 10, 10]], [[float("nan")] * 4], [[50.0, 50, 60, 60]]])
    scores = paddle.to_tensor([[0.8], [0.5], [float("nan")]])
    rows, _ = SoftNMS()(boxes, scores, paddle.to_tensor([3], dtype="int32"))
    assert rows[:, 1].tolist() == pytest.approx([0.8, 0.5])


def test_each_cell_adds_the_softmax_weighted_mean_of_all_cells():
    # D = 2, E = 1: queries and keys of the first channel, values of the second; the result is added to both channels
    layer = SpaceAttention(2)
    for conv, weight in ((layer.query, [1.0, 0]), (layer.key, [1.0, 0]), (layer.value, [0, 1.0])):
        conv.weight.set_value(np.array(weight, "f4").reshape(1, 2, 1, 1))
    layer.out.weight.set_value(np.ones((2, 1, 1, 1), "f4"))
    x = np.array([[[[0.0, np.log(3)]], [[4.0, 8.0]]]], "f4")
    found = layer(paddle.to_tensor(x)).numpy()
    # the first cell weighs both alike: 6; the second by 1 and exp(ln 3 ln 3)
    weight = np.exp(np.log(3) ** 2)
    np.testing.assert_allclose((found - x)[0, :, 0, 0], [6, 6], rtol=1e-5)
    np.testing.assert_allclose((found - x)[0, :, 0, 1], [(4 + 8 * weight) / (1 + weight)] * 2, rtol=1e-5)


def test_non_local_blocks_follow_every_few_blocks_of_a_stage():
    body = NonLocalResNet(26, width=0.125, blocks=[1, 1, 5, 1], every=2)
    assert [len(layers) for layers in body.attention] == [2]
    assert (
        [feature.shape[1] for feature in body(paddle.zeros([1, 3, 64, 64]))] == body.out_channels == [32, 64, 128, 256]
    )
    with pytest.raises(ValueError, match="NonLocalResNet got stages"):
        NonLocalResNet(26, width=0.125, stages=[0], freeze_stages=1)
