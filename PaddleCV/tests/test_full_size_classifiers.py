"""Every classifier of the zoo at full size: a forward pass of one image, with the recorded MACs."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from common.build.macs import count_macs
from common.config import load_config
from common.config.kits import ROOT
from tools import zoo

SMALL = 32  # pixels of CIFAR-10 and Fashion-MNIST, whose configurations name no size
ROWS = [row for row in zoo.read_zoo() if row["kit"] == "PaddleCV" and row["macs"]]


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: Path(row["config"]).stem)
def test_an_image_goes_through_at_the_noted_cost(row):
    config = load_config(ROOT / "PaddleCV" / row["config"])
    labels = [str(number) for number in range(int(row["classes"]))]
    model = config.build("model", num_classes=len(labels), labels=labels)
    size = config.get("size", None) or SMALL
    image = paddle.rand([1, 3, size, size])
    assert count_macs(model, image) == int(row["macs"])
    model.eval()
    with paddle.no_grad():
        scores = model(image).numpy()
    assert scores.shape == (1, int(row["classes"]))
    np.testing.assert_allclose(scores.sum(), 1, rtol=1e-4)
