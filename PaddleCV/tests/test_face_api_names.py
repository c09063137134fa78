"""The layers of face-api.js' SSD, in TensorFlow's layout, fill our SSD and predict as they did there."""

import numpy as np

from common.build.foreign import model_shapes
from common.config import load_config
from PaddleCV.models.foreign.torch_names import ForeignNames

from .test_torch_names import KIT

WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
EXTRA = (
    (1, 1024, 256),
    (3, 256, 512),
    (1, 512, 128),
    (3, 128, 256),
    (1, 256, 128),
    (3, 128, 256),
    (1, 256, 64),
    (3, 64, 128),
)
LEVELS = ((512, 3), (1024, 6), (512, 6), (256, 6), (256, 6), (128, 6))


def arrays():
    """The arrays of the file, each of a number of its own; values along the axis of deltas and classes count up."""
    rng, given = np.random.default_rng(0), {"Output/extra_dim": np.zeros([1, 5118, 4], np.float32)}

    def add(name, *shape):
        given[name] = rng.random(shape, np.float32)

    for number, (old, new) in enumerate(zip((3, *WIDTHS), WIDTHS)):
        layer = f"MobilenetV1/Conv2d_{number}"
        add(f"{layer}_pointwise/weights", *((3, 3, 3, 32) if number == 0 else (1, 1, old, new)))
        add(f"{layer}_pointwise/convolution_bn_offset", new)
        if number:
            add(f"{layer}_depthwise/depthwise_weights", 3, 3, old, 1)
            for part in ("gamma", "beta", "moving_mean", "moving_variance"):
                add(f"{layer}_depthwise/BatchNorm/{part}", old)
    for number, (side, old, new) in enumerate(EXTRA):
        add(f"Prediction/Conv2d_{number}_pointwise/weights", side, side, old, new)
        add(f"Prediction/Conv2d_{number}_pointwise/convolution_bn_offset", new)
    for number, (old, priors) in enumerate(LEVELS):
        for kind, values in (("ClassPredictor", 3), ("BoxEncodingPredictor", 4)):
            add(f"Prediction/BoxPredictor_{number}/{kind}/weights", 1, 1, old, priors * values)
            add(f"Prediction/BoxPredictor_{number}/{kind}/biases", priors * values)
    return given


def test_every_layer_goes_to_its_place_in_our_layout():
    given = arrays()
    config = load_config(KIT / "configs/ssd_mobilenet_v1_face.yml")
    order = ForeignNames("face_api", ForeignNames.network_of(config), given).order
    found = order.rename(given, model_shapes(config, order.count_classes(given)))
    stem = given["MobilenetV1/Conv2d_0_pointwise/weights"]
    np.testing.assert_array_equal(found["backbone.stem.conv.weight"], stem.transpose(3, 2, 0, 1))
    deep = given["MobilenetV1/Conv2d_13_depthwise/depthwise_weights"]
    np.testing.assert_array_equal(found["backbone.stages.4.1.depthwise.conv.weight"], deep.transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(
        found["neck.blocks.3.1.norm.bias"], given["Prediction/Conv2d_7_pointwise/convolution_bn_offset"]
    )
    norm = [found[f"neck.blocks.3.1.norm.{part}"] for part in ("weight", "_mean", "_variance")]
    np.testing.assert_allclose(norm[0] / np.sqrt(norm[2] + 1e-5), 1, rtol=1e-6)
    assert not norm[1].any()


def test_the_softmax_of_the_scores_is_the_sigmoid_of_the_face_and_deltas_have_x_before_y():
    given = arrays()
    config = load_config(KIT / "configs/ssd_mobilenet_v1_face.yml")
    order = ForeignNames("face_api", "SSD", given).order
    found = order.rename(given, model_shapes(config, 1))
    theirs = given["Prediction/BoxPredictor_2/ClassPredictor/biases"].reshape(6, 3)
    ours = found["head.scores.2.bias"].reshape(6, 2)
    np.testing.assert_array_equal(ours, np.stack([np.zeros(6), theirs[:, 1]], axis=1).astype(np.float32))
    theirs = given["Prediction/BoxPredictor_2/BoxEncodingPredictor/weights"][0, 0].reshape(512, 6, 4)
    ours = found["head.deltas.2.weight"][:, :, 0, 0].reshape(6, 4, 512)
    np.testing.assert_array_equal(ours[4, :, 7], theirs[7, 4, [1, 0, 3, 2]])
