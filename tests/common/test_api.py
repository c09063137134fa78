import types

import cv2
import numpy as np
import pytest

from common import api
from common.config import load_config
from common.config.overrides import assignments, flatten
from common.errors import ConfigError, DataError
from common.inference.tasks.text_classification import TextClassification
from tests.made.commands import SMALL, command


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    """A training of three steps from a dict, evaluated, without a command line."""
    keys = {
        "kit": "PaddleCV",
        "_base_": "configs/tiny/yolov3.yml",
        "name": "from_dict",
        "output_dir": str(tmp_path_factory.mktemp("api")),
        "dataset": str(digits / "digits"),
    }
    small = {key: load_config("configs/tiny/yolov3.yml", SMALL).get(key) for key in ("model.backbone", "model.neck")}
    keys["model"] = {"backbone": small["model.backbone"], "neck": small["model.neck"]}
    return keys, api.train(keys, evaluate=True, train={"epochs": 1, "batch_size": 8}, log_every=1)


def test_train_returns_the_folder_and_the_results(run):
    _, trained = run
    assert trained.folder.name == "from_dict" and trained.steps == 3 and trained.epochs == 1
    assert trained.weights.name == "best" and trained.best["metric"] == "AP" and "AP50" in trained.scores
    assert (trained.weights / "model.safetensors").is_file()


def test_scores_and_predictions_are_those_of_the_commands(run, digits):
    keys, trained = run
    saved = trained.weights / "config.yml"
    answer = command("eval", "-c", saved, "--weights", trained.weights)
    scores = api.evaluate(keys, weights=trained.weights)
    assert f"AP50       {scores['AP50']:.4f}" in answer.out
    image = sorted((digits / "digits/JPEGImages").glob("eval*"))[0]
    predictor = api.Predictor(config=keys, weights=trained.weights)
    from_path = predictor(image, threshold=0.0)
    from_array = predictor(cv2.cvtColor(cv2.imread(str(image)), cv2.COLOR_BGR2RGB), threshold=0.0)
    assert from_path and from_array == from_path
    assert predictor([image, image], threshold=0.0) == [from_path, from_path]


def test_predictions_are_saved_as_the_command_writes_them(exported, digits, tmp_path):
    images = sorted((digits / "digits/JPEGImages").glob("train*"))[:3]
    folder = tmp_path / "images"
    folder.mkdir()
    for image in images:
        (folder / image.name).symlink_to(image)
    predicted = api.Predictor(exported)([folder / image.name for image in images])
    predicted.save(tmp_path / "a.jsonl")
    predicted.save(tmp_path / "a.csv")
    predicted[0].save(tmp_path / images[0].name)
    out = command("infer", "--model", exported, "--image", folder, "--json", "--out", tmp_path / "b.csv")
    drawn = command("infer", "--model", exported, "--image", folder / images[0].name, "--out", tmp_path / "drawn")
    assert out.code == drawn.code == 0 and (tmp_path / "a.jsonl").read_text() == out.out
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    assert (tmp_path / images[0].name).read_bytes() == (tmp_path / "drawn" / images[0].name).read_bytes()


def test_three_lines_from_a_configuration_to_predictions(exported, digits):
    image = sorted((digits / "digits/JPEGImages").glob("train*"))[0]
    (line,) = command("infer", "--model", exported, "--image", image, "--json").out.splitlines()
    assert f'"predictions": {api.Predictor(exported)(str(image))}'.replace("'", '"') in line


def test_an_export_is_written_where_it_is_asked_for(run, tmp_path):
    keys, trained = run
    folder = api.export(keys, tmp_path / "model", weights=trained.weights)
    assert (folder / "infer.yml").is_file() and folder == tmp_path / "model"


def test_errors_are_exceptions_with_the_messages_of_the_commands(run):
    keys, _ = run
    with pytest.raises(ConfigError, match=r"train\.epocs=3: train has no key 'epocs'; did you mean 'epochs'"):
        api.train(keys, train={"epocs": 3})
    with pytest.raises(ConfigError, match="the dict: unknown key 'modle'; did you mean 'model'"):
        api.train({**{key: value for key, value in keys.items() if key != "model"}, "modle": {}})
    with pytest.raises(ConfigError, match="holds the checkpoints of an earlier run"):
        api.train(keys)
    with pytest.raises(ConfigError, match=r"either an exported folder or config="):
        api.Predictor()
    with pytest.raises(DataError, match=r"no_such\.jpg"):
        api.Predictor(config=keys, weights=run[1].weights)("no_such.jpg")
    of_texts = object.__new__(api.Predictor)
    of_texts.model = types.SimpleNamespace(task=TextClassification())
    with pytest.raises(DataError, match=r"D126\] the text is empty"):
        of_texts(" ")


def test_changes_become_overrides_with_the_same_values():
    changes = {"seed": 3, "train": {"epochs": 1, "ema": None}, "model": {"type": "X", "a": [1.5, "no"]}, "e": {}}
    assert assignments(flatten(changes)) == [
        *("seed=3", "train.epochs=1", "train.ema=null", 'model={type: X, a: [1.5, "no"]}', "e={}"),
    ]


def test_a_run_outside_the_main_thread_trains_without_watching_signals(run, tmp_path):
    import threading

    keys, _ = run
    found = []
    given = {"output_dir": str(tmp_path), "train": {"max_steps": 1, "epochs": 1, "batch_size": 8}}
    thread = threading.Thread(target=lambda: found.append(api.train(keys, **given)))
    thread.start()
    thread.join()
    assert found[0].steps == 1 and np.isfinite(list(found[0].scores.values())).all()
