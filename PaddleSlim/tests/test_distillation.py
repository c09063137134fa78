"""Distillation of models of several kits by their tiny configurations: training, checkpoints, invalid settings."""

import json

import numpy as np
import paddle
import pytest
from safetensors.numpy import load_file, save_file

from common.build.model import build_model
from common.build.training_only import group_arrays, merge_groups
from common.config import load_config
from common.errors import ConfigError
from common.training.compression import Context
from PaddleSlim.models.distill.distillation import Distillation
from PaddleSlim.models.distill.named_layers import find_layers
from tests.made.commands import command
from tests.made.made_sets import MadeSets

CONFIG = "PaddleSlim/configs/tiny/distill.yml"
QUICK = ["train.epochs=1", "train.batch_size=40", "train.base_batch=40", "train.workers=0"]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return MadeSets(tmp_path_factory.mktemp("sets"))


def prepare(sets, **keys):
    """(student, its distillation, a batch of Tensors) of the tiny configuration; `keys` replace those of `slim:`."""
    config = load_config(CONFIG, [f"dataset={sets.folder('digit_classes')}"])
    given = {key: value for key, value in config.get("slim").items() if key not in ("type", "kit")}
    model = build_model(config, list(map(str, range(10))))
    method = Distillation(**{**given, **keys})
    context = Context(config, folder=None)
    method.prepare(model, context)
    batch = next(context.batches("train", 1))
    return model, method, {k: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}


def test_the_teacher_is_frozen_and_gradients_reach_the_student_and_the_adaptors(sets):
    model, method, batch = prepare(sets, label_weight=0.0)
    before = [value.numpy() for value in method.teacher.state_dict().values()]
    model.train()
    losses = method.loss(model, batch, model.loss(batch))
    assert set(losses) == {"loss_class", "loss_soft_label", "loss_l2", "loss_fsp"} and losses["loss_class"].item() == 0
    (losses["loss_l2"] + losses["loss_fsp"] + losses["loss_soft_label"]).backward()
    after = [value.numpy() for value in method.teacher.state_dict().values()]
    assert all((a == b).all() for a, b in zip(before, after)) and not method.teacher.training
    assert all(value.grad is None for value in method.teacher.parameters())
    named = dict(model.named_parameters())
    adaptors = [name for name in named if name.startswith("distillation_adaptors")]
    assert len(adaptors) == 3 and all(named[name].grad is not None for name in adaptors)
    assert len({value.name for value in model.parameters()}) == len(model.parameters())
    assert (
        named["backbone.stages.0.0.depthwise.conv.weight"].grad is not None and named["head.fc.weight"].grad is not None
    )


def test_a_student_equal_to_its_teacher_has_no_distillation_loss(sets):
    config = "PaddleCV/configs/tiny/mobilenet_v1.yml"
    labels = list(map(str, range(10)))
    model = build_model(load_config(config), labels)
    weights = sets.folder("digit_classes") / "same.safetensors"
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, weights)
    pairs = [{"student": "backbone.stages.*.0", "teacher": "backbone.stages.*.0", "loss": "L2", "weight": 2}]
    student, method, batch = prepare(sets, teacher={"config": config, "weights": str(weights)}, pairs=pairs)
    assert len(method.terms) == 1 + 5 and not getattr(student, "training_only", ())
    student.eval()
    method.probing = True
    losses = method.loss(student, batch, student.loss(batch))
    assert losses["loss_l2"].item() == 0 and abs(losses["loss_soft_label"].item()) < 1e-5


def test_adaptors_are_saved_for_resuming_but_not_in_the_weights_or_the_export(sets, tmp_path):
    keys = [*QUICK, f"dataset={sets.folder('digit_classes')}", f"output_dir={tmp_path}"]
    assert command("train", "-c", CONFIG, "-o", *keys).code == 0
    last = tmp_path / "tiny/distill/last"
    names = set(load_file(last / "model.safetensors"))
    plain = build_model(load_config("PaddleCV/configs/tiny/mobilenet_v1.yml"), list(map(str, range(10))))
    assert names == set(plain.state_dict())
    assert len(load_file(last / "training_only.safetensors")) == 3
    answer = command("export", "-c", CONFIG, "-o", *keys, f"weights={last}", "export.image_size=[64, 64]")
    assert answer.code == 0, answer.err
    folder = tmp_path / "tiny/distill/export"
    sizes = sum(value.size for value in plain.state_dict().values()) * 4
    assert next(folder.glob("*.pdiparams")).stat().st_size < sizes + 20_000


def test_a_resumed_distillation_equals_one_that_was_not_stopped(sets, tmp_path):
    keys = [*QUICK, f"dataset={sets.folder('digit_classes')}", "train.epochs=2"]
    assert command("train", "-c", CONFIG, "-o", *keys, f"output_dir={tmp_path}/a").code == 0
    half = [*keys, f"output_dir={tmp_path}/b", "train.epochs=2"]
    assert command("train", "-c", CONFIG, "-o", *half, "train.max_steps=3").code == 0
    answer = command("train", "-c", CONFIG, "-r", "auto", "-o", *half)
    assert answer.code == 0, answer.err
    for group in ("model", "training_only"):
        whole, parts = (load_file(tmp_path / run / f"tiny/distill/last/{group}.safetensors") for run in "ab")
        assert whole.keys() == parts.keys() and all(np.allclose(whole[k], parts[k], atol=1e-4) for k in whole)


@pytest.mark.parametrize(
    ("config", "made", "layer", "small"),
    [
        (
            "PaddleCV/configs/tiny/yolov3.yml",
            "digits",
            "neck",
            ["model.backbone.width=0.125", "model.neck.channels=32", "train.batch_size=4", "train.base_batch=4"],
        ),
        ("PaddleNLP/configs/tiny/words.yml", "texts", "head", []),
    ],
    ids=["detector", "text"],
)
def test_models_of_other_kits_are_distilled_too(config, made, layer, small, sets, tmp_path):
    keys = [*small, f"dataset={sets.folder(made)}", "train.workers=0", f"output_dir={tmp_path}"]
    plain = load_config(config, keys)
    labels = plain.get("labels")
    teacher = tmp_path / "teacher.safetensors"
    if labels is None:
        from common.build.data import build_dataset

        labels = build_dataset(plain, "train").labels
    model = build_model(plain, labels)
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, teacher)
    written = tmp_path / "teacher.yml"
    written.write_text(plain.dump())
    slim = {"type": "Distillation", "teacher": {"config": str(written), "weights": str(teacher)}}
    slim["pairs"] = [{"student": layer, "teacher": layer, "loss": "L2"}]
    answer = command("train", "-c", config, "--dry-run", "--eval", "-o", *keys, f"slim={json.dumps(slim)}")
    assert answer.code == 0 and "loss_l2" in answer.err, answer.err


def test_an_unknown_layer_is_refused_with_the_nearest_names(sets):
    pair = {"student": "backbone.stage3", "teacher": "backbone.stages.2", "loss": "L2"}
    with pytest.raises(ConfigError, match=r"student has no layer 'backbone.stage3'; it has .*backbone.stages"):
        prepare(sets, pairs=[pair])
    with pytest.raises(ConfigError, match=r"matches 5 layers of the student .* 1 of the teacher"):
        prepare(sets, pairs=[{**pair, "student": "backbone.stages.?"}])
    with pytest.raises(ConfigError, match=r"stages.1 has shape \[20, .*, the teacher's backbone.stages.2 \[20, "):
        prepare(sets, pairs=[{**pair, "student": "backbone.stages.1"}])
    model = build_model(load_config(CONFIG), list("0123456789"))
    assert find_layers(model, "backbone.stages.?", "student") == [f"backbone.stages.{i}" for i in range(5)]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"soft_label": None, "pairs": []}, "neither"),
        ({"soft_label": {"temprature": 3}}, "temprature"),
        ({"pairs": [{"student": "a", "teacher": "b"}]}, r"pairs.0 needs loss"),
        ({"pairs": [{"student": "a", "teacher": "b", "loss": "L3"}]}, "L3"),
        ({"pairs": [{"student": "a", "teacher": "b", "loss": "FSP"}]}, "two names"),
        ({"pairs": [{"student": "a", "teacher": "b", "loss": "L2", "weight": -1}]}, "weight"),
        ({"teacher": {"config": "x.yml"}}, "weights"),
    ],
    ids=str,
)
def test_invalid_settings_are_refused(keys, words):
    given = {"teacher": {"config": "a", "weights": "b"}, "soft_label": {}, **keys}
    with pytest.raises(ValueError, match=words):
        Distillation(**given)


def test_layers_for_training_only_are_a_separate_group():
    class Model:
        training_only = ("extra",)

    named = {"backbone.weight": 1, "extra.0.weight": 2, "extras.weight": 3}
    found = group_arrays(Model(), named)
    assert found == {"model": {"backbone.weight": 1, "extras.weight": 3}, "training_only": {"extra.0.weight": 2}}
    assert merge_groups(found) == named and group_arrays(object(), named) == {"model": named}
