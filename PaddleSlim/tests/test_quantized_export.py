"""Exports of quantized models: the program of the framework, the 8-bit ONNX file, and the engines that run it."""

import json

import numpy as np
import onnx
import onnxruntime
import paddle
import pytest
from onnx import helper, numpy_helper

from common.build.model import build_model, load_weights, read_configured_weights
from common.config import load_config
from common.errors import ConfigError, EnvironmentProblem
from common.export.onnx import write_onnx
from common.export.onnx_quantize import quantize_graph
from common.export.write import write_program
from common.inference.onnx_engines import OneAtATime, OnnxRuntimeEngine, load_onnx
from common.inference.predictor import Predictor, load_engine, run_engine
from PaddleSlim.models.quantize.calibration import Rules, quantize
from PaddleSlim.models.quantize.structure import quantized_weights
from PaddleSlim.tests.test_quantized_layers import Small, batch
from tests.made.commands import command

TINY = "PaddleSlim/configs/tiny/quantize.yml"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(quantized network, folder with its program and its ONNX file for two images)."""
    folder = tmp_path_factory.mktemp("export")
    paddle.seed(3)
    network = Small()
    for seed in range(5):
        network.predict(batch(seed))
    quantize(network, network.predict, [batch(seed) for seed in range(3)], Rules(batches=3))
    write_program(network, folder / "model", {"image": [None, 3, 8, 8]})
    write_program(network, folder / "fixed", {"image": [2, 3, 8, 8]})
    write_onnx(folder, "fixed")
    return network, folder


def plain(path):
    """The outputs of onnxruntime for two images, without graph optimization."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": batch(1, 2).numpy()})[0]


def test_the_program_of_the_framework_predicts_as_the_network(exported):
    network, folder = exported
    got = run_engine(load_engine(folder / "model"), {"image": batch(1).numpy()})[0]
    np.testing.assert_allclose(got, network.predict(batch(1)).numpy(), atol=2e-3)


def test_the_onnx_file_has_int8_weights_and_predicts_within_a_step(exported):
    network, folder = exported
    graph = onnx.load(folder / "model.onnx").graph
    arrays = [numpy_helper.to_array(entry) for entry in graph.initializer]
    weights = [array for array in arrays if array.ndim > 1]
    assert sorted(array.shape for array in weights) == sorted(
        tuple(layer.weight.shape)
        for layer in (network.stem[0], network.block.first, network.block.second, network.depthwise, network.fc)
    )
    assert all(array.dtype == np.int8 and np.abs(array.astype(int)).max() == 127 for array in weights)
    kinds = [node.op_type for node in graph.node]
    # quantized: the image, 2 activations, the sum and its second term, the last convolution and the pooling; in
    # addition 5 weights and the biases of 4 convolutions are dequantized
    assert kinds.count("QuantizeLinear") == 7 and kinds.count("DequantizeLinear") == 7 + 5 + 4
    assert not {"Div", "Clip"} & set(kinds) and kinds.count("Add") == 2  # the sum, the bias of the last
    expected = network.predict(batch(1, 2)).numpy()
    step = np.abs(expected).max() / 100
    assert np.abs(plain(folder / "model.onnx") - expected).max() < step


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_runs_any_number_of_samples(exported, engine):
    pytest.importorskip(engine)
    network, folder = exported
    expected = network.predict(batch(1, 6)).numpy()
    loaded = load_onnx(folder, engine, 1)
    for outputs in (loaded.run({"image": batch(1, 6).numpy()}), loaded.clone().run({"image": batch(1, 6).numpy()})):
        assert np.abs(outputs[0] - expected).max() < np.abs(expected).max() / 10  # the documented tolerance
    with pytest.raises(ConfigError, match=r"takes image of .*, and was given .*8, 9"):
        loaded.run({"image": np.zeros((2, 3, 8, 9), "float32")})
    with pytest.raises(ConfigError, match="fixed sizes"):
        loaded.run({"image": np.zeros((3, 3, 8, 8), "float32")})


def test_the_bias_of_a_filter_of_zeros_stays_what_it_is(tmp_path):
    """As from batch normalization with a scale of 0: in steps of 1e-8 a bias of 5 exceeds int32."""
    paddle.seed(0)
    network = Small()
    network.eval()
    weight, bias = network.depthwise.weight.numpy(), network.depthwise.bias.numpy()
    weight[1], bias[1] = 0, 5
    network.depthwise.weight.set_value(weight)
    network.depthwise.bias.set_value(bias)
    quantize(network, network.predict, [batch(0)], Rules(batches=1))
    write_program(network, tmp_path / "fixed", {"image": [2, 3, 8, 8]})
    write_onnx(tmp_path, "fixed")
    expected = network.predict(batch(1, 2)).numpy()
    assert np.abs(plain(tmp_path / "model.onnx") - expected).max() < np.abs(expected).max() / 100


def make_graph(down, high=253.0):
    """Div, Clip, Add, Add, Mul as in fake quantization, if `down` is the negative of 12582912."""
    constants = {"scale": 0.5, "low": -2.0, "high": high, "up": 12582912.0, "down": down}
    steps = [("Div", "x scale"), ("Clip", "a low high"), ("Add", "b up"), ("Add", "c down"), ("Mul", "d scale")]
    nodes = [helper.make_node(kind, taken.split(), [made]) for (kind, taken), made in zip(steps, "abcdy")]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "xy"]
    arrays = [numpy_helper.from_array(np.float32(value), name) for name, value in constants.items()]
    return helper.make_model(helper.make_graph(nodes, "made", ends[:1], ends[1:], arrays))


def test_a_rounding_chain_becomes_quantize_and_dequantize_and_any_other_stays():
    rounds = make_graph(-12582912.0)
    assert quantize_graph(rounds) == 1
    assert [node.op_type for node in rounds.graph.node] == ["QuantizeLinear", "DequantizeLinear"]
    zero = next(a for a in map(numpy_helper.to_array, rounds.graph.initializer) if a.dtype == np.uint8)
    assert zero == 2
    for other in (make_graph(-12582911.0), make_graph(-12582912.0, high=3.0)):  # no rounding; not all of 256 levels
        before = other.SerializeToString()
        assert quantize_graph(other) == 0 and other.SerializeToString() == before


def test_a_missing_engine_is_reported(exported, monkeypatch, tmp_path):
    _, folder = exported
    with pytest.raises(ConfigError, match="no engine 'openvin'; did you mean 'openvino'"):
        load_onnx(folder, "openvin", 1)
    with pytest.raises(EnvironmentProblem, match=r"model.onnx: missing.*--onnx"):
        load_onnx(tmp_path, "openvino", 1)
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(EnvironmentProblem, match="pip install onnxruntime"):
        OneAtATime(OnnxRuntimeEngine(folder / "model.onnx", 1))


@pytest.fixture(scope="module")
def run(made_sets, tmp_path_factory):
    """The folder of a run after post-training quantization, its export, and the arguments of its commands."""
    place = tmp_path_factory.mktemp("runs")
    slim = "slim={type: PostTrainingQuantization, batches: 1}"
    given = ["-c", TINY, "-o", f"dataset={made_sets.folder('digit_classes')}", f"output_dir={place}"]
    answer = command("train", "--eval", *given, slim)
    assert answer.code == 0 and "needs no training" in answer.err, answer.err
    weights = f"weights={place}/tiny/quantize/best"
    answer = command("export", *given, slim, weights, "export.engine=onnxruntime")
    assert answer.code == 0, answer.err
    return place / "tiny/quantize", [*given, slim, weights]


def test_the_structure_is_saved_with_the_weights_and_every_command_finds_it(run):
    folder, given = run
    for place in (folder / "best", folder / "export"):
        steps = json.loads((place / "structure.json").read_text())["steps"]
        assert [step["type"] for step in steps] == ["fold_batch_norm", "quantize_layers"]
    in_memory = command("eval", *given, "--json")
    assert in_memory.code == 0, in_memory.err
    for engine in ("paddle", "onnxruntime"):
        answer = command("eval", *given, "--model", folder / "export", "--engine", engine, "--json")
        assert json.loads(answer.out)["top1"] == pytest.approx(json.loads(in_memory.out)["top1"], abs=0.051)


def test_the_engine_of_the_export_is_the_default(run):
    folder, _ = run
    model = Predictor(folder / "export")
    assert isinstance(model.engine, OneAtATime) and isinstance(model.engine.engine, OnnxRuntimeEngine)
    golden = np.load(folder / "export/golden.npz")
    outputs = model.run({"image": golden["in/image"]})
    assert np.abs(outputs["scores"] - golden["out/scores"]).max() < 0.1 * golden["out/scores"].max()
    small = (folder / "export/model.onnx").stat().st_size
    assert small < 0.3 * (folder / "export/model.pdiparams").stat().st_size


def test_the_analysis_is_printed_and_written(run, tmp_path, capsys):
    _, given = run
    from PaddleSlim.tools import analyze

    with pytest.raises(SystemExit) as end:
        analyze.main(argv=[*map(str, given), "--out", str(tmp_path), "--worst", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0 and lines[0].split() == ["layer", "output", "dB", "model", "dB"]
    assert len(lines) == 24 and lines[-1] == f"slim.keep_float: [{lines[1].split()[0]}, {lines[2].split()[0]}]"
    assert len((tmp_path / "layers.csv").read_text().splitlines()) == 1 + 22
    assert (tmp_path / "layers.png").stat().st_size > 10_000


def test_a_pruned_model_is_quantized_too(made_sets, tmp_path):
    given = ["-o", f"dataset={made_sets.folder('digit_classes')}", f"output_dir={tmp_path}", "train.max_steps=1"]
    network = "model.backbone={type: MobileNetV1, scale: 0.25, out_indices: [4]}"
    answer = command(
        "train", "-c", "PaddleSlim/configs/tiny/prune.yml", *given, network, "slim.allocate=uniform", "size=32"
    )
    assert answer.code == 0, answer.err
    slim = "slim={type: PostTrainingQuantization, batches: 1, keep_float: [head]}"
    given += [network, slim, f"pretrained={tmp_path}/tiny/prune/last"]
    answer = command("train", "-c", TINY, *given)
    assert answer.code == 0, answer.err
    structure = json.loads((tmp_path / "tiny/quantize/last/structure.json").read_text())
    assert [step["type"] for step in structure["steps"]][-2:] == ["fold_batch_norm", "quantize_layers"]
    assert structure["steps"][0]["type"] not in ("fold_batch_norm", "quantize_layers")
    config = load_config(TINY, [*given[1:], f"weights={tmp_path}/tiny/quantize/last"])
    model = build_model(config, [str(number) for number in range(10)])
    load_weights(model, read_configured_weights(config), config)
    assert type(model.head.fc).__name__ == "Linear" and len(quantized_weights(model)) == 27
    float_channels = int(1024 * 0.25)
    assert model.backbone.stages[4][1].pointwise.conv.weight.shape[0] < float_channels
