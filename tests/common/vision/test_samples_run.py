"""A model of two images and one of clips, of a temporary kit: trained, evaluated, exported and run from Python."""

import json
import sys

import numpy as np
import pytest
import yaml

from common.config import load_config
from common.inference.predictor import ModelInMemory, Predictor, predict, prepare_samples, stack
from tests.common.vision.several_images_kit import write_kit
from tests.made.commands import command


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """The folder of the kit; the current folder is the one above."""
    folder = write_kit(tmp_path / "SeveralImages")
    monkeypatch.chdir(tmp_path)
    path_before = list(sys.path)
    yield folder
    sys.path[:] = path_before
    for name in [n for n in sys.modules if n.split(".")[0] == folder.name]:
        del sys.modules[name]


def samples_of(name):
    """Four samples as a user has them."""
    frames = [[f"scenes/scene_{i}/{j}.png" for j in range(3)] for i in range(4)]
    if name == "pair":
        return [{"image_a_path": paths[0], "image_b_path": paths[1]} for paths in frames]
    return [{"clip_paths": paths} for paths in frames]


@pytest.mark.parametrize("name", ["pair", "clip"])
def test_it_trains_evaluates_exports_and_predicts_the_same(name, kit):
    config = ["-c", kit / f"configs/{name}.yml"]
    assert command("check", *config).refused(0, "a training step, a checkpoint")
    command("train", *config, "--eval").refused(0)
    weights = ["-o", f"weights=output/{name}/best"]
    scores = json.loads(command("eval", *config, *weights, "--json").refused(0).out)
    assert 0 < scores["error"] < 1
    command("export", *config, *weights).refused(0)

    exported = Predictor(f"output/{name}/export")
    nested = yaml.safe_load((exported.folder / "infer.yml").read_text())["preprocess"][0]["transforms"]
    assert [node["type"] for node in nested][:2] == ["Decode", "Resize"] and nested[1]["interp"] == "bilinear"
    in_memory = ModelInMemory.from_config(load_config(kit / f"configs/{name}.yml", [f"weights=output/{name}/best"]))
    found = {}
    for model in (exported, in_memory):
        samples = [model.decode(sample) for sample in samples_of(name)]
        batch = stack(model, prepare_samples(model, samples))
        ranks = {"pair": (3, 16, 16), "clip": (3, 3, 16, 16)}
        assert all(value.shape[1:] == ranks[name] and value.dtype == np.float32 for value in batch.values())
        found[model] = [records[0]["score"] for records in predict(model, samples)]
    np.testing.assert_allclose(found[exported], found[in_memory], rtol=1e-5)
    assert len(set(found[exported])) == 4


@pytest.mark.parametrize("name", ["pair", "clip"])
def test_an_export_without_data_has_synthetic_images(name, kit):
    config = ["-c", kit / f"configs/{name}.yml"]
    command("train", *config).refused(0)
    (kit.parent / "scenes/scene_0/0.png").write_bytes(b"")
    done = command("export", *config, "-o", f"weights=output/{name}/last", "export.image_size=[16, 16]").refused(0)
    assert "the golden is made of a synthetic sample" in done.err
    entries = yaml.safe_load((kit.parent / f"output/{name}/export/infer.yml").read_text())["inputs"]
    assert {tuple(entry["shape"][-2:]) for entry in entries} == {(16, 16)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("size: 24}", "size: 24, sise: 3}"), ["pair.yml:12: Resize has no key 'sise'", "did you mean 'size'"]),
        (("{type: RandomFlip}", "{type: RandomFlop}"), ["pair.yml:14", "RandomFlop", "did you mean 'RandomFlip'"]),
        (("{type: RandomFlip}", "{prob: 1.0}"), ["pair.yml:14", "data.train.transforms.0.transforms.3 has no 'type'"]),
        (("key: [image_a, image_b]\n", "kye: image_a\n"), ["On has no key 'kye'; did you mean 'key'"]),
        (
            ("{type: RandomFlip}", "{type: ResizeBatch, sizes: [16]}"),
            ["pair.yml:14: On takes", "works on batches"],
        ),
        (("{type: RandomFlip}", "{type: Mixup}"), ["pair.yml:14: On takes", "Mixup mixes in other samples"]),
        (
            ("{type: RandomFlip}", "{type: PairNet}"),
            ["pair.yml:14", "PairNet is a model", "takes transforms"],
        ),
        (("RandomCropToSize, size: 16", "RandomCropToSize, size: 18"), ["pair.yml:13", "18 x 18", "multiples of 4"]),
        (
            ("key: [image_a, image_b]\n        same", "key: [image_a]\n        same"),
            ["gives no 'image_b'", "key: image_b"],
        ),
    ],
)
def test_what_is_wrong_in_a_nested_transform_is_refused_with_its_line(change, words, kit):
    path = kit / "configs/pair.yml"
    text = path.read_text()
    assert text.count(change[0]) == 1
    path.write_text(text.replace(*change))
    command("check", "-c", path).refused(2, *words)
