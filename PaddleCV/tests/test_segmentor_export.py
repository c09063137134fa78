"""The export of a segmentor: ties of classes pass, other differences of the label map do not."""

import numpy as np
import pytest

from common.build.model import build_model
from common.config import load_config
from common.errors import KitError
from common.export.write import export
from common.inference.compare import UNDECIDED
from common.inference.predictor import Predictor

LABELS = ["ground", "disk", "square", "triangle"]
SMALL = ["model.backbone.channels=[4, 8]"]


@pytest.fixture(scope="module")
def parts():
    """A tiny U-Net, its configuration, and a batch of one image."""
    config = load_config("PaddleCV/configs/tiny/segmentation/unet.yml", [*SMALL, "model.backbone.width=1"])
    config.check()
    image = np.random.default_rng(0).normal(size=(1, 3, 16, 24)).astype("float32")
    return build_model(config, LABELS), config, {"image": image}


def test_pixels_of_equal_classes_are_undecided_in_the_golden_and_the_others_are_compared(parts, tmp_path, monkeypatch):
    model, config, inputs = parts
    classifier = model.head.classifier
    classifier.weight.set_value(classifier.weight * 0)
    classifier.bias.set_value(np.array([1, 0, 1, 0], "float32"))  # the first and the third class are equal everywhere
    assert export(model, config, LABELS, inputs, tmp_path / "export") == {"label_map": 0}
    golden = np.load(tmp_path / "export/golden.npz")
    assert (golden["out/label_map"] == UNDECIDED).all() and golden["out/label_map"].dtype == np.int32
    classifier.bias.set_value(np.array([1, 0, 0, 0], "float32"))
    run = Predictor.run
    monkeypatch.setattr(Predictor, "run", lambda self, given: {"label_map": run(self, given)["label_map"] + 1})
    with pytest.raises(KitError, match="differs from the trained one"):
        export(model, config, LABELS, inputs, tmp_path / "other")
    assert not (tmp_path / "other").exists()
