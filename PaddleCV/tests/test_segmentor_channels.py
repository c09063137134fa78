"""Segmentation of images of five channels of 16 bits: check, training, evaluation, export, inference, drawing."""

import argparse
import json

import numpy as np
import pytest
import yaml

from common.config import load_config
from common.errors import BadSample
from common.inference.predictor import Predictor
from common.inference.run import run_inference
from common.training.options import RunOptions
from common.training.run import Run
from common.vision.sources import open_images

CONFIG = """
_base_: [PaddleCV/configs/tiny/segmentation/unet.yml]
kit: PaddleCV
labels: [ground, square]
model: {backbone: {channels: [4, 8], width: 1, in_channels: 5}}
data:
  train: &split
    type: SegmentationFolder
    root: ROOT
    list_file: null
    images: images
    masks: masks
    transforms:
      - {type: DecodeChannels, channels: 5}
      - {type: RandomScale, scale: [0.75, 1.25]}
      - {type: RandomRotate, prob: 1, fill: 9}
      - {type: RandomCropToSize, size: [24, 32], fill: [0, 0, 0, 0, 255]}
      - {type: RandomFlip}
      - {type: Normalize, mean: [0.5, 0.5, 0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5, 0.5, 0.5]}
  eval:
    type: SegmentationFolder
    root: ROOT
    list_file: null
    images: images
    masks: masks
    transforms:
      - {type: DecodeChannels, channels: 5}
      - {type: Normalize, mean: [0.5, 0.5, 0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5, 0.5, 0.5]}
train: {epochs: 1, batch_size: 2, workers: 0}
eval: {batch_size: 2}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Four images [24, 32, 5] as .npy with PNG masks: the fifth channel is bright within the square."""
    from PIL import Image

    folder, rng = tmp_path_factory.mktemp("channels"), np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(4):
        mask = np.zeros((24, 32), np.uint8)
        mask[4 + number : 15 + number, 6:20] = 1
        pixels = rng.integers(0, 30000, (24, 32, 5), np.uint16)
        pixels[..., 4] = mask * np.uint16(60000)
        np.save(folder / f"images/{number}.npy", pixels)
        Image.fromarray(mask).save(folder / f"masks/{number}.png")
    text = CONFIG.replace("ROOT", json.dumps(str(folder)))
    (folder / "five.yml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def run(place):
    """A run of two steps, and its export."""
    config = load_config(str(place / "five.yml"), [f"output_dir={place / 'out'}"])
    Run(config, RunOptions(evaluate=True)).train()
    config = load_config(str(place / "five.yml"), [f"output_dir={place / 'out'}", f"weights={place / 'out/five/last'}"])
    return Run(config), Run(config).export(place / "export")


def test_it_trains_evaluates_and_its_export_scores_as_the_model_in_memory(run):
    trained, exported = run
    scores, metric = trained.evaluate()
    assert scores == trained.evaluate(exported=exported)[0] and len(metric.worst()) == 4
    assert metric.worst()[0]["drawing"].shape[2] == 3


def test_inference_reads_and_draws_the_arrays(run, place, tmp_path, capsys):
    model = Predictor(run[1])
    options = argparse.Namespace(json=False, out=str(tmp_path / "drawn"), threshold=None, batch=0)
    assert run_inference(model, open_images(str(place / "images")), options) == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [f"{k}.png" for k in range(4)]
    assert capsys.readouterr().out.count("classes") == 4
    about = yaml.safe_load((run[1] / "infer.yml").read_text())
    assert about["preprocess"][0]["type"] == "DecodeChannels"  # deploy/cpp names it where it refuses the export


def test_arrays_of_other_channels_and_broken_ones_are_named_by_the_check(run, place, tmp_path):
    from PaddleCV.data.segmentation import SegmentationFolder

    dataset = SegmentationFolder(str(place), labels=["ground", "square"])
    assert dataset.check(deep=True) == []
    np.save(tmp_path / "a.npy", np.zeros((24, 32, 3), np.uint16))
    with pytest.raises(BadSample, match=r"(?s)D105.*\[24, 32, 3\].*a\.npy"):
        Predictor(run[1]).decode({"path": str(tmp_path / "a.npy")})
    path = place / "images/3.npy"
    data = path.read_bytes()
    path.write_bytes(data[:500])
    try:
        assert [issue.code for issue in dataset.check(deep=True)] == ["D102"]
    finally:
        path.write_bytes(data)
