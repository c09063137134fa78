"""What happens to a batch inside the predictor's process, and the messages on the way there."""

import asyncio
import io
import json

import cv2
import numpy as np
import pytest
from starlette.datastructures import QueryParams
from starlette.requests import Request

from common.data.pipeline import Pipeline
from common.data.transform import Transform
from common.errors import ConfigError, DataError
from common.inference.predictor import Predictor, predict
from common.inference.tasks.image_classification import ImageClassification
from common.inference.tasks.tensors import Tensors
from common.text.split import SplitWords, TokenIds
from common.vision.decode import decode_image
from common.vision.instance_masks import encode_mask, mask_as_png
from deploy.serving import wire
from deploy.serving.app import Server
from deploy.serving.inputs import read_items, read_masks
from deploy.serving.items import image, text
from deploy.serving.metrics import Metrics
from deploy.serving.models import Settings
from deploy.serving.problems import Limits, Problem
from deploy.serving.worker import describe, predict_items, response_frame, warm_up, with_png
from tests.deploy.test_cpp_goldens import exported_twin
from tests.made.commands import command
from tools import zoo


class Letters(Transform):
    """A text as the codes of its letters."""

    def __call__(self, sample, rng):
        sample["x"] = np.array([ord(letter) for letter in sample["text_a"]], np.float32)
        return sample


class Echo(Tensors):
    """The outputs for each text."""

    input = "text"


class Doubling:
    """A model of texts: twice each code. It fails on a 'q' in any row and refuses a '?'."""

    inputs = {"x": ((None, None), "float32")}
    labels, task = [], Echo()

    def __init__(self):
        self.pipeline = Pipeline([Letters()])
        self.batches = []

    def run(self, batch):
        self.batches.append(batch["x"].shape)
        if (batch["x"] == ord("q")).any():
            raise RuntimeError("no q")
        if (batch["x"] == ord("?")).any():
            raise ConfigError("no question marks")
        return {"y": 2 * batch["x"]}

    def decode(self, sample):
        return self.pipeline.transforms[0](dict(sample), None)


def asked(*texts):
    return [text(one, 0.5, Limits()) for one in texts]


def doubled(word):
    return 200, json.dumps([{"y": [2.0 * ord(letter) for letter in word]}])


def test_only_inputs_of_one_size_are_run_together_and_every_answer_finds_its_place():
    model = Doubling()
    assert predict_items(model, asked("ab", "c", "de", "f")) == [doubled(word) for word in ("ab", "c", "de", "f")]
    assert model.batches == [(2, 2), (2, 1)]


def test_what_is_wrong_with_one_item_does_not_concern_the_others():
    found = predict_items(Doubling(), asked("a", "q", "?", "b"))
    assert found == [doubled("a"), (500, "the model failed on this input"), (422, "no question marks"), doubled("b")]


def test_a_sample_that_breaks_the_reading_does_not_concern_the_others_either():
    class Odd(Doubling):
        def decode(self, sample):
            return {"a": 1 / (sample["text_a"] != "!"), **super().decode(sample)}

    found = predict_items(Odd(), asked("a", "!", "b"))
    assert found == [doubled("a"), (500, "the model failed on this input"), doubled("b")]


class Reader:
    """A model of several networks, as `common.inference.text_reader.TextReader` is: the sum of an image's corner."""

    inputs, labels, threshold_from, task, parts = {}, ["a"], None, ImageClassification(), {}

    def __init__(self):
        self.pipeline = Pipeline([])

    def predict_samples(self, samples, threshold=None):
        sums = [int(sample["image"][0, 0].sum()) for sample in samples]
        bad = [DataError("error[D102] too dark")] if 0 in sums else []
        return [(one, [{"text": str(n), "score": threshold}]) for one, n in zip(samples, sums) if n], bad


def test_a_model_of_several_networks_predicts_whole_images_and_a_bad_one_costs_its_own_alone():
    model, files = Reader(), [cv2.imencode(".png", np.full((4, 5, 3), k, np.uint8))[1].tobytes() for k in (1, 0, 2)]
    warm_up(model)
    described = describe(model)
    assert (described["input"], described["labels"], described["inputs"], described["batch"]) == ("image", [], [], None)
    items = [image(data, f"image {n}", 0.25, Limits()) for n, data in enumerate(files, 1)]
    good, bad, other = predict_items(model, items)
    assert json.loads(good[1]) == [{"text": "3", "score": 0.25}] and json.loads(other[1])[0]["text"] == "6"
    assert bad[0] == 422 and "too dark" in bad[1]


def test_a_request_without_a_threshold_has_that_of_the_command_line(made_sets, tmp_path):
    """A classifier names its best five classes however little they score."""
    row = next(row for row in zoo.read_zoo() if row["config"].endswith("/mobilenet_v1.yml"))
    model = Predictor(exported_twin(row, made_sets, tmp_path / "export"))
    photo = decode_image(next(made_sets.folder("digit_classes").rglob("*.png")).read_bytes())
    described, body = describe(model), cv2.imencode(".png", photo)[1].tobytes()
    request = Request({"type": "http", "query_string": b"", "headers": [(b"content-type", b"image/png")]})
    items = asyncio.run(read_items(request, body, described, Limits()))
    ((status, records),) = predict_items(model, items)
    assert status == 200 and described["threshold"] == 0
    assert json.loads(records) == predict(model, [model.decode({"path": "x", "image": photo})])[0]
    assert len(json.loads(records)) == 5


@pytest.mark.parametrize(
    ("twin", "line"),
    [
        ("lexical", "今天天气很好"),
        ("pairs", "今天天气好吗\t很好"),
        ("words", "很好"),
        ("reading", "谁在跑?\t一只狐狸在跑"),
    ],
)
def test_a_text_is_answered_as_the_same_line_is_by_the_command(twin, line, made_sets, tmp_path):
    row = next(row for row in zoo.read_zoo() if f"/{twin}.yml" in row["tiny"])
    folder = exported_twin(row, made_sets, tmp_path / "export")
    said = command("infer", "--model", folder, "--text", line, "--json")
    model = Predictor(folder)
    (status, records), blank = predict_items(
        model, [text(line, describe(model)["threshold"], Limits()), *asked("\x01")]
    )
    assert status == 200 and json.loads(records) == json.loads(said.out)["predictions"]
    assert blank == (200, "[]")
    with pytest.raises(Problem, match=r"\[D126\] the text is empty"):
        asked(" ")


def test_a_text_that_is_cut_is_said_to_be(tmp_path):
    """The counts of each text go beside its records, and into the metrics."""
    (tmp_path / "v.txt").write_text("[UNK]\na\nb\n")

    class Short(Doubling):
        def __init__(self):
            self.pipeline = Pipeline([SplitWords(), TokenIds(str(tmp_path / "v.txt"), max_length=3), Letters()])

        def run(self, batch):
            return {"y": batch["x"]}

    request = {"id": 1, "items": [item | {"blobs": 1} for item, _ in asked("a b", "a c b a", "blank")]}
    message, _ = wire.read(io.BytesIO(response_frame(Short(), request, [b"a b", b"a c b a", b" "])))
    whole = {"tokens": 2, "unknown": 0, "cut": 0, "truncated": False}
    assert message["notes"] == [whole, {"tokens": 4, "unknown": 1, "cut": 1, "truncated": True}, None]
    metrics = Metrics(dict)
    for note in message["notes"]:
        metrics.observe_text("short", note)
    text = metrics.text().decode()
    for line in ("tokens_total", 6), ("unknown_total", 1), ("cut_total", 1):
        assert 'kit_text_{}{{model="short"}} {:.1f}'.format(*line) in text
    assert 'kit_texts_truncated_total{model="short"} 1.0' in text


def test_a_request_has_no_more_items_than_the_queue_takes():
    assert Server({}, None, Settings(queue=3)).limits.items == 3
    assert Server({}, None, Settings(queue=64)).limits.items == Limits.items


def test_texts_are_limited_in_characters():
    assert text("é" * 10_000, 0.5, Limits())[1] == ["é".encode() * 10_000]
    with pytest.raises(Problem, match="10001 characters; 10000 are allowed"):
        text("é" * 10_001, 0.5, Limits())


def test_numbers_that_are_not_finite_become_null():
    outputs = {"y": np.array([[1, np.nan], [np.inf, 2]], np.float32), "n": np.array([3, 4])}
    rows = Tensors().records(outputs, [], [], 0.0)
    assert rows == [[{"y": [1.0, None], "n": 3}], [{"y": [None, 2.0], "n": 4}]]
    with pytest.raises(ValueError, match=r"y \[2\], z \[1\]"):
        Tensors().records({"y": np.zeros(2), "z": np.zeros(1)}, [], [], 0.0)


def test_a_frame_is_read_as_it_was_written():
    file = io.BytesIO(wire.frame({"id": 7}, [b"ab", b"", b"c"]) + wire.frame({}))
    assert wire.read(file) == ({"id": 7}, [b"ab", b"", b"c"])
    assert wire.read(file) == ({}, [])
    assert wire.read(file) is None


def test_a_frame_that_does_not_add_up_is_refused():
    with pytest.raises(ValueError, match="a frame of 3 bytes says that it has 2"):
        wire.parted(b'{"sizes": [2]}', b"abc")


def test_masks_are_run_length_codes_or_pngs_as_the_query_says():
    assert [read_masks(QueryParams(query)) for query in ("", "masks=rle", "masks=png")] == ["rle", "rle", "png"]
    with pytest.raises(Problem, match="masks is rle or png"):
        read_masks(QueryParams("masks=jpeg"))
    code = encode_mask(np.eye(4))
    assert with_png([{"label": "a", "mask": code}, {"label": "b"}]) == [
        {"label": "a", "mask": mask_as_png(code)},
        {"label": "b"},
    ]


def test_the_query_reaches_every_item_of_a_request():
    request = Request({"type": "http", "query_string": b"masks=png", "headers": [(b"content-type", b"image/png")]})
    file = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    model = {"input": "image", "threshold": 0.5}
    ((item, _),) = asyncio.run(read_items(request, file, model, Limits()))
    assert item["masks"] == "png" and item["threshold"] == 0.5
    request.scope["query_string"] = b""
    ((item, _),) = asyncio.run(read_items(Request(request.scope), file, model, Limits()))
    assert "masks" not in item
