"""Faster R-CNN with a pyramid and with one level: the model contract, exports, drawing from the random state."""

import numpy as np
import paddle
import pytest

from common.inference.predictor import run_engine
from common.system import random_state
from common.testing import arrays, check_model, load_program, save_program
from PaddleCV.models.anchors.anchor_grid import AnchorGrid
from PaddleCV.models.anchors.proposals import Proposals
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.detectors.faster_rcnn import FasterRCNN
from PaddleCV.models.heads.box_head import BoxHead, LastStage, TwoLinear
from PaddleCV.models.heads.nms import MulticlassNMS
from PaddleCV.models.heads.rpn import RPN
from PaddleCV.models.losses.rpn_loss import RPNLoss
from PaddleCV.models.necks.fpn import FPN
from PaddleCV.models.rois.box_stage import BoxStage
from PaddleCV.models.rois.roi_align import RoIAlign
from PaddleCV.models.rois.targets import RoiSampler, SampledRois

from .tiny_detectors import losses_while_learning, objects_batch, settled


def rpn(levels, sizes):
    return RPN(
        levels.out_channels, levels.strides, AnchorGrid(sizes), Proposals(keep=20), Proposals(keep=50), RPNLoss(64)
    )


def pyramid():
    body = ResNet(18, width=0.125, out_indices=(0, 1, 2, 3))
    neck = FPN(body.out_channels, body.strides, channels=8)
    roi = RoIAlign(neck.out_channels, neck.strides, size=3)
    boxes = BoxStage(roi, BoxHead(TwoLinear(8, 3, 16), 3), RoiSampler(32))
    return FasterRCNN(body, neck, rpn(neck, [[8], [16], [32], [64], [96]]), boxes, MulticlassNMS(0.05, 0.5, 100, -1))


def one_level():
    body = ResNet(18, width=0.125, out_indices=(2,))
    roi = RoIAlign(body.out_channels, body.strides, size=4, samples=0)
    boxes = BoxStage(roi, BoxHead(LastStage(32, 18, width=0.125, norm="bn"), 3), RoiSampler(32))
    return FasterRCNN(body, None, rpn(body, [[12, 40, 96]]), boxes, MulticlassNMS(0.05, 0.5, 100, -1))


MODELS = {"pyramid": pyramid, "one_level": one_level}


def make(name):
    paddle.seed(0)
    return MODELS[name]()


def given(batch, **more):
    return {name: paddle.to_tensor(value) for name, value in (batch | more).items()}


@pytest.mark.parametrize("name", MODELS)
def test_faster_rcnn_keeps_the_contract(name, tmp_path):
    check_model(lambda: make(name), objects_batch(), tmp_path)


def test_the_loss_falls_when_one_batch_is_learned():
    values = losses_while_learning(make("pyramid"), objects_batch(), steps=20)
    assert values[-1] < 0.6 * values[0]


def test_the_exported_model_takes_other_sizes_and_answers_in_pixels_of_the_original(tmp_path):
    model = settled(make("pyramid"), objects_batch())
    save_program(model, tmp_path / "model")
    engine = load_program(tmp_path / "model")
    for size in ((64, 64), (160, 96)):
        batch = objects_batch(1, size)
        inputs = {key: batch[key] for key in model.inputs}
        rows, counts = arrays(model(*map(paddle.to_tensor, inputs.values())))
        assert counts.sum() == len(rows) > 0 and set(rows[:, 0]) <= {0, 1, 2}
        assert rows[:, 2:].min() >= 0 and size[1] < rows[:, 4].max() <= 2 * size[1]
        for got, right in zip(run_engine(engine, inputs), (rows, counts), strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("name", MODELS)
def test_images_without_objects_are_trained_as_background(name):
    batch = given(objects_batch(), boxes=np.zeros((2, 0, 4), "f4"), labels=np.zeros((2, 0), "i8"))
    model = make(name)
    losses = model.loss(batch)
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters() if not p.stop_gradient)  # several processes wait for all
    assert losses["loss_box"].item() == losses["loss_rpn_box"].item() == 0
    assert losses["loss_class"].item() > 0 and losses["loss_rpn_class"].item() > 0


def test_anchors_and_rois_are_drawn_from_the_state_that_checkpoints_hold():
    model, batch = make("pyramid"), given(objects_batch())
    model.train()
    random_state.seed(5)
    state = random_state.collect()
    first = [{name: value.item() for name, value in model.loss(batch).items()} for _ in range(2)]
    random_state.restore(state)
    assert [{name: value.item() for name, value in model.loss(batch).items()} for _ in range(2)] == first
    assert first[0]["loss_rpn_class"] != first[1]["loss_rpn_class"]


def test_where_nothing_is_found_the_exported_model_answers_no_rows_as_well(tmp_path):
    model = settled(make("one_level"), objects_batch())
    model.nms.score = 0.999
    save_program(model, tmp_path / "model")
    inputs = {name: objects_batch()[name] for name in model.inputs}
    for answer in (
        arrays(model(*map(paddle.to_tensor, inputs.values()))),
        run_engine(load_program(tmp_path / "model"), inputs),
    ):
        assert answer[0].shape == (0, 6) and answer[1].tolist() == [0, 0]


def test_the_loss_of_a_stage_by_hand():
    stage = make("pyramid").boxes
    stage.forward = lambda features, rois, counts: (paddle.zeros([2, 4]), paddle.zeros([2, 4, 4]))
    rois = paddle.to_tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 5.0, 5.0]])
    boxes = paddle.to_tensor([[1.0, 0.0, 11.0, 10.0], [0.0, 0.0, 5.0, 5.0]])
    sampled = SampledRois(rois, paddle.to_tensor([2]), paddle.to_tensor([3, 0]), boxes, paddle.to_tensor([0, -1]))
    terms, _, _ = stage.loss(None, sampled)
    # dx is 1 / 10, times its weight of 10; two RoIs
    assert terms["loss_class"].item() == pytest.approx(np.log(4))
    assert terms["loss_box"].item() == pytest.approx(0.5 / 2, rel=1e-5)


def test_a_box_of_a_class_is_moved_by_the_deltas_of_that_class():
    stage = make("pyramid").boxes
    deltas = np.zeros((1, 4, 4), "f4")
    deltas[0, 2, 0] = 10  # of the second class: one width to the right
    scores, boxes = stage.decode(
        paddle.zeros([1, 4]), paddle.to_tensor(deltas), paddle.to_tensor([[0.0, 0.0, 8.0, 8.0]])
    )
    assert boxes[0].tolist() == [[0, 0, 8, 8], [8, 0, 16, 8], [0, 0, 8, 8]] and scores.tolist() == [[0.25] * 3]


def test_levels_and_anchors_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="got 1 levels, but anchors for 2"):
        RPN([8], [8], AnchorGrid([[8], [16]]))
    with pytest.raises(ValueError, match=r"equal channels and anchors, not \[8, 16\]"):
        RPN([8, 16], [8, 16], AnchorGrid([[8], [16]]))
    with pytest.raises(ValueError, match="FasterRCNN takes images whose sides are multiples of 32, not 64 x 40"):
        make("pyramid").predict(paddle.zeros([1, 3, 64, 40]))
