"""The choice of `engine: auto`: measured once, kept, and never an engine that answers otherwise."""

import json
import types

import numpy as np
import pytest

from common.errors import ConfigError
from common.export import onnx_beside
from common.export.onnx_beside import free_sizes, resized
from common.inference import fastest
from common.inference.fastest import OrFramework, asked_engine, fastest_engine, read_measured
from common.weights.download import cache_folder
from common.weights.manifest import write_manifest


class Doubling:
    """An engine that doubles x, as the golden says, or gives another multiple of it."""

    def __init__(self, factor=2.0):
        self.factor, self.runs = factor, 0

    def run(self, inputs):
        self.runs += 1
        return {"y": inputs["x"] * self.factor}


class Loaded:
    """Stands for the predictor of an export."""

    def __init__(self, folder):
        self.folder, self.about, self.engine = folder, {"tolerance": 1e-4}, None

    def run(self, inputs):
        return self.engine.run(inputs)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A stand-in of a predictor, whose folder has a golden, in a machine that takes known times."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "export"
    folder.mkdir()
    x = np.ones([1, 3], np.float32)
    np.savez(folder / "golden.npz", **{"in/x": x, "out/y": 2 * x})
    (folder / "model.onnx").write_bytes(b"")
    write_manifest(folder)
    times = {"paddle": 0.003, "onnxruntime": 0.002, "openvino": 0.001}
    monkeypatch.setattr(fastest, "installed_engines", lambda folder: list(times))
    made = Loaded(folder)
    names = {}

    def load(name):
        names[made_engine := Doubling(load.factors.get(name, 2.0))] = name
        load.loaded.append(name)
        return made_engine

    load.factors, load.loaded = {}, []
    monkeypatch.setattr(fastest, "least_time", lambda run: run() is not None and times[names[made.engine]])
    return made, load


def test_the_fastest_engine_is_chosen_and_remembered(made):
    predictor, load = made
    assert fastest_engine(predictor, 1, 1, load) == "openvino"
    assert load.loaded == ["paddle", "onnxruntime", "openvino"]
    assert fastest_engine(predictor, 1, 1, load) == "openvino" and len(load.loaded) == 3  # nothing is loaded again
    assert fastest_engine(predictor, 2, 1, load) == "openvino" and len(load.loaded) == 6  # other threads, other times
    assert fastest_engine(predictor, 1, 1, load) == "openvino" and len(load.loaded) == 6


def test_an_engine_that_answers_otherwise_is_refused(made, caplog):
    predictor, load = made
    load.factors["openvino"] = 2.1
    assert fastest_engine(predictor, 1, 1, load) == "onnxruntime"
    assert "the engine openvino is not used here: y by 5.0e-02" in caplog.text


def test_an_engine_that_fails_is_refused(made, caplog):
    predictor, load = made
    load.factors["openvino"] = "a"  # raises where it multiplies
    assert fastest_engine(predictor, 1, 1, load) == "onnxruntime"
    assert "openvino is not used" in caplog.text


def test_batches_are_measured_as_batches(made):
    predictor, load = made
    fastest_engine(predictor, 1, 32, load)
    assert len(predictor.engine.run({"x": np.ones([8, 3])})["y"]) == 8
    (file,) = (cache_folder() / "engines").glob("*.json")
    assert read_measured(file)[0]["batch"] == 8
    assert len(fastest.read_golden(predictor.folder, 8)[0]["x"]) == 8


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 2, "measured": []}', '{"schema": 1, "measured": 3}', "[" * 5000]
)
def test_a_damaged_file_is_measured_anew(made, text):
    predictor, load = made
    fastest_engine(predictor, 1, 1, load)
    (file,) = (cache_folder() / "engines").glob("*.json")
    file.write_text(text)
    assert fastest_engine(predictor, 1, 1, load) == "openvino" and len(load.loaded) == 6
    assert json.loads(file.read_text())["measured"][0]["ms"]["openvino"] == 1.0


@pytest.mark.parametrize("ms", [{"paddle": "1"}, {"other": 1}, {"paddle": -1}, {"paddle": True}, 7])
def test_entries_that_are_no_times_are_left_out(tmp_path, ms):
    (tmp_path / "e.json").write_text(json.dumps({"schema": 1, "measured": [{"ms": ms}]}))
    assert read_measured(tmp_path / "e.json") == []


def test_the_environment_takes_the_place_of_auto(monkeypatch):
    monkeypatch.setenv("KIT_ENGINE", "onnxruntime")
    assert asked_engine("auto") == "onnxruntime" and asked_engine("paddle") == "paddle"
    monkeypatch.setenv("KIT_ENGINE", "")
    assert asked_engine("auto") == "auto"
    monkeypatch.setenv("KIT_ENGINE", "openvin")
    with pytest.raises(ConfigError, match="KIT_ENGINE=openvin: there is no such engine; did you mean 'openvino'"):
        asked_engine("auto")


class Fixed(Doubling):
    """One that takes three columns alone."""

    def takes(self, inputs):
        return inputs["x"].shape[1] == 3

    def clone(self):
        return Fixed()


def test_inputs_of_other_sizes_go_to_the_framework():
    loads = []

    def load():
        loads.append(Doubling())
        loads[-1].clone = lambda: loads[0]
        return loads[-1]

    engine = OrFramework(Fixed(), load, lambda engine, inputs: engine.run(inputs))
    engine.run({"x": np.ones([1, 3])})
    assert not loads
    other = engine.clone()
    for one in (engine, other, engine):
        assert one.run({"x": np.ones([1, 4])})["y"].shape == (1, 4)
    assert len(loads) == 1 and loads[0].runs == 3  # loaded once, the clone shares it


def test_the_sizes_of_images_stay_and_lengths_are_free():
    shapes = {"image": [None, 3, None, None], "ids": [None, None], "scale": [None, 2]}
    inputs = {"image": np.zeros([1, 3, 8, 8]), "ids": np.arange(6)[None], "scale": np.ones([1, 2])}
    sizes = free_sizes(shapes, inputs)
    assert sizes == {"image": [None, 3, 8, 8], "ids": [None, None], "scale": [None, 2]}
    found = {name: value.shape for name, value in resized(inputs, sizes).items()}
    assert found == {
        "image": (2, 3, 8, 8),
        "ids": (2, 3),
        "scale": (2, 2),
    }


def test_no_onnx_file_is_kept_that_answers_otherwise(tmp_path, monkeypatch, caplog):
    """The converter makes a file whose outputs are others, with free and with fixed sizes."""
    written = []
    monkeypatch.setattr(onnx_beside, "can_write_onnx", lambda: True)
    monkeypatch.setattr(onnx_beside, "write_onnx", lambda folder, name: (folder / "model.onnx").write_bytes(b"o"))
    monkeypatch.setattr(onnx_beside, "run_onnx", lambda path, inputs, outputs: {"y": 3 * inputs["x"]})
    x = np.ones([1, 3], np.float32)
    (tmp_path / "model.json").write_text("{}")
    model = types.SimpleNamespace(outputs=["y"])
    monkeypatch.setattr(onnx_beside, "predictor_of", lambda model: lambda inputs: {"y": 2 * inputs["x"]})
    write = lambda model, prefix, sizes: written.append(sizes["x"])  # noqa: E731
    onnx_beside.add_onnx_if_equal(model, tmp_path, write, {"x": [None, 3]}, {"x": x}, {"y": 2 * x}, 1e-4)
    assert written == [[None, 3], [1, 3]] and not (tmp_path / "model.onnx").exists()
    assert "PaddlePaddle's runs the export: the ONNX model differs from the trained one: y by 5.0e-01" in caplog.text
    monkeypatch.setattr(onnx_beside, "run_onnx", lambda path, inputs, outputs: {"y": 2 * inputs["x"]})
    onnx_beside.add_onnx_if_equal(model, tmp_path, write, {"x": [None, 3]}, {"x": x}, {"y": 2 * x}, 1e-4)
    assert written[2:] == [[None, 3]] and (tmp_path / "model.onnx").exists()


@pytest.mark.slow
def test_an_export_is_answered_by_the_fastest_engine(tmp_path, monkeypatch):
    """A real export: model.onnx takes batches of any size, and the engines are equal."""
    for package in ("paddle2onnx", "onnxruntime"):
        pytest.importorskip(package)
    import paddle

    from common.export.onnx_beside import add_onnx_if_equal
    from common.export.write import golden_of, write_program
    from common.inference.onnx_engines import load_onnx

    class Net(paddle.nn.Layer):
        inputs, outputs = {"x": ([None, 4], "float32")}, ["y"]

        def __init__(self):
            super().__init__()
            self.linear = paddle.nn.Linear(4, 3)

        def forward(self, x):
            return paddle.nn.functional.relu(self.linear(x))

    net, x = Net(), {"x": np.random.default_rng(0).standard_normal([1, 4]).astype("float32")}
    net.eval()
    golden = golden_of(net, x, 1e-4)
    write_program(net, tmp_path / "model", {"x": [None, 4]})
    add_onnx_if_equal(net, tmp_path, write_program, {"x": [None, 4]}, x, golden, 1e-4)
    engine = load_onnx(tmp_path, "onnxruntime", 1)
    assert engine.takes({"x": np.zeros([5, 4], np.float32)}) and not engine.takes({"x": np.zeros([5, 3], np.float32)})
    np.testing.assert_allclose(engine.run({"x": np.repeat(x["x"], 5, 0)})[0], np.repeat(golden["y"], 5, 0), rtol=1e-5)
