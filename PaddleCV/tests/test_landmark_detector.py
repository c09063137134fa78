"""BlazeFace with landmarks: the model contract, shortcuts of zeros, decoding by hand, and MediaPipe's weights."""

import itertools

import numpy as np
import paddle
import pytest

from common.build.foreign import model_shapes
from common.config import load_config
from common.testing import arrays, check_model
from PaddleCV.models.anchors.deltas import encode_linear
from PaddleCV.models.anchors.prior_boxes import PriorBoxes
from PaddleCV.models.backbones.blazenet import BlazeNet
from PaddleCV.models.detectors.landmark_detector import LandmarkDetector
from PaddleCV.models.foreign.torch_names import ForeignNames
from PaddleCV.models.heads.landmark_head import LandmarkHead
from PaddleCV.models.heads.nms import MulticlassNMS
from PaddleCV.models.losses.multibox_loss import LinearBoxLoss
from PaddleCV.models.necks.ssd_extras import SSDExtras

from .test_torch_names import KIT
from .tiny_detectors import objects_batch, settled

WIDTHS = (24, 24, 28, 32, 36, 42, 48, 56, 64, 72, 80, 88, 96, 96, 96, 96, 96)


def network(**more):
    return BlazeNet(
        stem=[8, 5], singles=[[8, 1], [12, 2], [12, 1], [16, 2], [20, 2]], doubles=[], kernel_size=3, projected=False,
        depthwise_norm=False, same=True, **more,
    )  # fmt: skip


def detector():
    paddle.seed(0)
    body = network()
    neck = SSDExtras(body.out_channels, body.strides, [])
    head = LandmarkHead(neck.out_channels, neck.strides, 1, PriorBoxes([[12, 24], [48, 96]]), landmarks=3)
    return LandmarkDetector(body, neck, head, LinearBoxLoss(0.35), MulticlassNMS(score=0.3))


def faces_batch():
    batch = objects_batch()
    return batch | {"labels": np.minimum(batch["labels"], 0)}


def test_it_keeps_the_contract(tmp_path):
    check_model(detector, faces_batch(), tmp_path, unused=["head.points.*"])


def test_channels_that_a_shortcut_lacks_are_0():
    block = network().stages[0][0]
    grown = network().stages[1][0]
    for layer in (block, grown):
        layer.eval()
        layer.layers[1].conv.weight.set_value(paddle.zeros_like(layer.layers[1].conv.weight))
    x = paddle.rand([1, 8, 6, 6])
    np.testing.assert_array_equal(block(x).numpy(), x.numpy())
    found = grown(x).numpy()
    np.testing.assert_array_equal(found[:, :8], paddle.nn.functional.max_pool2d(x, 2).numpy())
    assert found.shape == (1, 12, 3, 3) and not found[:, 8:].any()
    with pytest.raises(ValueError, match="20 channels after 8 need projected: true"):
        BlazeNet(stem=[8, 3], singles=[[20, 2]], doubles=[], projected=False, out_indices=[0])


def test_boxes_and_landmarks_are_pixels_from_the_center_of_a_cell():
    head = LandmarkHead([4], [8], 1, PriorBoxes([[10, 20]]), landmarks=2)
    logits, deltas, points = paddle.zeros([1, 2, 1, 2]), paddle.zeros([1, 8, 1, 2]), paddle.zeros([1, 8, 1, 2])
    logits[0, 1, 0, 1] = 100.0
    deltas[0, 4:, 0, 1] = paddle.to_tensor([1.0, -2.0, 6.0, 8.0])  # of the second prior box of the second cell
    points[0, 4:, 0, 1] = paddle.to_tensor([0.0, 1.0, 2.0, 3.0])
    boxes, scores, found = head.decode(([logits], [deltas], [points]))
    np.testing.assert_allclose(scores[0, 0].numpy(), [0.5, 0.5, 0.5, 1])
    assert boxes[0, 3].tolist() == [12 + 1 - 3, 4 - 2 - 4, 12 + 1 + 3, 4 - 2 + 4]
    assert found[0, 3].tolist() == [[12, 5], [14, 7]]
    _, flat, priors = head.flatten(([logits], [deltas], [points]))
    np.testing.assert_allclose(encode_linear(boxes, priors.unsqueeze(0))[0, 3].numpy(), flat[0, 3].numpy(), atol=1e-6)


def test_landmarks_follow_their_boxes_and_the_scale_of_the_image():
    batch = faces_batch()
    model = settled(detector(), batch)
    image = paddle.to_tensor(batch["image"])
    shape = paddle.to_tensor([[float(side) for side in image.shape[2:]]] * image.shape[0])
    once = arrays(model(image, shape, paddle.ones([image.shape[0], 2])))
    twice = arrays(model(image, shape, paddle.full([image.shape[0], 2], 0.5)))
    assert len(once[0]) == len(once[2]) > 0 and once[2].shape[1:] == (3, 2)
    _, _, points = (value.numpy() for value in model.head.decode(model.predict(image)))
    for own in twice[2]:
        assert np.isclose(points * 2, own, rtol=1e-4).all((2, 3)).any()


def test_an_image_without_a_face_has_no_landmarks():
    model = detector()
    model.eval()
    model.nms.score = 1.1
    _, counts, points = model(paddle.rand([2, 3, 64, 64]), paddle.full([2, 2], 64.0), paddle.ones([2, 2]))
    assert counts.tolist() == [0, 0] and points.shape == [0, 3, 2]


def test_mediapipes_weights_go_to_their_places():
    given, rng = {"const_fold_opt__249": np.zeros(3)}, np.random.default_rng(0)
    start, end = "StatefulPartitionedCall/functional_1/", "/ReadVariableOp:0"

    def convolution(number, out, channels, side):
        name = f"{start}conv2d" + (f"_{number}" if number else "")
        given[f"{name}/BiasAdd{end}"] = rng.random(out, np.float32)
        given[f"{name}/Conv2D{end}"] = rng.random((out, channels, side, side), np.float32)

    convolution(0, 24, 3, 5)
    for number, (old, new) in enumerate(itertools.pairwise(WIDTHS)):
        name = f"{start}depthwise_conv2d" + (f"_{number}" if number else "")
        given[f"{name}/depthwise{end}"] = rng.random((old, 1, 3, 3), np.float32)
        convolution(number + 1, new, old, 1)
    for number, (out, channels) in enumerate(((2, 88), (6, 96), (32, 88), (96, 96)), 17):
        convolution(number, out, channels, 1)
    config = load_config(KIT / "configs/blazeface_128.yml")
    order = ForeignNames("mediapipe", ForeignNames.network_of(config), given).order
    found = order.rename(given, model_shapes(config, order.count_classes(given)))
    for ours, theirs in {
        "backbone.stem.conv.weight": "conv2d/Conv2D",
        "backbone.stages.3.4.layers.1.norm.bias": "conv2d_16/BiasAdd",
        "backbone.stages.1.0.layers.0.weight": "depthwise_conv2d_2/depthwise",
        "head.scores.1.weight": "conv2d_18/Conv2D",
    }.items():
        np.testing.assert_array_equal(found[ours], given[start + theirs + end])
    both = given[f"{start}conv2d_20/BiasAdd{end}"].reshape(6, 16)
    np.testing.assert_array_equal(found["head.deltas.1.bias"], both[:, :4].reshape(-1))
    np.testing.assert_array_equal(found["head.points.1.bias"], both[:, 4:].reshape(-1))
