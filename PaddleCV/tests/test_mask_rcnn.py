"""Mask R-CNN, also of one level and in a cascade: the model contract, targets by hand, masks of no boxes."""

import numpy as np
import paddle
import pytest

from common.inference.predictor import run_engine
from common.testing import arrays, check_model, load_program, save_program
from PaddleCV.models.detectors.mask_rcnn import CascadeMaskRCNN, MaskRCNN
from PaddleCV.models.rois.mask_stage import MaskHead, MaskStage, mask_targets
from PaddleCV.models.rois.roi_align import RoIAlign
from PaddleCV.models.rois.targets import SampledRois

from .test_cascade_rcnn import make as make_cascade
from .test_faster_rcnn import given, one_level, pyramid
from .tiny_detectors import losses_while_learning, objects_batch, settled


def make():
    paddle.seed(0)
    first = pyramid()
    levels = first.neck
    masks = MaskStage(RoIAlign(levels.out_channels, levels.strides, size=4), MaskHead(8, 3, convs=1, channels=8))
    return MaskRCNN(first.backbone, levels, first.rpn, first.boxes, masks, first.nms)


def shared():
    """Masks of the features that the boxes have after the last stage of the ResNet."""
    paddle.seed(0)
    first = one_level()
    masks = MaskStage(None, MaskHead(first.boxes.shared_channels, 3, convs=0, channels=8))
    return MaskRCNN(first.backbone, None, first.rpn, first.boxes, masks, first.nms)


def cascade():
    first = make_cascade()
    levels = first.neck
    masks = MaskStage(RoIAlign(levels.out_channels, levels.strides, size=4), MaskHead(8, 3, convs=1, channels=8))
    return CascadeMaskRCNN(
        *(first.backbone, levels, first.rpn, list(first.boxes), masks, first.nms), stage_weights=(1.0, 0.5)
    )


MODELS = {"pyramid": make, "shared": shared, "cascade": cascade}


def masks_batch():
    """Objects whose masks are the left halves of their boxes."""
    batch = objects_batch()
    masks = np.zeros((*batch["boxes"].shape[:2], *batch["image"].shape[2:]), "uint8")
    for image, boxes in enumerate(batch["boxes"].astype(int)):
        for number, (x1, y1, x2, y2) in enumerate(boxes):
            masks[image, number, y1:y2, x1 : (x1 + x2) // 2] = 1
    return batch | {"masks": masks}


@pytest.mark.parametrize("name", ["shared", "cascade"])  # a cascade has all that the pyramid has
def test_mask_rcnn_keeps_the_contract(name, tmp_path):
    check_model(MODELS[name], masks_batch(), tmp_path)


def test_masks_that_share_the_features_of_boxes_add_a_head_only_and_train_the_same_stage():
    model, alone = shared(), one_level()
    added = {name for name, _ in model.named_parameters()} - {name for name, _ in alone.named_parameters()}
    assert added and all(name.startswith("masks.head.") for name in added)
    model.loss(given(masks_batch()))["loss_mask"].backward()
    assert all(p.grad is not None for p in model.boxes.head.body.parameters() if not p.stop_gradient)
    assert all(p.grad is None for p in (model.boxes.head.scores.weight, model.boxes.head.deltas.weight))


def test_the_loss_of_masks_is_the_same_from_the_features_of_all_rois_and_of_those_with_objects():
    model, batch = shared(), given(masks_batch())
    model.eval()  # the statistics of a batch would depend on the RoIs in it
    rois = paddle.to_tensor([[3.0, 4, 17, 21], [90, 60, 100, 80], [1, 1, 120, 90], [38, 9, 80, 61], [90, 9, 99, 30]])
    objects = paddle.to_tensor([0, -1, 2, 1, -1])
    sampled = SampledRois(rois, paddle.to_tensor([2, 3], "int32"), objects + 1, rois, objects)
    features = model.features(batch["image"])
    cells = model.boxes.shared_cells(features, sampled.rois, sampled.counts)
    losses = [model.mask_loss(features, sampled, batch, known)["loss_mask"].item() for known in (cells, None)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_mask_stage_without_rois_is_refused_where_the_boxes_have_no_features_to_share():
    node = {"type": "MaskHead"}
    with pytest.raises(ValueError, match="needs `roi`"):
        MaskStage.from_config(node, [8], [4], 3, build=None, shared_channels=make().boxes.shared_channels)


def test_the_loss_of_masks_falls_when_one_batch_is_learned():
    model = make()
    model.train()
    before = model.loss(given(masks_batch()))["loss_mask"].item()
    losses_while_learning(model, masks_batch(), steps=25, rate=1e-2)
    assert model.loss(given(masks_batch()))["loss_mask"].item() < 0.7 * before


@pytest.mark.parametrize("name", MODELS)
def test_the_mean_of_the_losses_of_two_images_is_that_of_both_together(name):
    model, batch = MODELS[name](), masks_batch()
    batch["labels"][1, :2] = -1  # so that the images have unequal numbers of objects, anchors and RoIs
    model.eval()  # batch statistics would differ
    model.rpn.loss_terms.count, model.rpn.loss_terms.straddle = 10**6, None  # all are used, none are drawn
    for stage in model.boxes if name == "cascade" else [model.boxes]:
        stage.sampler.count, stage.sampler.positive_share = 10**6, 1.0
    whole = model.loss(given(batch))
    halves = [model.loss(given({key: value[k : k + 1] for key, value in batch.items()})) for k in range(2)]
    for term, value in whole.items():
        assert value.item() == pytest.approx(sum(half[term].item() for half in halves) / 2, rel=1e-5), term


def test_targets_are_the_masks_inside_of_the_rois_in_their_order():
    masks = np.zeros((2, 8, 8), "uint8")
    masks[0, :, :4] = 1  # the left half
    masks[1, 4:] = 1  # the lower half
    rois = paddle.to_tensor([[0.0, 0.0, 8.0, 8.0], [0.0, 0.0, 8.0, 8.0], [0.0, 0.0, 4.0, 4.0]])
    found = mask_targets(paddle.to_tensor(masks), rois, paddle.to_tensor([1, 0, 0]), 2)
    assert found.tolist() == [[[0, 0], [1, 1]], [[1, 0], [1, 0]], [[1, 1], [1, 1]]]


@pytest.mark.parametrize("name", MODELS)
def test_images_without_objects_and_samples_without_masks(name):
    empty = {
        "boxes": np.zeros((2, 0, 4), "f4"),
        "labels": np.zeros((2, 0), "i8"),
        "masks": np.zeros((2, 0, 96, 128), "u1"),
    }
    model = MODELS[name]()
    losses = model.loss(given(masks_batch() | empty))
    sum(losses.values()).backward()
    assert losses["loss_mask"].item() == 0
    assert all(p.grad is not None for p in model.parameters() if not p.stop_gradient)
    with pytest.raises(ValueError, match="with_masks: true"):
        model.loss(given(objects_batch()))


def test_where_nothing_is_found_there_are_no_masks(tmp_path):
    model = settled(make(), objects_batch())
    model.nms.score = 0.999
    save_program(model, tmp_path / "model")
    inputs = {name: objects_batch()[name] for name in model.inputs}
    expected = arrays(model(*map(paddle.to_tensor, inputs.values())))
    for answer in (expected, run_engine(load_program(tmp_path / "model"), inputs)):
        assert [output.shape for output in answer] == [(0, 6), (2,), (0, 8, 8)]
