"""The YOLOv3 loss: the operators of PaddlePaddle 1.8 and 3.3 with gradients, numbers by hand, invalid boxes."""

import math
import types

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from PaddleCV.models.boxes import best_anchors, cells_of
from PaddleCV.models.losses.yolov3_loss import YOLOv3Loss, binary_cross_entropy, last_of_each, usable_objects

from .golden_numbers import golden

ANCHORS = [[(116, 90), (156, 198), (373, 326)], [(30, 61), (62, 45), (59, 119)], [(10, 13), (16, 30), (33, 23)]]
C = 4


def head(scale_xy=1.0, anchors=ANCHORS, iou_aware=None):
    strides = [32, 16, 8][: len(anchors)]
    return types.SimpleNamespace(anchors=anchors, strides=strides, scale_xy=scale_xy, iou_aware=iou_aware)


def corners(relative, size):
    """Boxes (center x, y, width, height) relative to the image, as (x1, y1, x2, y2) in pixels."""
    center, half = relative[..., :2] * size, relative[..., 2:] * size / 2
    return np.concatenate([center - half, center + half], axis=-1).astype("float32")


def case(seed=0, images=2, objects=6, size=96, classes=C):
    """Random predictions of three levels and objects of all sizes, the last of each image padding."""
    rng = np.random.default_rng(seed)
    predictions = [
        paddle.to_tensor(rng.normal(size=(images, 3, 5 + classes, size // s, size // s)).astype("float32"))
        for s in (32, 16, 8)
    ]
    for prediction in predictions:
        prediction.stop_gradient = False
    relative = np.concatenate(
        [rng.uniform(0.05, 0.95, (images, objects, 2)), np.exp(rng.uniform(-3, 0, (images, objects, 2)))], axis=2
    )
    relative[:, -1] = 0
    labels = rng.integers(0, classes, (images, objects))
    labels[:, -1] = -1
    return predictions, relative.astype("float32"), labels, rng.uniform(0.3, 1, (images, objects)).astype("float32")


def compute(loss, predictions, relative, labels, scores=None, size=96, **keys):
    boxes = paddle.to_tensor(corners(relative, size))
    scores = None if scores is None else paddle.to_tensor(scores)
    return loss(predictions, head(**keys), boxes, paddle.to_tensor(labels), scores)


def test_loss_and_gradient_equal_yolov3_loss_of_1_8():
    numbers = golden("yolov3_loss")
    x = paddle.to_tensor(numbers["x"])
    x.stop_gradient = False
    loss = YOLOv3Loss(ignore_iou=0.7, label_smoothing=min(1 / C, 1 / 40))
    total = 0
    for i in range(2):  # the operator gives a sum an image, ours is the mean over images: one at a time
        prediction = [x.reshape([2, 3, 9, 5, 5])[i : i + 1]]  # one level of three, whose anchors still compete
        given = numbers["gb"][i : i + 1], numbers["gl"][i : i + 1].astype("int64"), numbers["gs"][i : i + 1]
        value = sum(compute(loss, prediction, *given, size=160).values())
        assert value.item() == pytest.approx(numbers["loss"][i], rel=1e-5)
        total = total + value
    total.backward()
    np.testing.assert_allclose(x.grad.numpy(), numbers["grad_x"], atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("smooth", [False, True])
def test_loss_and_gradients_equal_the_operator_of_the_framework_on_all_levels(seed, smooth):
    predictions, relative, labels, scores = case(seed)
    flat = [anchor for level in ANCHORS for pair in level for anchor in pair]
    right = 0
    for level, prediction in enumerate(predictions):
        right = right + paddle.vision.ops.yolo_loss(
            prediction.flatten(1, 2),
            paddle.to_tensor(relative),
            paddle.to_tensor(labels.astype("int32")),
            flat,
            [3 * level, 3 * level + 1, 3 * level + 2],
            C,
            0.5,
            [32, 16, 8][level],
            gt_score=paddle.to_tensor(scores),
            use_label_smooth=smooth,
        )
    right.mean().backward()
    expected = [prediction.grad.numpy() for prediction in predictions]
    for prediction in predictions:
        prediction.clear_grad()
    value = sum(compute(YOLOv3Loss(0.5, 1 / 40 if smooth else 0.0), predictions, relative, labels, scores).values())
    value.backward()
    assert value.item() == pytest.approx(right.mean().item(), rel=1e-5)
    for prediction, gradient in zip(predictions, expected):
        np.testing.assert_allclose(prediction.grad.numpy(), gradient, atol=1e-5)


def test_a_box_of_24_by_24_at_40_72_in_96_pixels_by_hand():
    # one level of stride 32, anchor 12 x 48: cell (1, 2), offsets (0.25, 0.25), sizes log 2 and log 1/2, predictions 0
    # weight 2 - 1/16; BCE(0, any) = log 2; 9 cells' objectness log 2 each; 4 classes log 2 each
    anchors = [[(12, 48)]]
    boxes = paddle.to_tensor([[[28.0, 60.0, 52.0, 84.0]]])
    terms = YOLOv3Loss()([paddle.zeros([1, 1, 9, 3, 3])], head(anchors=anchors), boxes, paddle.to_tensor([[2]]))
    log2, weight = math.log(2), 2 - 1 / 16
    expected = {
        "loss_xy": weight * 2 * log2,
        "loss_wh": weight * 2 * log2,
        "loss_objectness": 9 * log2,
        "loss_class": C * log2,
    }
    assert {name: value.item() for name, value in terms.items()} == pytest.approx(expected, rel=1e-5)


def test_a_prediction_that_overlaps_by_more_than_ignore_iou_is_not_called_background():
    # two anchors in one cell of 96 pixels: the object is the first, the second overlaps it by 64/81 = 0.79
    anchors = [[(72, 72), (64, 64)]]
    boxes = paddle.to_tensor([[[12.0, 12.0, 84.0, 84.0]]])
    prediction = [paddle.zeros([1, 2, 6, 1, 1])]
    two = types.SimpleNamespace(anchors=anchors, strides=[96], scale_xy=1.0, iou_aware=None)
    values = [YOLOv3Loss(limit)(prediction, two, boxes, paddle.to_tensor([[0]])) for limit in (0.78, 0.80)]
    log2 = math.log(2)
    assert [v["loss_objectness"].item() for v in values] == pytest.approx([log2, 2 * log2], rel=1e-5)


def test_smoothing_of_a_tenth_makes_targets_of_nine_tenths_and_one_tenth():
    predictions, relative, labels, _ = case(images=1, objects=2)
    predictions = [paddle.full_like(prediction, 3.0) for prediction in predictions]
    value = compute(YOLOv3Loss(label_smoothing=0.1), predictions, relative, labels)["loss_class"].item()
    softplus = math.log(1 + math.exp(3))
    assert value == pytest.approx((softplus - 0.9 * 3) + 3 * (softplus - 0.1 * 3), rel=1e-5)


@pytest.mark.parametrize("kind", ["iou", "giou", "diou", "ciou"])
def test_an_iou_term_takes_the_place_of_both_box_terms_and_is_0_for_a_perfect_box(kind):
    loss = YOLOv3Loss(iou_loss=kind)
    anchors = [[(24, 24)]]
    boxes = paddle.to_tensor([[[36.0, 36.0, 60.0, 60.0]]])  # the center of the middle cell
    prediction = paddle.zeros([1, 1, 9, 3, 3])
    terms = loss([prediction], head(anchors=anchors), boxes, paddle.to_tensor([[0]]))
    assert set(terms) == {"loss_iou", "loss_objectness", "loss_class"}
    assert terms["loss_iou"].item() == pytest.approx(0, abs=1e-5)
    prediction[0, 0, 2, 1, 1] = math.log(2)  # twice as wide: IoU 1/2, weight 2.5 * (2 - 1/16)
    worse = loss([prediction], head(anchors=anchors), boxes, paddle.to_tensor([[0]]))["loss_iou"].item()
    least = 2.5 * (2 - 1 / 16) * 0.5
    assert worse == pytest.approx(least, rel=1e-5) if kind in ("iou", "giou", "diou") else worse > least


def test_stretched_offsets_are_compared_by_their_distance():
    predictions, relative, labels, _ = case(images=1, objects=2)
    predictions = [paddle.zeros_like(prediction) for prediction in predictions]
    boxes = corners(relative, 96)[0, 0]
    weight = 2 - relative[0, 0, 2] * relative[0, 0, 3]
    sizes = paddle.to_tensor([a for level in ANCHORS for a in level], dtype="float32")
    stride = [32, 16, 8][best_anchors(paddle.to_tensor(boxes).reshape([1, 1, 4]), sizes).item() // 3]
    offset = ((boxes[:2] + boxes[2:]) / 2 / stride) % 1
    value = compute(YOLOv3Loss(), predictions, relative, labels, scale_xy=1.05)["loss_xy"].item()
    assert value == pytest.approx(weight * np.abs(0.5 - offset).sum(), rel=1e-4)


def test_two_processes_with_half_the_images_average_to_the_whole():
    predictions, relative, labels, scores = case(images=4)
    loss = YOLOv3Loss()
    whole = sum(compute(loss, predictions, relative, labels, scores).values()).item()
    halves = [
        sum(compute(loss, [p[part] for p in predictions], relative[part], labels[part], scores[part]).values()).item()
        for part in (slice(0, 2), slice(2, 4))
    ]
    assert sum(halves) / 2 == pytest.approx(whole, rel=1e-6)


def test_more_padding_changes_nothing():
    predictions, relative, labels, scores = case()
    wide = [
        np.pad(a, [(0, 0), (0, 9)] + [(0, 0)] * (a.ndim - 2), constant_values=v)
        for a, v in ((relative, 0), (labels, -1), (scores, 0))
    ]
    first = compute(YOLOv3Loss(), predictions, relative, labels, scores)
    second = compute(YOLOv3Loss(), predictions, *wide)
    assert {k: v.item() for k, v in first.items()} == pytest.approx({k: v.item() for k, v in second.items()})


@pytest.mark.parametrize("objects", [0, 3])
@pytest.mark.parametrize("kind", [None, "ciou"])
def test_images_without_objects_teach_objectness_alone(objects, kind):
    predictions, relative, labels, _ = case(objects=max(objects, 1))
    labels[:] = -1
    terms = compute(YOLOv3Loss(iou_loss=kind), predictions, relative[:, :objects], labels[:, :objects])
    background = sum(F.softplus(p[:, :, 4]).sum().item() for p in predictions) / 2
    assert terms.pop("loss_objectness").item() == pytest.approx(background, rel=1e-5)
    assert all(value.item() == 0 for value in terms.values())


@pytest.mark.parametrize("kind", [None, "iou", "giou", "diou", "ciou"])
@pytest.mark.parametrize(
    "bad",
    [
        [float("nan")] * 4,
        [float("inf")] * 4,
        [0, 0, float("inf"), 50],
        [50, 50, 10, 10],
        [30, 30, 30, 60],
        [5, 5, 5, 5],
    ],
    ids=str,
)
def test_boxes_that_are_none_count_as_no_object(bad, kind):
    predictions, relative, labels, _ = case()
    boxes = paddle.to_tensor(corners(relative, 96))
    boxes[0, 0] = paddle.to_tensor(bad, dtype="float32")
    value = YOLOv3Loss(iou_loss=kind)(predictions, head(), boxes, paddle.to_tensor(labels))
    labels[0, 0] = -1
    right = compute(YOLOv3Loss(iou_loss=kind), predictions, relative, labels)
    sum(value.values()).backward()
    assert {k: v.item() for k, v in value.items()} == pytest.approx({k: v.item() for k, v in right.items()})
    assert all(np.isfinite(prediction.grad.numpy()).all() for prediction in predictions)


def test_a_center_outside_the_image_is_kept_in_the_nearest_cell():
    boxes = paddle.to_tensor([[[-40.0, 90.0, 20.0, 150.0]]])  # center (-10, 120) of an image of 96 x 96
    assert cells_of(boxes, 32, (3, 3)).tolist() == [[[0, 2]]]
    predictions = case(images=1)[0]
    terms = YOLOv3Loss()(predictions, head(), boxes, paddle.to_tensor([[0]]))
    assert all(np.isfinite(value.item()) and value.item() >= 0 for value in terms.values())


def test_images_may_be_wider_than_high():
    predictions = [paddle.zeros([1, 3, 5 + C, 64 // s, 128 // s]) for s in (32, 16, 8)]
    boxes = paddle.to_tensor([[[100.0, 10.0, 120.0, 40.0]]])  # center (110, 25)
    assert cells_of(boxes, 8, (8, 16)).tolist() == [[[13, 3]]]
    terms = YOLOv3Loss()(predictions, head(), boxes, paddle.to_tensor([[0]]))
    assert terms["loss_xy"].item() == pytest.approx((2 - 600 / 8192) * 2 * math.log(2), rel=1e-5)


def test_of_two_objects_in_one_place_the_last_gives_the_weight_of_the_objectness():
    predictions, relative, labels, _ = case(images=1, objects=3)
    relative[0, 1] = relative[0, 0]
    scores = np.array([[0.2, 0.7, 0]], "float32")
    both = compute(YOLOv3Loss(), predictions, relative, labels, scores)
    labels[0, 0] = -1
    last = compute(YOLOv3Loss(), predictions, relative, labels, scores)
    assert both["loss_objectness"].item() == pytest.approx(last["loss_objectness"].item())
    assert both["loss_wh"].item() == pytest.approx(last["loss_wh"].item() * 9 / 7, rel=1e-5)


def test_last_of_each_marks_the_last_object_of_a_place_that_is_taken():
    places = paddle.to_tensor([[5, 5, 7, 5, 7]])
    taken = paddle.to_tensor([[True, True, True, False, True]])
    assert last_of_each(places, taken).tolist() == [[False, True, False, False, True]]


def test_the_best_anchor_of_a_box_of_40_by_50_is_30_by_61_with_1500_of_2330():
    # 30 x 50 common, 40 * 50 + 30 * 61 - 1500 = 2330 together: 0.644; of 62 x 45: 1800 of 2990 is 0.602
    sizes = paddle.to_tensor([a for level in ANCHORS for a in level], dtype="float32")
    assert best_anchors(paddle.to_tensor([[[7.0, 7.0, 47.0, 57.0]]]), sizes).tolist() == [[3]]


def test_what_is_no_object_gets_label_minus_1_and_a_harmless_box():
    boxes = paddle.to_tensor([[[0.0, 0, 9, 9], [9, 9, 0, 0], [0, 0, 9, 9]]])
    objects = usable_objects(boxes, paddle.to_tensor([[1, 1, -1]]), None, (32, 32))
    assert objects.labels.tolist() == [[1, -1, -1]]
    assert objects.scores.tolist() == [[1, 0, 0]]
    assert objects.boxes[0, 1].tolist() == [0, 0, 1, 1]


def test_cross_entropy_of_logit_2_and_target_a_quarter():
    p = 1 / (1 + math.exp(-2))
    right = -0.25 * math.log(p) - 0.75 * math.log(1 - p)
    assert binary_cross_entropy(paddle.to_tensor([2.0]), paddle.to_tensor([0.25])).item() == pytest.approx(right)


@pytest.mark.parametrize(
    ("keys", "words"), [({"iou_loss": "jou"}, "iou_loss 'jou'"), ({"label_smoothing": 0.7}, "0.7")]
)
def test_settings_that_make_no_sense_are_refused(keys, words):
    with pytest.raises(ValueError, match=words):
        YOLOv3Loss(**keys)


def test_the_iou_of_a_prediction_is_learned_where_an_object_is_and_moves_no_box():
    # zero deltas in cell (1, 1) of stride 32 with an anchor of 20 x 10: the box around (48, 48); the object is its left
    # half, IoU 0.5; a logit of 0 has the cross entropy log 2, whatever the target, and its gradient is 0.5 - 0.5
    prediction = paddle.zeros([1, 1, 6 + C, 3, 3])
    prediction[0, 0, -1, 1, 1] = 2.0
    prediction.stop_gradient = False
    boxes, labels = paddle.to_tensor([[[38.0, 43.0, 48.0, 53.0]]]), paddle.to_tensor([[1]])
    model = head(anchors=[[(20, 10)]], iou_aware=0.5)
    loss = YOLOv3Loss(iou_aware_weight=3.0)([prediction], model, boxes, labels, paddle.to_tensor([[0.8]]))
    expected = 3 * 0.8 * (math.log(1 + math.exp(2)) - 2 * 0.5)
    assert loss["loss_iou_aware"].item() == pytest.approx(expected, rel=1e-5)
    loss["loss_iou_aware"].backward()
    places = prediction.grad.nonzero().tolist()
    assert places == [[0, 0, 5 + C, 1, 1]]
    assert {*loss} == {"loss_xy", "loss_wh", "loss_objectness", "loss_class", "loss_iou_aware"}


def test_an_iou_term_may_stand_beside_those_of_the_deltas():
    predictions, relative, labels, scores = case()
    both = compute(YOLOv3Loss(iou_loss="iou_squared", with_deltas=True), predictions, relative, labels, scores)
    deltas = compute(YOLOv3Loss(), predictions, relative, labels, scores)
    overlap = compute(YOLOv3Loss(iou_loss="iou_squared"), predictions, relative, labels, scores)
    for name, value in (overlap | deltas).items():
        assert both[name].item() == pytest.approx(value.item(), rel=1e-6), name
