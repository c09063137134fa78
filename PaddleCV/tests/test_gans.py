"""The GANs: the model contract, what each phase learns, pools in checkpoints, and exact resumption."""

import json

import numpy as np
import paddle
import pytest
from safetensors.numpy import load_file

from common.api import train
from common.config import load_config
from common.testing import check_model
from PaddleCV.tools.make_translations import make_translations

TWINS = "PaddleCV/configs/tiny/generation"


def model_of(name):
    config = load_config(f"{TWINS}/{name}.yml")
    labels = config.get("attributes", None) or config.get("labels") or list("0123456789")
    return config.build("model", num_classes=len(labels), labels=labels)


def random_batch(model, name, count=3):
    rng = np.random.default_rng(0)
    size = {"cgan": 16, "dcgan": 16}.get(name, 32)
    image = rng.uniform(-1, 1, (count, 1 if size == 16 else 3, size, size)).astype("float32")
    found = {"image": image, "target": image[::-1].copy(), "image_b": image[::-1].copy()}
    found["mask"] = rng.integers(0, 4, (count, size, size)).astype("uint8")
    found["noise"] = rng.uniform(-1, 1, (count, 8)).astype("float32")
    found["label"] = np.arange(count)
    if name in ("stargan", "attgan", "stgan"):
        found["label"] = np.eye(3, dtype="float32")[:count]
        found["target"] = np.array([[1, -1, -1], [-1, 0, -1], [-1, -1, -1]], "float32")[:count]
    return {key: found[key] for key in {*model.inputs, "image", "label", "target", "image_b", "mask"} if key in found}


@pytest.mark.parametrize(
    "name", ["cgan", "dcgan", "pix2pix", "cyclegan", "stargan", "attgan", "stgan", "spade", "label_pix2pix"]
)
def test_a_gan_keeps_the_contract(name, tmp_path):
    paddle.seed(0)
    count = 2 if name == "spade" else 3
    check_model(lambda: model_of(name), random_batch(model_of(name), name, count), tmp_path)


@pytest.mark.parametrize("name", ["pix2pix", "stargan"])
def test_the_loss_of_the_discriminator_gives_the_generator_no_gradient(name):
    model = model_of(name)
    batch = {key: paddle.to_tensor(value) for key, value in random_batch(model, name).items()}
    sum(model.loss(batch, "discriminator").values()).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert any(np.any(p.grad.numpy()) for p in model.discriminator.parameters())
    assert not {*model.loss(batch, "discriminator")} & {*model.loss(batch, "generator")}


def test_an_editor_without_a_wish_reconstructs_what_the_discriminator_sees():
    model = model_of("stgan")
    model.eval()
    image = paddle.to_tensor(random_batch(model, "stgan")["image"])
    seen = (model.discriminator(image)[1] > 0).astype("float32")
    kept, attributes = model(image, paddle.full([3, 3], -1.0))
    np.testing.assert_allclose(kept.numpy(), model.generator(image, seen, seen).numpy(), atol=1e-6)
    assert ((attributes > 0.5).numpy() == (seen > 0.5).numpy()).all()
    asked = model(image, 1 - seen)[0]
    assert not np.allclose(asked.numpy(), kept.numpy())


def cycle_run(folder, data, steps, resume=None):
    settings = {"epochs": 2, "max_steps": steps, "batch_size": 4, "workers": 0, "eval_every": 0}
    return train(f"{TWINS}/cyclegan.yml", resume=resume, dataset=str(data), output_dir=str(folder), train=settings)


def arrays_of(run):
    """All arrays of the last checkpoint: weights, optimizers, pools."""
    return {
        f"{path.name}/{name}": value
        for path in sorted((run.folder / "last").glob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def test_a_resumed_gan_is_the_one_that_was_not_stopped_with_its_pool_and_its_sheet(tmp_path):
    make_translations(tmp_path / "set", train=8, evaluation=2)
    whole = cycle_run(tmp_path / "whole", tmp_path / "set", 4)
    cycle_run(tmp_path / "parts", tmp_path / "set", 3)
    parts = cycle_run(tmp_path / "parts", tmp_path / "set", 4, resume="auto")
    first, second = arrays_of(whole), arrays_of(parts)
    assert first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)
    assert first["training_state.safetensors/0/pool_a/images"].shape == (4, 3, 32, 32)
    assert [path.name for path in (whole.folder / "samples").iterdir()] == ["step_00000002.png"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "score"), [("cyclegan", "cycle"), ("attgan", "reconstruction")])
def test_a_tiny_gan_learns_what_its_score_measures(name, score, tmp_path):
    make_translations(tmp_path / "set")
    settings = {"epochs": 9, "eval_every": 1}
    given = {"dataset": str(tmp_path / "set"), "output_dir": str(tmp_path), "train": settings}
    run = train(f"{TWINS}/{name}.yml", evaluate=True, **given)
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    scores = [line[score] for line in lines if line["kind"] == "eval"]
    assert min(scores[-2:]) < 0.9 * scores[0]
