import csv
import importlib
import itertools
import json
import tempfile
import types

import numpy as np
import pytest

from common.errors import BadSample, ConfigError, DataIssue, EnvironmentProblem
from common.inference.result_files import describe_sample, is_result_file, open_results, refuse_suffix
from common.inference.run import open_outputs
from common.inference.task import Task
from tests.made.OwnKit.tasks.brightness import Brightness
from tests.made.tracked import ROOT, tracked

TEXTS = ['good, "very" good', "two\r\nlines", "=1+1", " 鸟 ", "same"]
LABELS = ["cat", *TEXTS[:3]]
IMAGES = [{"name": f"dir, {k}/image.jpg", "path": "x"} for k in range(4)]
LINES = [{"name": "x", "path": "x", "text_a": text} for text in [*TEXTS, "same"]]
ROWS = [{"name": k, "path": "x", "row": {"user": f"u,{k}", "seen": [1, k]}} for k in (1, 2, 5)]
SPANS = [{"label": "PER", "text": text[:4], "start": 0, "end": 4} for text in TEXTS]
ANSWERS = [{"text": text, "start": 0, "end": len(text), "score": -1e-7} for text in ("", "a, b")]
BOXES = np.array([[1, 0.9123, 1.5, 2.25, 30.125, 1e-7], [3, 0.6, 0, 0, 5, 5], [0, 0.7, 0, 0, 1, 1]])
ALWAYS = (
    "score",
    "start",
    "share",
    "embedding",
    "value",
    "png",
    "wav",
    "price",
)  # in a record: the first that its task has
SCORES = {"scores": np.array([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0], [0.25] * 4])}
CORNERS = [[1.0, 2.5], [9.0, 2.5], [9.0, 4.0], [1.0, 4.0]]
LINES_OF_TEXT = [{"score": 0.75, "box": [1.0, 2.5, 9.0, 4.0], "points": CORNERS}] * 2
WRITTEN = {  # two texts for each of two samples
    "ids": np.array([[[1, 2, 3], [2, 3, 3]]] * 2),
    "lengths": np.array([[3, 2]] * 2),
    "scores": np.ones((2, 2)),
}
PREDICTIONS = {  # task -> its samples, and its outputs or its records
    "Detection": (IMAGES[:3], {"num_boxes": [2, 0, 1], "boxes": BOXES}),
    "FaceDetection": (IMAGES[:3], {"num_boxes": [2, 0, 1], "boxes": BOXES, "landmarks": np.ones((3, 2, 2)) / 3}),
    "InstanceSegmentation": (
        [image | {"original_size": (8, 9)} for image in IMAGES[:3]],
        {"num_boxes": [2, 0, 1], "boxes": BOXES, "masks": np.ones((3, 4, 4))},
    ),
    "SemanticSegmentation": (
        [image | {"original_size": (4, 4), "im_shape": (4, 4), "scale_factor": (1, 1)} for image in IMAGES[:2]],
        {"label_map": np.arange(32).reshape(2, 4, 4) // 12},
    ),
    "KeypointDetection": (
        [image | {"crop": np.array([1, 2, 3, 4.5]), "box_score": 0.5} for image in IMAGES[:2]],
        {"keypoints": np.linspace(0, 1, 12).reshape(2, 2, 3)},
    ),
    "ImageClassification": (IMAGES[:3], SCORES),
    "ActionDetection": (
        IMAGES[:2],
        {"segments": np.array([[[0, 0.5], [0.6, 1e-7]]] * 2), "scores": np.full((2, 2, 2), 0.25)},
    ),
    "ActionLocalization": (
        IMAGES[:2],
        {"start": np.eye(2, 4), "end": np.eye(2, 4, 2), "proposals": np.linspace(0, 1, 24).reshape(2, 3, 4)},
    ),
    "VideoClassification": (IMAGES[:3], SCORES),
    "ObjectTracking": (
        IMAGES[:2],
        {"boxes": np.arange(24).reshape(2, 3, 4) / 3, "scores": np.array([[1, 0.5, 0.25], [1, 0.75, 1e-6]])},
    ),
    "OnlineTracking": (
        IMAGES[:2],
        {"boxes": np.arange(24).reshape(2, 3, 4) / 3, "scores": np.array([[1, 0.5, 0.25], [1, 0.75, 1e-6]])},
    ),
    "MaskTracking": (
        IMAGES[:2],
        {
            "boxes": np.arange(24).reshape(2, 3, 4) / 3,
            "scores": np.array([[1, 0.5, 0.25], [1, 0.75, 1e-6]]),
            "shapes": np.arange(48).reshape(2, 3, 4, 2) / 7,
        },
    ),
    "FeatureClassification": (IMAGES[:3], SCORES),
    "PointClassification": (IMAGES[:3], SCORES),
    "PointDetection": (
        IMAGES[:2],
        {"scores": np.array([[0.5, 0.9, 0.1]] * 2), "boxes": np.eye(3, 7)[None].repeat(2, 0) + 1},
    ),
    "PointSegmentation": (IMAGES[:2], {"label_map": np.arange(16).reshape(2, 8) // 5}),
    "Embedding": (IMAGES[:2], {"embedding": np.array([[0.6, -0.8], [1, 1e-9]])}),
    "SentenceEmbedding": (LINES[:2], {"embedding": np.array([[0.6, -0.8], [1, 1e-9]])}),
    "TextEncoding": (
        [line | {"length": 2} for line in LINES[:2]],
        {"mean:-2": np.array([[0.6, -0.8], [1, 1e-9]]), "tokens": np.arange(12).reshape(2, 3, 2) / 3},
    ),
    "TextClassification": ([LINES[0], LINES[1] | {"text_b": "b"}, LINES[2] | {"text_b": "c"}], SCORES),
    "Ranking": (ROWS, {"probability": np.array([0.25, 1e-6, 1])}),
    "Retrieval": (ROWS, {"items": np.array([[3, 1]] * 3), "scores": np.ones((3, 2)) / 3}),
    "SequenceLabeling": (LINES, [SPANS[:1], SPANS[:2], [], SPANS, SPANS[:1], SPANS[:1]]),
    "ReadingComprehension": ([{"question": q, "context": q * 2} for q in TEXTS], [ANSWERS, [], *[ANSWERS[1:]] * 3]),
    "SpeechRecognition": (IMAGES, [[], *([{"text": text, "score": 0.5}] for text in ["", *TEXTS[:2]])]),
    "HybridRecognition": (IMAGES[:2], {"log_probs": np.log(np.full((2, 3, 4), 0.25)), "length": [3, 2]}),
    "SpeechTranscription": (
        IMAGES[:3],
        [[{"text": "a, b", "score": 0.5, "start": 0.0}, {"text": "c", "score": 1.0, "start": 28.5}], [], []],
    ),
    "TextDetection": (IMAGES[:3], [LINES_OF_TEXT, [], LINES_OF_TEXT[:1]]),
    "TextReading": (IMAGES[:2], [[line | {"text": text} for line, text in zip(LINES_OF_TEXT, TEXTS)], []]),
    "TextRegression": (LINES[:3], {"value": np.array([0.25, -1.5, 3])}),
    "TextGeneration": (
        [line | {"length": 3} for line in LINES[:2]],
        {
            "log_probs": -np.ones((2, 2)) / 3,
            "ids": np.array([[[1, 2, 3], [2, 3, 3]]] * 2),
            "lengths": np.array([[3, 2]] * 2),
            "scores": np.array([[-0.5, -1e-7]] * 2),
        },
    ),
    "TextToText": (LINES[:2], WRITTEN),
    "FillMask": (
        [line | {"input_ids": np.array([4, 1, 4, 0]), "length": 3} for line in LINES[:2]],
        {"ids": np.array([[[1, 2]] * 4] * 2), "scores": np.full((2, 4, 2), 0.25)},
    ),
    "Caption": (IMAGES[:2], WRITTEN),
    "MomentRetrieval": (
        [image | {"spans": np.array([[0, 4], [3, 8.0]]), "length": 8, "sentence": "a, b"} for image in IMAGES[:2]],
        {"scores": np.array([[0.5, 1e-7]] * 2), "offsets": np.ones((2, 2, 2)) / 3},
    ),
    "TextRecognition": (IMAGES, [[], *([{"text": text, "score": 0.5}] for text in ["", *TEXTS[:2]])]),
    "ImageTranslation": (IMAGES[:2], {"translated": np.linspace(-1, 1, 24).reshape(2, 3, 2, 2)}),
    "ImageFromNoise": (LINES[:2], {"image": np.linspace(-1, 1, 8).reshape(2, 1, 2, 2)}),
    "SpeechSynthesis": (
        LINES[:2],
        {"linear": np.full((2, 4, 513), 0.5), "frames": np.array([4, 3]), "complete": np.array([True, False])},
    ),
    "AttributeEditing": (
        [image | {"change": "Male=1", "target": np.ones(1)} for image in IMAGES[:2]],
        {"edited": np.linspace(-1, 1, 24).reshape(2, 3, 2, 2), "attributes": np.zeros((2, 1))},
    ),
    "PriceEstimation": (ROWS, {"price": np.array([2.5, 1e-6, 3])}),
    "Brightness": (IMAGES[:2], {"level": np.array([0.1, 0.9])}),
}


def all_tasks():
    paths = [path.with_suffix("") for path in tracked("*/tasks/*.py") if path.stem != "__init__"]
    names = [path.relative_to(ROOT).parts for path in paths if "OwnKit" not in path.parts]
    modules = [importlib.import_module(".".join(parts)) for parts in names]
    assert len(modules) >= 9
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return sorted((c for c in classes if issubclass(c, Task) and c.input != "tensors" and c is not Task), key=str)


def made(kind):
    """A task; one of texts that are written has a vocabulary."""
    if kind.__name__ not in ("Caption", "FillMask", "TextGeneration", "TextToText"):
        return kind()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        masked = kind.__name__ == "FillMask"
        file.write("[UNK]\na\nb\n<eos>\n[MASK]\n" if masked else "<unk>\na\nb\n<eos>\n")
        file.flush()
        return kind(vocab=file.name) if masked else kind(vocab=file.name, end="<eos>")


def predictions_of(task):
    samples, outputs = PREDICTIONS[task.name]
    records = task.records(outputs, samples, LABELS, task.threshold) if isinstance(outputs, dict) else outputs
    return list(zip(samples, records, strict=True))


def write(path, task, predictions):
    file = open_results(path, task, LABELS)
    file.add(predictions[:2])
    file.add(predictions[2:])
    file.close()
    return path


def read_lines(path):
    with open(path, encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    return [dict(zip(header, line, strict=True)) for line in lines]


def read_objects(path, task):
    """The objects of `--json` that a csv file was written of."""
    keys, found = {"text": "text_a"} if task.input == "text" else {}, []
    lines, named = read_lines(path), ["text_b", "question", "context", "image", "video", "cloud", "audio", "row"]
    named = [name for name in (["text", *named] if task.input == "text" else named) if name in lines[0]]
    for _, group in itertools.groupby(lines, lambda line: [line[name] for name in ("number", *named) if name in line]):
        first, *others = group
        item = {keys.get(name, name): first[name] for name in named if first[name]}
        item |= {"row": int(item["row"])} if "row" in item else {}
        records = [record for line in (first, *others) for record in records_of(line, task)]
        found.append(item | {"predictions": records})
    return found


def records_of(line, task):
    if not task.columns:
        return json.loads(line["predictions"])
    found = []
    for suffix in ("", *(f"_{k}" for k in range(2, 9))):
        cells = {key: names if isinstance(names, tuple) else (names,) for key, names in task.columns.items()}
        cells = {key: [line.get(name + suffix, "") for name in names] for key, names in cells.items()}
        if any(next(cells[key] for key in ALWAYS if key in cells)):
            texts = ("label", "text", "token", "positive", "png", "wav", "change")
            cells = {key: cells[key] for key in cells if key in texts or any(cells[key])}  # some are not always there
            cells = {key: [v if key in texts else json.loads(v) for v in cells[key]] for key in cells}
            found.append({key: value if key in ("box", "polygon") else value[0] for key, value in cells.items()})
    return found


@pytest.mark.parametrize("task", [*map(made, all_tasks()), Brightness()], ids=lambda task: task.name)
def test_csv_and_json_hold_the_same_predictions(tmp_path, task):
    predictions = predictions_of(task)
    objects = [describe_sample(task, *pair) for pair in predictions]
    assert read_objects(write(tmp_path / "a.csv", task, predictions), task) == objects
    assert json.loads(write(tmp_path / "a.json", task, predictions).read_text()) == objects
    lines = write(tmp_path / "a.jsonl", task, predictions).read_bytes().decode().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == objects and not lines[-1]


def task_named(name):
    return made(next(task for task in all_tasks() if task.__name__ == name))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Detection", "image,label,score,x1,y1,x2,y2,category_id"),
        ("ImageClassification", "image,label,score,category_id,label_2,score_2,category_id_2,label_3"),
        ("TextClassification", "text,text_b,label,score,category_id,truncated,error\n"),
        ("Ranking", "row,user,seen,prediction,probability,positive\n"),
        ("Retrieval", "row,user,seen,prediction,item,score\n"),
        ("SequenceLabeling", "number,text,span,label,start,end,truncated,error\n"),
        ("ReadingComprehension", "number,question,context,answer,score,start,end,truncated,error\n"),
        ("SpeechRecognition", "audio,text,score\n"),
        ("TextRecognition", "image,text,score\n"),
    ],
)
def test_the_columns_of_a_task(tmp_path, name, header):
    task = task_named(name)
    assert write(tmp_path / "a.csv", task, predictions_of(task)).read_text().startswith(header)


def test_an_image_without_boxes_has_a_row_with_empty_cells(tmp_path):
    task = task_named("Detection")
    lines = read_lines(write(tmp_path / "a.csv", task, predictions_of(task)))
    assert [line["image"][5] for line in lines] == ["0", "0", "1", "2"]
    assert set(lines[2].values()) == {IMAGES[1]["name"], ""}


def test_columns_of_the_input_keep_their_names_and_what_comes_later_is_named(tmp_path, caplog):
    rows = [{"name": 1, "row": {"row": "a", "probability": "b"}}, {"name": 2, "row": {"more": 1}}]
    records = [[{"label": "click", "positive": "click", "score": 0.5}], []]
    file = open_results(tmp_path / "a.csv", task_named("Ranking"), ["click"])
    for sample, found in zip(rows, records):
        file.add([(sample, found)])
    with caplog.at_level("WARNING", "kit"):
        file.close()
    assert (tmp_path / "a.csv").read_text() == (
        "row_2,row,probability,prediction,probability_2,positive\n1,a,b,click,0.5,click\n2,,,,,\n"
    )


def test_a_text_that_cannot_be_read_keeps_its_row(tmp_path):
    bad = {"path": "a.txt", "place": "line 1", "error": BadSample(DataIssue("D118", "error", "a.txt", "not JSON"))}
    task = task_named("TextClassification")
    first, second = read_lines(write(tmp_path / "a.csv", task, [(bad, []), (LINES[0], [])]))
    assert "not JSON" in first["error"] and not first["text"]
    assert second["text"] == TEXTS[0] and not second["error"] and not second["label"]


@pytest.mark.parametrize(("threshold", "most"), [(None, 1), (0.3, 3), (0.0, 4)])
def test_there_are_columns_for_as_many_classes_as_can_exceed_the_threshold(tmp_path, threshold, most):
    task = task_named("TextClassification")
    file = open_results(tmp_path / "a.csv", task, LABELS, None, threshold)
    file.add(predictions_of(task))
    file.close()
    header = (tmp_path / "a.csv").read_text().splitlines()[0].split(",")
    assert len(LABELS) == 4 and [name for name in header if name.startswith("label")][-1:] == [
        "label" if most == 1 else f"label_{most}"
    ]


def test_a_file_without_samples_is_whole(tmp_path):
    task = task_named("Detection")
    assert write(tmp_path / "a.csv", task, []).read_text() == "image,label,score,x1,y1,x2,y2,category_id\n"
    assert json.loads(write(tmp_path / "a.json", task, []).read_text()) == []


def test_bad_places_are_refused(tmp_path):
    task, path = task_named("Ranking"), tmp_path / "rows.CSV"
    assert is_result_file(path) and not is_result_file(tmp_path)
    for out in ("a.xlsx", "a.txt"):
        known = r"\.csv, \.jsonl, \.json, \.npz, \.png"
        with pytest.raises(ConfigError, match=rf"\.{out[2:]} files are not written; .* {known}"):
            refuse_suffix(out, (".png",))
    for out in ("a.png", "drawn", "run.v2", "a.xlsx/", "x.CSV"):
        refuse_suffix(out, (".png",))
    path.write_text("a\n1\n")
    with pytest.raises(ConfigError, match="would overwrite the input"):
        open_results(path, task, None, str(path))
    with pytest.raises(ConfigError, match=r"\.csv, \.jsonl, \.json"):
        open_results(tmp_path / "a.xml", task, None)
    with pytest.raises(EnvironmentProblem, match="cannot be written: Not a directory"):
        open_results(path / "below/a.csv", task, None)
    open_results(tmp_path / "new/folder/a.csv", task, None).close()
    assert (tmp_path / "new/folder/a.csv").is_file()
    assert path.read_text() == "a\n1\n"


@pytest.mark.parametrize(("out", "words"), [("a.xyz", "are not written"), ("drawn", "draws on images")])
def test_a_task_that_does_not_draw_refuses_what_is_no_file_of_results(out, words):
    model = types.SimpleNamespace(task=task_named("TextRegression"), labels=None)
    with pytest.raises(ConfigError, match=words):
        open_outputs(out, model, types.SimpleNamespace(name="a", many=True))


def test_embeddings_are_written_as_arrays_with_the_names_of_the_images(tmp_path):
    from common.inference.tasks.embedding import Embedding

    file = open_results(tmp_path / "a.npz", Embedding(), None)
    file.add(predictions_of(Embedding()))
    file.close()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file["names"].tolist() == [image["name"] for image in IMAGES[:2]]
        assert file["embeddings"].dtype == np.float32
        np.testing.assert_allclose(file["embeddings"], [[0.6, -0.8], [1, 0]], atol=1e-6)
    with pytest.raises(ConfigError, match="holds embeddings"):
        open_results(tmp_path / "b.npz", Brightness(), None)
    assert not (tmp_path / "b.npz").exists()
