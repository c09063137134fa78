"""Exports of generating models answered by the command and by the server: images of texts and edited images."""

import base64
import json

import cv2
import numpy as np
import pytest

from common.build.model import build_model
from common.config import load_config
from common.export.write import export
from common.inference.predictor import Predictor
from common.vision.decode import decode_image
from deploy.serving.worker import describe, predict_items
from tests.made.commands import command

TWINS = "PaddleCV/configs/tiny/generation"


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The exports of an untrained CGAN and of an untrained StarGAN, by name."""
    folder, rng = tmp_path_factory.mktemp("exports"), np.random.default_rng(0)
    given = {
        "cgan": {"noise": rng.uniform(-1, 1, (1, 8)).astype("float32"), "label": np.array([3])},
        "stargan": {
            "image": rng.uniform(-1, 1, (1, 3, 32, 32)).astype("float32"),
            "target": np.array([[1, -1, 0]], "float32"),
        },
    }
    for name, inputs in given.items():
        config = load_config(f"{TWINS}/{name}.yml")
        config.check()
        labels = config.get("attributes", None) or list("0123456789")
        model = build_model(config, labels)
        export(model, config, None, inputs, folder / name)
    return folder


def test_a_text_becomes_the_image_of_its_class_and_seed(exports, tmp_path):
    out = tmp_path / "seven.png"
    answer = command("infer", "--model", exports / "cgan", "--text", "7, 42", "--out", out)
    assert answer.code == 0 and "an image of 16 x 16 pixels" in answer.out
    assert decode_image(out.read_bytes()).shape == (16, 16, 3)
    command("infer", "--model", exports / "cgan", "--text", "shoe, 42").refused(3, "'shoe' is no class")
    command("infer", "--model", exports / "cgan", "--text", "7", "--change", "Red=1").refused(
        2, "--change is for models"
    )


def test_an_image_is_edited_by_command_and_by_the_server_alike(exports, tmp_path):
    given = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype("uint8")
    data = cv2.imencode(".png", given[..., ::-1])[1].tobytes()
    (tmp_path / "face.png").write_bytes(data)
    asked = ["--image", tmp_path / "face.png", "--change", "Red=1", "Round=0,Large=1"]
    answer = command("infer", "--model", exports / "stargan", *asked, "--json")
    records = json.loads(answer.out)["predictions"]
    assert [record["change"] for record in records] == ["Red=1", "Round=0,Large=1"]
    command("infer", "--model", exports / "stargan", *asked[:2], "--change", "Rod=1").refused(2, "did you mean 'Red'")
    twice = ("--change", "Round=1", "Round=0,Round=1")
    command("infer", "--model", exports / "stargan", *asked[:2], *twice).refused(2, "names 'Round' twice")
    model = Predictor(exports / "stargan")
    assert not describe(model)["boxes"]
    item = {"kind": "image", "name": "face.png", "threshold": None, "max_pixels": 10**6}
    ((status, text),) = predict_items(model, [(item, [data])])
    served = json.loads(text)
    assert status == 200 and [record["change"] for record in served] == ["Round=1", "Red=1", "Large=1"]
    images = [decode_image(base64.b64decode(record["png"])) for record in (records[0], served[1])]
    np.testing.assert_array_equal(*images)
