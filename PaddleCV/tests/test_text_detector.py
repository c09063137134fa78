"""Text detection: the contract, the loss, the maps it learns from, readers of lists, and the metric, by numbers."""

import json

import cv2
import numpy as np
import paddle
import pytest

from common.config import load_config
from common.errors import DataError
from common.inference.tasks.text_detection import TextDetection
from common.testing import check_model
from PaddleCV.data.text_lines import TextLines, TextMaps, outline_of
from PaddleCV.metrics.text_hmean import TextHmean
from PaddleCV.models.losses.db_loss import DBLoss, balanced

SQUARE = np.float32([[10, 10], [50, 10], [50, 30], [10, 30]])


def maps(size=64):
    """The maps of a page with one line, [1, H, W] each."""
    sample = {
        "image": np.zeros((size, size, 3), np.uint8),
        "keypoints": np.dstack([SQUARE[None], np.full((1, 4), 2.0)]),
    }
    sample["difficult"] = np.zeros(1, bool)
    made = TextMaps()(sample, None)
    return {name: value[None] for name, value in made.items() if name != "image"}


def test_contract(tmp_path):
    paddle.seed(0)
    config = load_config("PaddleCV/configs/tiny/db_lcnet.yml")
    image = np.random.default_rng(0).normal(size=(1, 3, 64, 64)).astype("float32")
    build = lambda: config.build("model", num_classes=1, labels=["text"])  # noqa: E731
    dead = ("neck.*.excite.*",)  # of one hidden unit each, which may be 0 everywhere
    check_model(build, {"image": image, **maps()}, tmp_path, unused=dead)


def test_a_line_is_shrunk_and_its_border_falls_from_high_to_low():
    made = {name: value[0] for name, value in maps().items()}
    distance = 40 * 20 * (1 - 0.4**2) / 120  # 5.6 pixels
    rows, columns = np.nonzero(made["text_map"])
    assert (rows.min(), columns.min()) == (10 + int(distance), 10 + int(distance))
    assert made["text_counts"].all() and made["border_map"].min() == pytest.approx(0.3)
    assert made["border_map"][20, 10] > 0.6 and made["border_map"][20, 30] == pytest.approx(0.3)
    assert made["border_counts"][20, 30] == 1 and made["border_counts"][20, 60] == 0


def test_lines_that_cannot_be_read_do_not_count():
    corners = np.dstack([SQUARE[None], np.full((1, 4), 2.0)])
    sample = {"image": np.zeros((64, 64, 3), np.uint8), "keypoints": corners, "difficult": np.ones(1, bool)}
    made = TextMaps()(sample, None)
    assert not made["text_map"].any() and made["text_counts"][20, 30] == 0 and made["text_counts"][5, 5] == 1
    assert "keypoints" not in made


def test_the_loss_is_that_of_the_formulas():
    logits = paddle.to_tensor(np.float32([[[2.0, -1.0, 0.5, -3.0]]]))
    text, ones = paddle.to_tensor(np.float32([[[1, 0, 0, 0]]])), paddle.ones([1, 1, 4])
    losses = np.log1p(np.exp([-2.0, -1.0, 0.5, -3.0]))  # of -2 for the positive, of the logits for the others
    found = balanced(paddle.nn.functional.softplus(logits) - logits * text, text, 1 - text, 2.0)
    assert float(found) == pytest.approx((losses[0] + losses[1] + losses[2]) / 3, rel=1e-5)
    batch = {"text_map": text, "text_counts": ones, "border_map": 0.5 * ones, "border_counts": ones}
    terms = DBLoss(negatives=3.0)(logits, paddle.zeros([1, 1, 4]), batch)
    assert float(terms["loss_border"]) == 0 and float(terms["loss_text"]) == pytest.approx(losses.mean(), rel=1e-5)
    sigmoid = 1 / (1 + np.exp(-np.float64(logits.numpy()).ravel()))
    binary = 1 / (1 + np.exp(-50 * (sigmoid - 0.5)))
    assert float(terms["loss_binary"]) == pytest.approx(1 - 2 * binary[0] / (binary.sum() + 1), rel=1e-4)
    with pytest.raises(ValueError, match="weights of 0 or more"):
        DBLoss(binary_weight=-1)


def write_list(folder, *lines):
    cv2.imwrite(str(folder / "a.png"), np.zeros((40, 60, 3), np.uint8))
    (folder / "list.txt").write_text("\n".join(lines))
    return TextLines(str(folder), "list.txt")


def entry(text="word", points=SQUARE.tolist()):
    return {"transcription": text, "points": points}


def test_a_list_in_the_form_of_paddleocr_is_read(tmp_path):
    lines = write_list(tmp_path, "a.png\t" + json.dumps([entry(), entry("###")]), "", "a.png\t[]")
    assert len(lines) == 2 and not lines.check()
    sample = lines[0]
    assert sample["boxes"][0].tolist() == [10, 10, 50, 30] and sample["difficult"].tolist() == [False, True]
    assert sample["keypoints"].shape == (2, 4, 3) and lines[1]["keypoints"].shape == (0, 4, 3)
    points, _ = outline_of(entry(points=[[0, 0], [5, 0], [10, 0], [10, 4], [0, 4]]))
    assert sorted(map(tuple, points.round().tolist())) == [(0, 0), (0, 4), (10, 0), (10, 4)]


@pytest.mark.parametrize("line, words", [
    ("a.png", "no tab"),
    ("a.png\t[", "is not JSON"),
    ("a.png\t[3]", "no 'transcription'"),
    ("a.png\t" + json.dumps([entry(points=[[0, 0]])]), "no 'points'"),
    ("a.png\t" + json.dumps([entry(points="abc")]), "line 1"),
    ("b.png\t[]", "b.png"),
])  # fmt: skip
def test_a_line_with_a_slip_is_named(tmp_path, line, words):
    with pytest.raises(DataError, match=words):
        write_list(tmp_path, line)


def test_precision_recall_and_hmean_by_hand():
    metric = TextHmean(TextDetection())
    far, shifted = SQUARE + 100, SQUARE + np.float32([4, 0])
    metric.add([shifted, far], np.stack([SQUARE, SQUARE + 200]), np.array([False, False]))
    assert metric.compute() == pytest.approx({"precision": 0.5, "recall": 0.5, "hmean": 0.5})
    metric.add([far], np.stack([far - 1]), np.array([True]))  # inside a line that does not count
    assert metric.counts.tolist() == [1, 2, 2]
    metric.merge([metric.state(), {"counts": np.float64([1, 2, 2])}])
    assert metric.compute()["hmean"] == pytest.approx(0.5)
    assert TextHmean(TextDetection()).compute() == {"precision": 0, "recall": 0, "hmean": 0}
