"""RetinaNet and SSD: the model contract, exports of other sizes, answers in pixels of the original images."""

import numpy as np
import paddle
import pytest

from common.inference.predictor import run_engine
from common.testing import arrays, check_model, load_program, save_program
from PaddleCV.models.anchors.anchor_grid import AnchorGrid
from PaddleCV.models.anchors.prior_boxes import DensityPriorBoxes, PriorBoxes
from PaddleCV.models.backbones.mobilenet_v1 import MobileNetV1
from PaddleCV.models.backbones.reduced_vgg import ReducedVGG
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.detectors.retinanet import RetinaNet
from PaddleCV.models.detectors.ssd import SSD
from PaddleCV.models.heads.nms import MulticlassNMS
from PaddleCV.models.heads.retinanet_head import RetinaNetHead
from PaddleCV.models.heads.ssd_head import SSDHead
from PaddleCV.models.losses.multibox_loss import MultiBoxLoss
from PaddleCV.models.losses.retinanet_loss import RetinaNetLoss
from PaddleCV.models.necks.fpn import FPN
from PaddleCV.models.necks.ssd_extras import SSDExtras

from .tiny_detectors import losses_while_learning, objects_batch, settled


def retinanet(extra="conv_input"):
    body = ResNet(18, width=0.125)
    neck = FPN(body.out_channels, body.strides, channels=8, extra=extra)
    sizes = [[4.0 * stride, 5.04 * stride] for stride in neck.strides]
    # with a prior of a third the scores of untrained weights differ enough to have an order
    head = RetinaNetHead(neck.out_channels, neck.strides, 3, AnchorGrid(sizes), convs=1, prior=1 / 3)
    return RetinaNet(body, neck, head, RetinaNetLoss(), MulticlassNMS(iou=0.5))


def mobile_ssd():
    body = MobileNetV1(scale=0.25, out_indices=(3, 4))
    neck = SSDExtras(body.out_channels, body.strides, [[16, 32, 3, 2, 1]], norm="bn")
    priors = PriorBoxes([12, 45, 90], [45, 90, 130], [[2], [2, 3], []], max_last=True)
    return SSD(body, neck, SSDHead(neck.out_channels, neck.strides, 3, priors, 1), MultiBoxLoss(), MulticlassNMS())


def vgg_ssd():
    body = ReducedVGG(11, width=0.125)
    neck = SSDExtras(body.out_channels, body.strides, [[16, 32, 3, 2, 1]], scale=20.0)
    priors = DensityPriorBoxes([[16], [32], [64]], [[2], [2], [1]])
    return SSD(body, neck, SSDHead(neck.out_channels, neck.strides, 3, priors), MultiBoxLoss(), MulticlassNMS())


MODELS = {"retinanet": retinanet, "mobile_ssd": mobile_ssd, "vgg_ssd": vgg_ssd}


def make(name):
    paddle.seed(0)
    return MODELS[name]()


@pytest.mark.parametrize("name", MODELS)
def test_a_one_stage_detector_keeps_the_contract(name, tmp_path):
    check_model(lambda: make(name), objects_batch(), tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_the_loss_falls_when_one_batch_is_learned(name):
    values = losses_while_learning(make(name), objects_batch())
    assert values[-1] < 0.6 * values[0]


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_without_objects_is_trained_too(name):
    batch = objects_batch()
    empty = batch | {"boxes": np.zeros((2, 0, 4), "f4"), "labels": np.zeros((2, 0), "i8")}
    model = make(name)
    losses = model.loss({key: paddle.to_tensor(value) for key, value in empty.items()})
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters() if not p.stop_gradient)  # several processes wait for all
    assert all(np.isfinite(value.item()) for value in losses.values())


@pytest.mark.parametrize("name", ["retinanet", "mobile_ssd"])
def test_the_exported_model_takes_other_sizes_and_answers_in_pixels_of_the_original(name, tmp_path):
    model = settled(make(name), objects_batch())
    save_program(model, tmp_path / "model")
    engine = load_program(tmp_path / "model")
    for size in ((64, 64), (160, 96)):
        batch = objects_batch(1, size)
        given = {key: batch[key] for key in model.inputs}
        rows, counts = arrays(model(*map(paddle.to_tensor, given.values())))
        assert counts.sum() == len(rows) > 0 and set(rows[:, 0]) <= {0, 1, 2}
        assert rows[:, 2:].min() >= 0 and size[1] < rows[:, 4].max() <= 2 * size[1]
        for got, right in zip(run_engine(engine, given), (rows, counts), strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-4, atol=1e-2)


def test_p6_of_the_pyramid_comes_from_the_backbone_or_from_p5():
    for extra, received in (("conv_input", 64), ("conv_output", 8)):
        assert retinanet(extra).neck.downs[0].weight.shape == [8, received, 3, 3]


def test_the_pyramid_adds_the_upsampled_coarser_level():
    neck = FPN([2, 2], [8, 16], channels=2, extra="pool")
    for layer in (*neck.laterals, *neck.outputs):
        kernel = np.zeros(layer.weight.shape, "f4")
        middle = kernel.shape[2] // 2
        kernel[range(2), range(2), middle, middle] = 1  # each layer passes its input on
        layer.weight.set_value(kernel)
    fine, coarse = paddle.rand([1, 2, 4, 4]), paddle.rand([1, 2, 2, 2])
    outputs = neck([fine, coarse])
    assert [level.shape[2] for level in outputs] == [4, 2, 1] and neck.strides == [8, 16, 32]
    repeated = np.repeat(np.repeat(coarse.numpy(), 2, 2), 2, 3)
    np.testing.assert_allclose(outputs[0].numpy(), fine.numpy() + repeated, rtol=1e-6)
    assert outputs[2].numpy().tolist() == coarse[:, :, :1, :1].numpy().tolist()


def test_the_first_level_of_ssd_is_divided_by_its_norm():
    neck = SSDExtras([2, 4], [8, 16], [], scale=20.0)
    first, second = neck([paddle.to_tensor([[[[3.0]], [[4.0]]]]), paddle.ones([1, 4, 1, 1])])
    assert first.flatten().tolist() == pytest.approx([12, 16]) and second.flatten().tolist() == [1] * 4


def test_the_last_pooling_of_the_reduced_vgg_keeps_the_size_and_others_round_up():
    body = ReducedVGG(11, width=0.125, out_indices=(2, 3, 4, 5))
    assert body.strides == [4, 8, 16, 16] and body.out_channels == [32, 64, 64, 128]
    assert [level.shape[2] for level in body(paddle.zeros([1, 3, 300, 300]))] == [75, 38, 19, 19]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: FPN([8, 8], [8, 32]), r"twice the stride of the one before, not \[8, 32\]"),
        (lambda: FPN([8], [8], extra="up"), "pool, conv_input, conv_output, none, not 'up'"),
        (lambda: RetinaNetHead([8], [8], 3, AnchorGrid([[8], [16]])), "got 1 levels, but anchors for 2"),
        (lambda: SSDHead([8], [8], 3, PriorBoxes([8, 16])), "got 1 levels, but prior boxes for 2"),
        (lambda: SSDExtras([8], [8], [[8, 8]]), r"a block is \[channels, channels, kernel size"),
        (lambda: retinanet().predict(paddle.zeros([1, 3, 64, 40])), "multiples of 32, not 64 x 40"),
    ],
)
def test_parts_that_do_not_fit_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
