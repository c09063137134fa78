"""Cascade R-CNN: the model contract, and boxes that move from stage to stage."""

import numpy as np
import paddle
import pytest

from common.testing import check_model
from PaddleCV.models.detectors.cascade_rcnn import CascadeRCNN
from PaddleCV.models.heads.box_head import BoxHead, TwoLinear
from PaddleCV.models.heads.nms import MulticlassNMS
from PaddleCV.models.rois.box_stage import BoxStage
from PaddleCV.models.rois.roi_align import RoIAlign
from PaddleCV.models.rois.targets import RoiSampler

from .test_faster_rcnn import given, pyramid
from .tiny_detectors import objects_batch

WEIGHTS = ((10, 10, 5, 5), (20, 20, 10, 10))


def make(agnostic=True, stage_weights=(1.0, 0.5)):
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
        for overlap, weights in zip((0.5, 0.6), WEIGHTS)
    ]
    return CascadeRCNN(first.backbone, levels, first.rpn, stages, MulticlassNMS(0.05, 0.5, 100, -1), stage_weights)


def test_cascade_rcnn_keeps_the_contract(tmp_path):
    model = check_model(make, objects_batch(), tmp_path)
    terms = model.loss(given(objects_batch()))
    assert list(terms) == [
        *("loss_rpn_class", "loss_rpn_box", "loss_class_1", "loss_box_1", "loss_class_2", "loss_box_2")
    ]


def fixed(stage, logits, shift):
    """Makes a head answer these logits, and move every box by `shift` of its width."""
    count = len(logits)
    deltas = np.zeros((2, 4), "f4")
    deltas[1, 0] = shift * stage.weights[0]

    def answer(features):
        rows = paddle.shape(features)[0]
        return paddle.to_tensor([logits]).expand([rows, count]), paddle.to_tensor(deltas).unsqueeze(0).expand(
            [rows, 2, 4]
        )

    stage.head.forward = answer


def test_boxes_move_from_stage_to_stage_and_scores_are_the_mean_of_all_heads():
    model = make()
    fixed(model.boxes[0], [0.0, 0.0, 0.0, 0.0], 0.5)
    fixed(model.boxes[1], [0.0, 20.0, 0.0, 0.0], 0.25)
    features = model.features(paddle.zeros([1, 3, 64, 64]))
    rois, counts = paddle.to_tensor([[0.0, 0.0, 16.0, 16.0]]), paddle.to_tensor([1], dtype="int32")
    scores, boxes = model.classify(features, rois, counts, paddle.to_tensor([[64.0, 64.0]]))
    assert boxes.tolist() == [[[12, 0, 28, 16]] * 3]
    np.testing.assert_allclose(scores.numpy(), [[(0.25 + 1) / 2, 0.125, 0.125]], atol=1e-5)


@pytest.mark.parametrize(("own", "expected"), [(True, (0.2 + 0.6) / 2), (False, (0.4 + 0.6) / 2)])
def test_a_head_scores_the_rois_of_its_stage_or_the_last_ones(own, expected):
    model = make()
    model.own_scores = own
    answers = iter([0.2, 0.4])  # of the first head: for its own RoIs, and for the last ones

    def first(regions):
        share = next(answers)
        return paddle.log(paddle.to_tensor([[1 - share, share, 1e-9, 1e-9]])), paddle.zeros([1, 2, 4])

    model.boxes[0].head.forward = first
    model.boxes[1].head.forward = lambda regions: (
        paddle.log(paddle.to_tensor([[0.4, 0.6, 1e-9, 1e-9]])),
        paddle.zeros([1, 2, 4]),
    )
    features = model.features(paddle.zeros([1, 3, 64, 64]))
    rois, counts = paddle.to_tensor([[0.0, 0.0, 16.0, 16.0]]), paddle.to_tensor([1], dtype="int32")
    scores, _ = model.classify(features, rois, counts, paddle.to_tensor([[64.0, 64.0]]))
    assert float(scores[0, 0]) == pytest.approx(expected, abs=1e-5)


def test_a_later_stage_is_trained_on_the_moved_boxes_inside_of_the_image():
    model = make()
    fixed(model.boxes[0], [0.0, 0.0, 0.0, 0.0], 0.5)
    seen = []
    sampler = model.boxes[1].sampler

    def spy(rois, counts, objects, with_objects):
        seen.append((rois.tolist(), with_objects))
        return sampler(rois, counts, objects, with_objects)

    model.boxes[1].sampler = spy
    features = model.features(paddle.zeros([1, 3, 64, 64]))
    objects = [(paddle.to_tensor([[16.0, 0.0, 32.0, 16.0]]), paddle.to_tensor([1]))]
    rois, counts = paddle.to_tensor([[40.0, 8.0, 60.0, 28.0]]), paddle.to_tensor([1], dtype="int32")
    terms = model.second_stage(features, rois, counts, objects, {"im_shape": paddle.to_tensor([[64.0, 64.0]])})
    # the object itself is a RoI of the first stage, and comes first there; the other one ends at the image
    assert seen == [([[24, 0, 40, 16], [50, 8, 64, 28]], False)]
    assert terms["loss_class_1"].item() == pytest.approx(np.log(4))


def test_stages_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 stages and 1 stage_weights"):
        make(stage_weights=(1.0,))
    with pytest.raises(ValueError, match="agnostic: true"):
        make(agnostic=False)
