"""PyramidBox, FaceBoxes and BlazeFace: the model contract, exports of other sizes, and parts worked out by hand."""

import numpy as np
import paddle
import pytest

from common.inference.predictor import run_engine
from common.testing import arrays, check_model, count_parameters, load_program, save_program
from PaddleCV.models.anchors.prior_boxes import DensityPriorBoxes, PriorBoxes
from PaddleCV.models.backbones.blazenet import BlazeNet
from PaddleCV.models.backbones.faceboxes_net import FaceBoxesNet
from PaddleCV.models.backbones.reduced_vgg import ReducedVGG
from PaddleCV.models.detectors.pyramid_box import PyramidBox
from PaddleCV.models.detectors.ssd import SSD
from PaddleCV.models.heads.nms import MulticlassNMS
from PaddleCV.models.heads.pyramid_box_head import PyramidBoxHead, largest_scores, score_counts
from PaddleCV.models.heads.ssd_head import SSDHead
from PaddleCV.models.losses.multibox_loss import MultiBoxLoss
from PaddleCV.models.losses.pyramid_box_loss import PyramidBoxLoss, expand_boxes
from PaddleCV.models.necks.low_level_fpn import LowLevelFPN
from PaddleCV.models.necks.ssd_extras import SSDExtras

from .tiny_detectors import losses_while_learning, objects_batch, settled

SMALL_BLAZE = {
    "stem": [8, 3],
    "singles": [[8, 1], [12, 2], [12, 1]],
    "doubles": [[8, 16, 2], [8, 16, 1], [8, 24, 2], [8, 24, 1]],
}


def one_class_ssd(body, priors):
    neck = SSDExtras(body.out_channels, body.strides, [])
    return SSD(body, neck, SSDHead(neck.out_channels, neck.strides, 1, priors), MultiBoxLoss(0.35), MulticlassNMS())


def faceboxes():
    priors = DensityPriorBoxes([[12, 24], [56], [96]], [[4, 2], [2], [1]])
    return one_class_ssd(FaceBoxesNet(width=0.25), priors)


def blazeface():
    return one_class_ssd(BlazeNet(**SMALL_BLAZE), PriorBoxes([[12, 24], [48, 96]]))


def pyramidbox():
    body = ReducedVGG(11, width=0.0625, dilated=False, out_indices=(2, 3, 4, 5))
    neck = LowLevelFPN(body.out_channels, body.strides, [[8, 16, 3, 2, 1]], channels=32)
    head = PyramidBoxHead(neck.out_channels, neck.strides, 1, PriorBoxes([12, 20, 32, 48, 96]), parts=3)
    return PyramidBox(body, neck, head, PyramidBoxLoss(), MulticlassNMS())


MODELS = {"faceboxes": faceboxes, "blazeface": blazeface, "pyramidbox": pyramidbox}


def make(name):
    paddle.seed(0)
    return MODELS[name]()


def faces_batch(*given):
    batch = objects_batch(*given)
    return batch | {"labels": np.minimum(batch["labels"], 0)}


@pytest.mark.parametrize("name", MODELS)
def test_a_face_detector_keeps_the_contract(name, tmp_path):
    check_model(lambda: make(name), faces_batch(), tmp_path)


def test_the_terms_of_all_parts_fall_when_one_batch_is_learned():
    values = losses_while_learning(make("pyramidbox"), faces_batch(), steps=12, rate=5e-3)
    assert values[-1] < 0.7 * values[0]


def test_an_exported_pyramid_takes_sides_of_which_every_level_is_rounded_up(tmp_path):
    model = settled(make("pyramidbox"), faces_batch())
    save_program(model, tmp_path / "model")
    engine = load_program(tmp_path / "model")
    for size in ((64, 96), (75, 53)):
        batch = faces_batch(2, size)
        given = {key: batch[key] for key in model.inputs}
        rows, counts = arrays(model(*map(paddle.to_tensor, given.values())))
        assert counts.sum() == len(rows) > 0 and set(rows[:, 0]) == {0} and rows[:, 2:].max() <= 2 * max(size)
        for got, right in zip(run_engine(engine, given), (rows, counts), strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-4, atol=1e-2)


def test_the_published_networks_have_the_published_parameters():
    # without their heads: 3 x 3 convolutions to 6 numbers a prior box
    assert count_parameters(BlazeNet()) == (198384 - 48 * (96 * 9 + 1), 4032)
    assert count_parameters(FaceBoxesNet("lite")) == (515208 - 36 * (128 * 9 + 1) - 12 * (256 * 9 + 1), 2304)
    heads = 126 * (128 * 9 + 1) + 12 * (256 * 9 + 1)
    unused = 48 * 64 * 25 + 2 * 64  # the second convolution, which the published program does not use
    assert count_parameters(FaceBoxesNet("first_pooled")) == (998370 - heads - unused, 2960 - 128)
    wider = (128 - 48) * (32 + 32 + 24 + 24)  # the first Inception block takes 128 channels in place of 48
    assert count_parameters(FaceBoxesNet("paper")) == (998370 - heads + wider, 2960)


def test_the_strides_of_the_networks():
    for edition, strides in (("paper", [32, 64, 128]), ("first_pooled", [8, 16, 32]), ("lite", [8, 16])):
        body = FaceBoxesNet(edition, width=0.125)
        assert body.strides == strides
        sides = [level.shape[3] for level in body(paddle.zeros([1, 3, 128, 128]))]
        assert sides == [128 // stride for stride in strides]
    body = BlazeNet(**SMALL_BLAZE, out_indices=(0, 1, 2, 3))
    assert body.strides == [2, 4, 8, 16] and body.out_channels == [8, 12, 16, 24]
    assert [level.shape[2] for level in body(paddle.zeros([1, 3, 40, 40]))] == [20, 10, 5, 3]
    assert ReducedVGG(11, 0.0625, dilated=False).strides == [8, 32]


def test_crelu_gives_what_is_above_zero_and_what_is_below():
    layer = FaceBoxesNet("lite", width=0.125).stem[0]
    x = paddle.rand([1, 3, 8, 8])
    inner, outer = layer.conv(x), layer(x)
    assert outer.shape[1] == 2 * inner.shape[1]
    np.testing.assert_allclose((outer[:, :1] - outer[:, 1:]).numpy(), inner.numpy(), rtol=1e-6)


def test_a_blaze_block_without_convolutions_is_its_pooled_shortcut():
    body = BlazeNet([2, 3], [[2, 1], [2, 2]], [], kernel_size=3, out_indices=(0, 1))
    for block in (*body.stages[0], *body.stages[1]):
        block.layers[-1].conv.weight.set_value(paddle.zeros_like(block.layers[-1].conv.weight))
    body.eval()
    project = body.stages[1][0].shortcut[1].conv
    project.weight.set_value(np.eye(2, dtype="f4").reshape(2, 2, 1, 1))
    fine, coarse = body(paddle.rand([1, 3, 12, 12]))
    expected = fine.numpy().reshape(1, 2, 3, 2, 3, 2).max((3, 5))
    np.testing.assert_allclose(coarse.numpy(), expected, rtol=1e-4)  # the epsilon of batch normalization


def test_the_upsampling_begins_as_bilinear_interpolation():
    neck = LowLevelFPN([1, 1], [8, 16], [], top=1, channels=8, scales=())
    x = paddle.to_tensor([[[[1.0, 5.0]]]])
    # cells of half the size: a quarter and three quarters of the way; beyond the border lies 0
    expected = np.outer([0.75, 0.75], [0.75, 0.75 + 0.25 * 5, 0.25 + 0.75 * 5, 3.75])
    np.testing.assert_allclose(neck.ups[0](x)[0, 0].numpy(), expected, rtol=1e-6)


def test_the_low_level_pyramid_multiplies_from_its_top_down_and_leaves_coarser_levels():
    neck = LowLevelFPN([1, 1, 1], [8, 16, 32], [], top=1, channels=8, scales=(10.0,))
    for layer in (*neck.laterals, *neck.downs):
        layer.weight.set_value(paddle.ones_like(layer.weight))
    seen = []
    for context in neck.contexts:
        context.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    levels = [paddle.full([1, 1, side, side], value) for side, value in ((7, 2.0), (4, 3.0), (2, 5.0))]
    outputs = neck(levels)
    assert [level.shape for level in seen] == [[1, 1, 7, 7], [1, 1, 4, 4], [1, 1, 2, 2]]  # 8 x 8 cells were cut to 7
    assert seen[0][0, 0, 3, 3].item() == pytest.approx(6) and seen[2].max().item() == 5
    lengths = (outputs[0] ** 2).sum(axis=1).numpy()
    np.testing.assert_allclose(lengths[lengths > 0], 100, rtol=1e-3)  # of L2 norm 10, where a channel is above 0


def test_max_in_out_takes_the_largest_background_of_the_finest_level_and_the_largest_face_of_others():
    logits = paddle.to_tensor([4.0, 1.0, 7.0, 2.0, 3.0, 9.0, 5.0, 8.0]).reshape([1, 8, 1, 1])
    assert score_counts(0, 2, 3) == [(3, 1), (3, 1)] and score_counts(2, 2, 3) == [(1, 3), (1, 1)]
    assert largest_scores(logits, score_counts(0, 2, 3)).flatten().tolist() == [7, 2, 9, 8]
    assert largest_scores(logits[:, :6], score_counts(1, 2, 3)).flatten().tolist() == [4, 7, 3, 9]


def test_images_of_640_pixels_have_34125_prior_boxes_of_each_part():
    neck = [paddle.zeros([1, 2, 640 // stride, 640 // stride]) for stride in (4, 8, 16, 32, 64, 128)]
    head = PyramidBoxHead([2] * 6, [4, 8, 16, 32, 64, 128], 1, PriorBoxes([16, 32, 64, 128, 256, 512]))
    logits, deltas, priors = head.flatten(head(neck), part=1)
    assert logits.shape == [1, 34125, 2] and deltas.shape == [1, 34125, 4] and priors.shape == [34125, 4]
    assert priors[0].tolist() == [-6, -6, 10, 10] and priors[-1].tolist() == [320, 320, 832, 832]


def test_the_head_around_a_face_is_twice_as_large_and_ends_at_the_image():
    boxes = paddle.to_tensor([[[40.0, 30.0, 60.0, 50.0], [0.0, 10.0, 10.0, 30.0]]])
    assert expand_boxes(boxes, 2.0, 60, 100).tolist() == [[[30, 20, 70, 60], [0, 0, 15, 40]]]


def test_each_part_is_trained_on_its_own_boxes():
    head = PyramidBoxHead([1], [16], 1, PriorBoxes([64]), parts=3)
    loss = PyramidBoxLoss(part_weights=[1.0, 0.5, 2.0])
    # 4 x 4 cells, prior boxes of 64 pixels; a face of 32 pixels around the middle has a head of 64 and a body of 128
    predictions = [paddle.zeros([1, 6, 4, 4])], [paddle.zeros([1, 12, 4, 4])]
    boxes, labels = paddle.to_tensor([[[8.0, 8.0, 40.0, 40.0]]]), paddle.to_tensor([[0]])
    terms = {name: value.item() for name, value in loss(predictions, head, boxes, labels).items()}
    assert list(terms) == [f"loss_{part}_{of}" for part in ("face", "head", "body") for of in ("class", "box")]
    # at the cell (1, 1), centered at 24 as the face is: the head, cut to 56 by the image, is no prior box exactly
    plain = MultiBoxLoss(0.35, 0.35)
    for index, (name, factor, weight) in enumerate((("face", 1, 1.0), ("head", 2, 0.5), ("body", 4, 2.0))):
        around = expand_boxes(boxes, factor, 64, 64) if factor > 1 else boxes
        expected = plain.terms(*head.flatten(predictions, index), around, labels)
        for of in ("class", "box"):
            assert terms[f"loss_{name}_{of}"] == pytest.approx(weight * expected[f"loss_{of}"].item(), rel=1e-6)
    assert len({round(terms[f"loss_{part}_box"], 4) for part in ("face", "head", "body")}) == 3


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: FaceBoxesNet("small"), "paper, first_pooled, lite, not 'small'"),
        (lambda: FaceBoxesNet("lite", out_indices=(2,)), "stages 0 to 1"),
        (lambda: BlazeNet(singles=[[24, 3]]), r"a block \[24, 3\] in singles; it is \[channels, stride\]"),
        (lambda: BlazeNet(doubles=[[24, 2]]), r"in doubles; it is \[channels of the bottleneck, channels, stride\]"),
        (lambda: LowLevelFPN([8, 8], [8, 16], [], top=2), "2 levels; top is 1 to 1, not 2"),
        (lambda: LowLevelFPN([8, 8], [8, 16], [], top=1, channels=12, scales=()), "channels that 8 divides, not 12"),
        (
            lambda: PyramidBoxHead([8], [8], 3, PriorBoxes([8])),
            r"one class and one prior box per cell, not 3 and \[1\]",
        ),
        (lambda: PyramidBoxHead([8], [8], 1, PriorBoxes([8]), parts=4), "1 to 3 parts"),
        (lambda: PyramidBoxLoss(part_weights=[1.0]), r"takes 3 part_weights, not \[1.0\]"),
    ],
)
def test_parts_that_do_not_fit_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
