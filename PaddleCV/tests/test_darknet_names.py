"""The layers of yolov3-tiny, read from Darknet's files, fill our YOLOv3-tiny."""

import numpy as np

from common.build.foreign import model_shapes
from common.config import load_config
from PaddleCV.models.foreign.torch_names import ForeignNames

from .test_torch_names import KIT

# layer of yolov3-tiny.cfg -> (filters, channels, size); 15 and 22 predict 255 numbers and have no normalization
LAYERS = {
    0: (16, 3, 3), 2: (32, 16, 3), 4: (64, 32, 3), 6: (128, 64, 3), 8: (256, 128, 3), 10: (512, 256, 3),
    12: (1024, 512, 3), 13: (256, 1024, 1), 14: (512, 256, 3), 15: (255, 512, 1), 18: (128, 256, 1),
    21: (256, 384, 3), 22: (255, 256, 1),
}  # fmt: skip


def test_every_layer_goes_to_its_place():
    given = {}
    for layer, (filters, channels, size) in LAYERS.items():
        given[f"{layer}.conv.weight"] = np.full((filters, channels, size, size), layer, np.float32)
        parts = ("bias",) if layer in (15, 22) else ("weight", "bias", "running_mean", "running_var")
        kind = "conv" if layer in (15, 22) else "norm"
        given |= {f"{layer}.{kind}.{part}": np.full(filters, layer, np.float32) for part in parts}
    config = load_config(KIT / "configs/yolov3_tiny.yml")
    order = ForeignNames("darknet", ForeignNames.network_of(config), given).order
    assert order.count_classes(given) == 80
    found = order.rename(given, model_shapes(config, 80))
    for place, layer in {
        "backbone.stem.conv": 0,
        "backbone.stages.4.3.conv": 12,
        "neck.reduce.conv": 13,
        "neck.coarse.conv": 14,
        "neck.down.conv": 18,
        "neck.fine.conv": 21,
        "head.outputs.0": 15,
        "head.outputs.1": 22,
    }.items():
        assert found[f"{place}.weight"].flat[0] == layer
    assert found["neck.fine.norm._variance"].flat[0] == np.float32(21) - np.float32(1e-5)
