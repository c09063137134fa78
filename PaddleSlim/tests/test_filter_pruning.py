"""Filter pruning of real networks: targets, training and export of the result, cached sensitivities."""

import json

import numpy as np
import paddle
import pytest

from common.build.macs import count_macs
from common.build.model import build_model, predictor_of
from common.config import load_config
from common.config.kits import ROOT
from common.config.namespace import Namespace
from common.errors import ConfigError
from common.export.write import write_program
from common.inference.predictor import load_engine, run_engine
from common.training.compression import Context
from common.training.trainer import to_tensors
from common.weights.structure import FILE, apply_steps
from PaddleSlim.models.prune import filter_pruning
from PaddleSlim.models.prune.filter_pruning import FilterPruning
from tests.made.commands import command

FAST = ("resnet", "mobilenet_v2", "densenet", "yolov3")
SLOW = ("mobilenet_v1", "mobilenet_v3", "resnext", "shufflenet_v2", "googlenet", "vgg", "squeezenet", "efficientnet",
        "inceptionv4", "xception", "dpn", "darknet")  # fmt: skip
FULL = ("mobilenet_v1", "mobilenet_v2", "resnet50", "densenet121", "shufflenet_v2_x1_0", "googlenet", "yolov3")


def built(name, made_sets, folder, *overrides):
    """(configuration, model, context) of a configuration of PaddleCV on a synthetic dataset."""
    made = "digits" if "yolo" in name else "digit_classes"
    config = load_config(ROOT / f"PaddleCV/configs/{name}.yml", [f"dataset={made_sets.folder(made)}", *overrides])
    labels = [str(number) for number in range(config.get("num_classes") or 10)]
    return config, build_model(config, labels), Context(config, folder)


def check_pruned(model, inputs, batch, before, target, folder):
    """The target is met, every parameter gets a gradient, and the exported model predicts as this one."""
    model.eval()
    image = paddle.to_tensor(inputs["image"])
    assert count_macs(model, image) / before == pytest.approx(target, rel=0.02)
    model.train()
    sum(model.loss(batch).values()).backward()
    assert all(list(p.grad.shape) == list(p.shape) for p in model.parameters() if not p.stop_gradient)
    paddle.optimizer.SGD(1e-3, parameters=model.parameters()).step()
    model.eval()
    write_program(model, folder / "model", {name: list(shape) for name, (shape, _) in model.inputs.items()})
    outputs = run_engine(load_engine(folder / "model"), inputs)
    for output, expected in zip(outputs, predictor_of(model)(inputs).values()):
        np.testing.assert_allclose(output, expected, atol=1e-4 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_half_of_a_tiny_network_trains_and_exports(name, made_sets, tmp_path):
    _, model, context = built(f"tiny/{name}", made_sets, tmp_path)
    inputs = context.example_inputs(model)
    before = count_macs(model, paddle.to_tensor(inputs["image"]))
    (step,) = FilterPruning(flops=0.5).compress(model, context)
    assert step["type"] == "prune_channels" and json.dumps(step)
    check_pruned(model, inputs, to_tensors(next(context.batches("train", 1))), before, 0.5, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_half_of_a_full_size_network_trains_and_exports(name, made_sets, tmp_path):
    tiny = "yolov3" if name == "yolov3" else "mobilenet_v1"
    _, model, _ = built(name, made_sets, tmp_path)
    side = 416 if name == "yolov3" else 224
    _, _, context = built(f"tiny/{tiny}", made_sets, tmp_path, *(() if name == "yolov3" else ("size=224",)))
    inputs = dict(context.example_inputs(model))
    inputs["image"] = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    context.example_inputs = lambda _: inputs
    before = count_macs(model, paddle.to_tensor(inputs["image"]))
    FilterPruning(flops=0.5, criterion="geometric_median").compress(model, context)
    batch = {key: value[:2] for key, value in next(context.batches("train", 1)).items()}
    check_pruned(model, inputs, to_tensors(batch), before, 0.5, tmp_path)


def test_a_pruned_run_is_evaluated_exported_and_resumed(made_sets, tmp_path):
    arguments = ["-c", ROOT / "PaddleSlim/configs/tiny/prune.yml", "-o", f"output_dir={tmp_path}",
                 f"dataset={made_sets.folder('digit_classes')}"]  # fmt: skip
    answer = command("train", "--eval", *arguments, "train.epochs=1")
    assert answer.code == 0 and "50." in answer.err.split("of the multiply-adds remain")[0][-12:], answer.err
    folder = tmp_path / "tiny/prune"
    assert (folder / "sensitivity.png").stat().st_size > 10_000
    shapes = json.loads((folder / "best" / FILE).read_text())["steps"][0]["shapes"]
    assert shapes["head.fc.weight"][0] < 512
    answer = command("train", "--eval", "-r", "auto", *arguments, "train.epochs=2")
    assert answer.code == 0 and "sensitivity 1/" not in answer.err and "multiply-adds remain" not in answer.err, (
        answer.err
    )
    answer = command("eval", *arguments, f"weights={folder / 'last'}", "--json")
    state = json.loads((folder / "last/state.json").read_text())
    assert json.loads(answer.out)["top1"] == state["scores"]["top1"], answer.err
    assert command("export", *arguments, f"weights={folder / 'last'}").code == 0
    assert json.loads((folder / "export" / FILE).read_text())["steps"][0]["shapes"] == shapes


def test_sensitivities_are_measured_once_for_the_same_weights(made_sets, tmp_path):
    _, model, context = built("tiny/resnet", made_sets, tmp_path)
    context.evaluate, asked = lambda found, count, split: asked.append(1) or {"top1": 1 - len(asked) / 1000}, []
    before = {name: value.numpy() for name, value in model.state_dict().items()}
    method = FilterPruning(flops=0.5, allocate="sensitivity", batches=1, layers=["backbone.stages.0.*"])
    graph = filter_pruning.ChannelGraph(model, context.example_inputs(model))
    groups = method.prunable(graph)
    orders = [group.units for group in groups]
    curves = method.sensitivities(model, graph, groups, orders, context)
    assert len(asked) == 1 + 9 * len(groups) and curves[0][0][:2] == [0.0, 0.1]
    assert all((before[name] == value.numpy()).all() for name, value in model.state_dict().items())
    assert method.sensitivities(model, graph, groups, orders, context) == curves
    assert len(asked) == 1 + 9 * len(groups)
    model.head.fc.bias.set_value(model.head.fc.bias + 1)
    method.sensitivities(model, graph, groups, orders, context)
    assert len(asked) == 2 * (1 + 9 * len(groups))


def test_ratios_exclusions_and_patterns_select_the_layers(made_sets, tmp_path):
    _, model, context = built("tiny/mobilenet_v1", made_sets, tmp_path)
    FilterPruning(ratios={"backbone.stages.0.*": 0.25, "*": 0.5}, exclude=["*.stem.*"]).compress(model, context)
    sizes = [model.backbone.stages[i][0].pointwise.conv.weight.shape[0] for i in range(3)]
    assert (model.backbone.stem.conv.weight.shape[0], *sizes) == (16, 24, 32, 64)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"layers": ["head.fc"]}, "head.fc cannot be pruned: it is an output of the model"),
        ({"exclude": ["backbon.*"]}, "no layer with filters matches 'backbon.*'"),
        ({"layers": ["*.stem.*"], "exclude": ["*.stem.*"]}, "no layer is left"),
        ({"layers": ["*.stem.*"], "flops": 0.1}, "allow more layers to be pruned"),
    ],
)
def test_layers_that_cannot_be_pruned_are_refused(made_sets, tmp_path, keys, words):
    _, model, context = built("tiny/mobilenet_v1", made_sets, tmp_path)
    with pytest.raises(ConfigError) as caught:
        FilterPruning(**({"flops": 0.5} | keys)).compress(model, context)
    assert words in str(caught.value)


def test_a_pruned_model_can_be_pruned_again_and_both_steps_are_repeatable(made_sets, tmp_path):
    config, model, context = built("tiny/mobilenet_v1", made_sets, tmp_path)
    image = paddle.to_tensor(context.example_inputs(model)["image"])
    whole = count_macs(model, image)
    steps = [*FilterPruning(flops=0.7).compress(model, context), *FilterPruning(flops=0.7).compress(model, context)]
    assert count_macs(model, image) / whole == pytest.approx(0.49, rel=0.03)
    fresh = build_model(config, [str(number) for number in range(10)])
    apply_steps(fresh, json.loads(json.dumps(steps)), Namespace(ROOT / "PaddleSlim"))
    assert fresh.set_state_dict(model.state_dict()) == ([], [])
    model.eval(), fresh.eval()
    np.testing.assert_array_equal(fresh.predict(image).numpy(), model.predict(image).numpy())


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "one of flops, latency and ratios"),
        ({"flops": 1.5}, "between 0 and 1"),
        ({"ratios": {"*": 1}}, "between"),
        ({"ratios": {}}, "ratios is empty"),
    ],
)
def test_an_invalid_target_is_refused(keys, words):
    with pytest.raises(ValueError, match=words):
        FilterPruning(**keys)


def test_the_criterion_bn_scale_needs_batch_normalization(made_sets, tmp_path):
    _, model, context = built("tiny/vgg", made_sets, tmp_path)
    with pytest.raises(ConfigError, match="no batch normalization follows backbone"):
        FilterPruning(flops=0.5, criterion="bn_scale").compress(model, context)


def test_a_latency_target_is_approached_by_bisection(made_sets, tmp_path, monkeypatch):
    _, model, context = built("tiny/mobilenet_v1", made_sets, tmp_path)
    image = paddle.to_tensor(context.example_inputs(model)["image"])
    whole = count_macs(model, image)
    monkeypatch.setattr(
        filter_pruning, "latency_of", lambda found, inputs: 0.2 + 0.8 * count_macs(found, image) / whole
    )
    FilterPruning(latency=0.6).compress(model, context)
    assert 0.2 + 0.8 * count_macs(model, image) / whole == pytest.approx(0.6, abs=0.03)


def test_a_latency_is_positive_and_the_model_keeps_its_mode(made_sets, tmp_path):
    _, model, context = built("tiny/mobilenet_v1", made_sets, tmp_path)
    assert filter_pruning.latency_of(model, context.example_inputs(model)) > 0
    assert model.training
