"""YOLOv3: the model contract, the published parameter counts, exports, ONNX."""

import inspect
import subprocess
import sys

import numpy as np
import paddle
import pytest

from common.inference.predictor import run_engine
from common.testing import arrays, check_model, count_parameters, load_program, save_program, warm_up_statistics
from PaddleCV.models.backbones.darknet import DarkNet
from PaddleCV.models.backbones.mobilenet_v1 import MobileNetV1
from PaddleCV.models.backbones.mobilenet_v3 import MobileNetV3
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.detectors.yolov3 import YOLOv3
from PaddleCV.models.heads.nms import MatrixNMS, MulticlassNMS
from PaddleCV.models.heads.yolov3_head import YOLOv3Head
from PaddleCV.models.losses.yolov3_loss import YOLOv3Loss
from PaddleCV.models.necks.yolov3_fpn import YOLOv3FPN

ANCHORS = [[[116, 90], [156, 198], [373, 326]], [[30, 61], [62, 45], [59, 119]], [[10, 13], [16, 30], [33, 23]]]
BACKBONES = {
    "DarkNet": lambda: DarkNet(depths=[1, 1, 1, 1, 1], width=0.25),
    "MobileNetV1": lambda: MobileNetV1(scale=0.25),
    "MobileNetV3": lambda: MobileNetV3(scale=0.35),
    "ResNet50_vd": lambda: ResNet(50, "vd", width=0.25),
    "ResNet_vd_dcn": lambda: ResNet(26, "vd", width=0.125, blocks=[1, 1, 1, 1], deformable_stages=[3]),
}


def tiny(backbone="DarkNet", num_classes=3, nms=None, scale_xy=1.0, iou_aware=None, **loss):
    paddle.seed(0)
    body = BACKBONES[backbone]()
    neck = YOLOv3FPN(body.out_channels, channels=64)
    # with a prior of a half the scores of untrained weights differ enough to have an order
    head = YOLOv3Head(
        neck.out_channels, num_classes, ANCHORS, scale_xy=scale_xy, objectness_prior=0.5, iou_aware=iou_aware
    )
    return YOLOv3(body, neck, head, YOLOv3Loss(**loss), nms or MulticlassNMS())


def batch(images=2, size=(96, 128)):
    """Images of twice the input's size, with an object for every level."""
    height, width = size
    rng = np.random.default_rng(1)
    boxes = np.array([[4, 5, 16, 20], [40, 10, 80, 60], [2, 2, 126, 94], [0, 0, 0, 0]], "float32")
    return {
        "image": rng.normal(size=(images, 3, height, width)).astype("float32"),
        "im_shape": np.full((images, 2), size, "float32"),
        "scale_factor": np.full((images, 2), 0.5, "float32"),
        "boxes": np.stack([boxes] * images) + np.arange(images, dtype="float32").reshape(-1, 1, 1),
        "labels": np.array([[0, 1, 2, -1]] * images),
        "scores": np.full((images, 4), 0.8, "float32"),
    }


@pytest.mark.parametrize("backbone", [name for name in BACKBONES if "dcn" not in name])
def test_yolov3_keeps_the_contract_with_every_backbone(backbone, tmp_path):
    check_model(lambda: tiny(backbone), batch(), tmp_path)


def test_yolov3_takes_images_of_as_many_channels_as_its_backbone():
    body = DarkNet(depths=[1, 1, 1, 1, 1], width=0.25, in_channels=1)
    neck = YOLOv3FPN(body.out_channels, channels=64)
    model = YOLOv3(body, neck, YOLOv3Head(neck.out_channels, 3, ANCHORS), YOLOv3Loss(), MulticlassNMS())
    assert model.inputs["image"][0] == [None, 1, None, None] and list(model.inputs) == [*tiny().inputs]
    assert tiny().inputs["image"][0] == [None, 3, None, None]


def test_yolov3_keeps_the_contract_with_all_that_it_may_have_beside_the_paper(tmp_path):
    head = {"scale_xy": 1.05, "iou_aware": 0.4}
    loss = {"iou_loss": "ciou", "label_smoothing": 0.025}
    check_model(lambda: tiny("ResNet_vd_dcn", nms=MatrixNMS(), **head, **loss), batch(), tmp_path)


@pytest.mark.parametrize(
    ("backbone", "published"),
    [
        (DarkNet, (61949149, 52608)),
        (MobileNetV1, (24571197, 38784)),
        (lambda: ResNet(34), (42309053, 34048)),
    ],
    ids=["DarkNet53", "MobileNetV1", "ResNet34"],
)
def test_the_full_size_model_has_the_published_parameters(backbone, published):
    body = backbone()
    neck = YOLOv3FPN(body.out_channels)
    parts = [body, neck, YOLOv3Head(neck.out_channels, 80, ANCHORS)]
    assert tuple(sum(counts) for counts in zip(*map(count_parameters, parts))) == published


def test_the_loss_falls_when_one_batch_is_learned():
    model = tiny()
    model.train()
    optimizer = paddle.optimizer.Adam(3e-3, parameters=model.parameters())
    given = {name: paddle.to_tensor(value) for name, value in batch().items()}
    values = []
    for _ in range(25):
        total = sum(model.loss(given).values())
        total.backward()
        optimizer.step()
        optimizer.clear_grad()
        values.append(total.item())
    assert values[-1] < 0.4 * values[0]


def test_answers_are_rows_in_pixels_of_the_original_images():
    model = tiny()
    warm_up_statistics(model, batch())
    given = batch()
    rows, counts = model(*(paddle.to_tensor(given[name]) for name in model.inputs))
    assert rows.shape[1] == 6 and counts.dtype == paddle.int32 and counts.sum().item() == len(rows)
    rows = rows.numpy()
    assert set(rows[:, 0]) <= {0, 1, 2} and (rows[:, 1] > 0.01).all()
    assert (rows[:, 2:] >= 0).all() and rows[:, [2, 4]].max() <= 256 and rows[:, [3, 5]].max() <= 192
    assert rows[:, 4].max() > 200  # the input has 128 pixels


@pytest.mark.parametrize(
    "nms", [MulticlassNMS(score=0.999), MatrixNMS(score=0.999)], ids=lambda nms: type(nms).__name__
)
def test_where_nothing_is_found_the_exported_model_answers_no_rows_as_well(nms, tmp_path):
    model = tiny(nms=nms)
    warm_up_statistics(model, batch())
    for layer in model.head.outputs:
        layer.bias.set_value(paddle.full_like(layer.bias, -50.0))
    given = {name: batch()[name] for name in model.inputs}
    expected = arrays(model(*map(paddle.to_tensor, given.values())))
    save_program(model, tmp_path / "model")
    got = run_engine(load_program(tmp_path / "model"), given)
    for answer in (expected, got):
        assert answer[0].shape == (0, 6) and answer[1].tolist() == [0, 0]


def test_the_exported_model_takes_other_sizes_than_it_was_exported_with(tmp_path):
    model = tiny()
    warm_up_statistics(model, batch())
    save_program(model, tmp_path / "model")
    engine = load_program(tmp_path / "model")
    for size in ((64, 64), (160, 96)):
        given = batch(1, size)
        given = {name: given[name] for name in model.inputs}
        expected = arrays(model(*map(paddle.to_tensor, given.values())))
        for got, right in zip(run_engine(engine, given), expected, strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-4, atol=5e-3)


def test_onnx_of_a_fixed_size_answers_the_same_for_one_image(tmp_path):
    # of a free size, paddle2onnx 2.1 gives every class the scores of the first
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("paddle2onnx")
    model = tiny()
    warm_up_statistics(model, batch())
    model.inputs = {name: ([1, *array.shape[1:]], "float32") for name, array in batch().items() if name in model.inputs}
    save_program(model, tmp_path / "model")
    # in a separate process: a graph that cannot be converted ends it
    convert = "import sys, paddle2onnx as p; p.export(*sys.argv[1:4], opset_version=17, optimize_tool=None)"  # no pip
    names = [str(tmp_path / f"model{suffix}") for suffix in (".json", ".pdiparams", ".onnx")]
    command = [sys.executable, "-W", "ignore", "-c", convert, *names]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    given = {name: batch(1)[name] for name in model.inputs}
    rows, counts = onnxruntime.InferenceSession(names[2]).run(None, given)
    right, right_counts = arrays(model(*map(paddle.to_tensor, given.values())))
    assert counts.tolist() == right_counts.tolist()
    # ONNX orders the rows by score alone
    rows, right = (answer[np.lexsort((answer[:, 1], answer[:, 0]))] for answer in (rows, right))
    np.testing.assert_allclose(rows, right, rtol=1e-4, atol=5e-3)


def test_a_backbone_whose_levels_do_not_fit_on_one_another_is_refused():
    def make(node, **more):
        return (
            DarkNet(depths=[1, 1, 1, 1, 1], width=0.25, out_indices=[1, 2, 4])
            if node == "backbone"
            else YOLOv3FPN(**more)
        )

    with pytest.raises(ValueError, match=r"the backbone gives \[32, 8, 4\]; its out_indices"):
        YOLOv3.from_config("backbone", "neck", "head", "loss", 3, make)


def test_sides_that_the_strides_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiples of 32, not 96 x 100"):
        tiny().predict(paddle.zeros([1, 3, 96, 100]))


def build(node, **given):
    """As the configuration does: a type, its keys, and what its signature takes of the given."""
    keys = dict(node)
    kind = keys.pop("type")
    known = inspect.signature(kind.__init__).parameters
    return kind(**keys, **{name: value for name, value in given.items() if name in known})


def test_from_config_tells_every_part_the_channels_of_the_one_before():
    model = YOLOv3.from_config(
        backbone={"type": MobileNetV3, "scale": 0.35},
        neck={"type": YOLOv3FPN, "channels": 64},
        head={"type": YOLOv3Head, "anchors": ANCHORS},
        loss={"type": YOLOv3Loss, "ignore_iou": 0.6},
        nms={"type": MatrixNMS, "keep": 7},
        num_classes=5,
        build=build,
    )
    assert model.head.strides == [32, 16, 8] and model.head.num_classes == 5
    assert model.loss_terms.ignore_iou == 0.6 and model.nms.keep == 7
    predictions = model.predict(paddle.zeros([1, 3, 64, 64]))
    assert [p.shape for p in predictions] == [[1, 3, 10, 2, 2], [1, 3, 10, 4, 4], [1, 3, 10, 8, 8]]


def test_without_an_nms_node_the_default_nms_is_used():
    model = YOLOv3.from_config(
        {"type": MobileNetV1, "scale": 0.25},
        {"type": YOLOv3FPN, "channels": 64},
        {"type": YOLOv3Head, "anchors": ANCHORS},
        {"type": YOLOv3Loss},
        num_classes=1,
        build=build,
    )
    assert (model.nms.score, model.nms.iou, model.nms.keep, model.nms.top_k) == (0.01, 0.45, 100, 1000)
