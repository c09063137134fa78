import copy
import json
import pickle
import sys
import types

import cv2
import numpy as np
import pytest

from common.errors import ConfigError, EnvironmentProblem
from common.inference.results import Predictions, Several
from common.inference.tasks.detection import Detection
from common.inference.tasks.ranking import Ranking
from common.inference.tasks.text_classification import TextClassification
from common.vision.decode import Decode

RECORDS = [{"label": "<cat>", "category_id": 0, "score": 0.75, "box": [4.0, 4.0, 30.0, 30.0]}]


def model_of(task):
    return types.SimpleNamespace(task=task, labels=["<cat>", "dog"], decode=lambda given: Decode()(dict(given), None))


@pytest.fixture
def boxes(tmp_path):
    path = tmp_path / "gray.png"
    cv2.imwrite(str(path), np.full((40, 40, 3), 99, np.uint8))
    given = {"path": str(path), "name": str(path)}
    return Predictions(model_of(Detection()), given, given, RECORDS)


@pytest.fixture
def texts():
    def one(text):
        given = {"path": "text", "name": "text", "text_a": text}
        records = [{"label": "<cat>", "category_id": 0, "score": 0.75}]
        return Predictions(model_of(TextClassification()), given, given, records)

    return Several([one("a <b>"), one("c")])


@pytest.fixture
def notebook(monkeypatch):
    """A kernel of Jupyter, as far as results see one; the list of what is displayed."""
    displayed, shell = [], types.SimpleNamespace(kernel=None)
    display = types.SimpleNamespace(HTML=lambda text: text, Image=lambda data, format: data, display=displayed.append)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return displayed


def test_predictions_are_a_plain_list(boxes):
    assert boxes == RECORDS and json.loads(json.dumps(boxes)) == RECORDS and str(boxes) == str(RECORDS)
    for twin in (copy.deepcopy(boxes), pickle.loads(pickle.dumps(boxes)), copy.copy(boxes)):
        assert type(twin) is list and twin == RECORDS


def test_an_image_is_saved_with_its_boxes(boxes, tmp_path):
    boxes.save(tmp_path / "drawn.png")
    image = cv2.imread(str(tmp_path / "drawn.png"))
    assert image.shape == (40, 40, 3) and (image[20, 20] == 99).all() and (image[20, 4] != 99).any()


def test_predictions_are_saved_as_tables(boxes, texts, tmp_path):
    boxes.save(tmp_path / "a.csv")
    header, line = (tmp_path / "a.csv").read_text().splitlines()
    assert header.startswith("image,label,score,x1") and line.endswith("gray.png,<cat>,0.75,4.0,4.0,30.0,30.0,0")
    texts.save(str(tmp_path / "a.json"))
    assert [item["text_a"] for item in json.loads((tmp_path / "a.json").read_text())] == ["a <b>", "c"]


def test_rows_of_several_tables_are_numbered():
    given = {"path": "row", "name": "1", "row": {"age": 3}}
    one = Predictions(model_of(Ranking()), given, given, [{"label": "click", "score": 0.5}])
    assert Several([one, one]).table() == (
        ["row", "age", "prediction", "probability"],
        [[1, 3, "click", 0.5], [2, 3, "click", 0.5]],
    )


def test_what_cannot_be_saved_is_refused(boxes, texts, tmp_path):
    for results, name, message in (
        (boxes, "a.xyz", r"'.xyz' is no suffix that can be written: .jpg"),
        (boxes, "gray.png", "would overwrite the input"),
        (texts[0], "a.png", "of TextClassification are not drawn: save them as .csv"),
        (texts, "a.png", "of several inputs are saved as .csv"),
        (Several(), "a.csv", "no predictions to save"),
    ):
        with pytest.raises(ConfigError, match=message):
            results.save(tmp_path / name)
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        boxes.save("/dev/null/a.png")


def test_images_are_opened_by_the_viewer(boxes, monkeypatch, tmp_path):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    boxes.show()
    path = opened[0].removeprefix("file://")
    assert np.array_equal(cv2.imread(path)[..., ::-1], boxes.draw())
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    with pytest.raises(EnvironmentProblem, match="no program was found"):
        boxes.show()


@pytest.mark.skipif(sys.platform != "linux", reason="displays of Linux")
def test_without_a_display_one_message_names_the_way_out(boxes, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EnvironmentProblem, match=r"no display .*: save\('drawn.jpg'\) writes the image instead"):
        boxes.show()


def test_texts_are_printed_as_a_table(texts, capsys):
    texts.show()
    header, _, first, second = (line.split() for line in capsys.readouterr().out.splitlines() if line.strip())
    assert header[:3] == ["text", "label", "score"] and first[:4] == ["a", "<b>", "<cat>", "0.75"] and second[0] == "c"


def test_notebooks_display_images_and_tables(boxes, texts, notebook):
    boxes.show()
    texts[0].show()
    image, table = notebook
    assert image == boxes._repr_png_() and image.startswith(b"\x89PNG") and boxes._repr_html_() is None
    assert table == texts[0]._repr_html_() and texts[0]._repr_png_() is None
    assert table.startswith("<table><tr><th>text</th><th>label</th>") and "<td>a &lt;b&gt;</td>" in table
