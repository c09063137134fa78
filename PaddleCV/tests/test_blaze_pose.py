"""BlazePose: the model contract, keypoints of a crop by hand, and the places of MediaPipe's weights."""

import numpy as np
import paddle
import pytest

from common.build.foreign import model_shapes
from common.config import load_config
from common.errors import ConfigError
from common.testing import check_model
from PaddleCV.models.backbones.blaze_pose_net import BlazePoseNet
from PaddleCV.models.foreign.mediapipe_names import DECODER, POSE_LAYERS
from PaddleCV.models.foreign.torch_names import ForeignNames
from PaddleCV.models.keypoints.blaze_pose import BlazePose, ShrinkingBlock

from .test_torch_names import KIT


def pose(**more):
    paddle.seed(0)
    return BlazePose(BlazePoseNet(), 3, channels=16, points=4, size=128, **more)


def batch():
    rng = np.random.default_rng(0)
    points = np.array([[[[20, 30, 2], [100, 90, 1], [0, 0, 0]]], [[[64, 64, 2], [10, 10, 2], [128, 0, 1]]]], "float32")
    return {
        "image": rng.normal(size=(2, 3, 128, 128)).astype("float32"),
        "crop": np.float32([[0, 0, 64, 64], [10, 20, 266, 276]]),
        "keypoints": points,
    }


def test_it_keeps_the_contract(tmp_path):
    check_model(pose, batch(), tmp_path, unused=["person.*"])


def set_outputs(model, places, person):
    """Makes a model answer with these values [P, 5] and this logit."""
    for layer, values in ((model.places, places), (model.person, person)):
        layer.weight.set_value(paddle.zeros_like(layer.weight))
        layer.bias.set_value(paddle.to_tensor(np.float32(values).reshape(-1)))
    model.eval()


def test_keypoints_are_in_pixels_of_the_image_and_score_by_the_person_too():
    model, given = pose(), batch()
    set_outputs(model, [[64, 32, 9, 0, 9], [0, 128, 9, 100, 9], [128, 0, 9, -100, 9], [1, 1, 1, 1, 1]], [0.0])
    found = model(paddle.to_tensor(given["image"]), paddle.to_tensor(given["crop"])).numpy()
    np.testing.assert_allclose(found[0], [[32, 16, 0.25], [0, 64, 0.5], [64, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(found[1], [[138, 84, 0.25], [10, 276, 0.5], [266, 20, 0]], atol=1e-6)


def test_the_loss_is_a_share_of_the_side_over_labeled_keypoints():
    model, given = pose(), batch()
    set_outputs(model, [[64, 64, 0, 0, 0]] * 4, [0.0])
    terms = model.loss({key: paddle.to_tensor(value) for key, value in given.items()})
    away = (44 + 34 + 36 + 26 + 0 + 0 + 54 + 54 + 64 + 64) / 128 / 5
    assert terms["loss_place"].item() == pytest.approx(away, rel=1e-5)
    assert terms["loss_visible"].item() == pytest.approx(np.log(2), rel=1e-5)
    with pytest.raises(ConfigError, match="no keypoints"):
        model.loss({"image": paddle.to_tensor(given["image"])})


def test_before_training_all_keypoints_are_in_the_middle():
    bias = pose().places.bias.numpy().reshape(4, 5)
    assert bias.tolist() == [[64, 64, 0, 0, 0]] * 4


def test_a_block_of_stride_2_adds_the_largest_of_four_cells():
    block = ShrinkingBlock(4, 2, "bn")
    block.pointwise.conv.weight.set_value(paddle.zeros_like(block.pointwise.conv.weight))
    block.eval()
    x = paddle.rand([1, 4, 6, 6])
    np.testing.assert_array_equal(block(x).numpy(), paddle.nn.functional.max_pool2d(x, 2).numpy())


@pytest.mark.parametrize("more", [{"points": 2}, {"size": 200}])
def test_sizes_that_do_not_fit_are_refused(more):
    with pytest.raises(ValueError, match="points are 3 or more, the size a multiple of 128"):
        BlazePose(BlazePoseNet(), 3, **({"points": 4, "size": 128} | more))


def test_mediapipes_weights_go_to_their_places_without_the_decoder():
    config, rng = load_config(KIT / "configs/blazepose_lite.yml"), np.random.default_rng(0)
    shapes = model_shapes(config, 33)
    filters = iter([(name, shape) for name, shape in shapes.items() if len(shape) == 4])
    given, places = {"paddings": np.int32([0])}, {}
    for number in range(POSE_LAYERS):
        shape = (5, 1, 1, 7)
        if number not in DECODER:
            places[number], (out, inner, *sides) = next(filters)
            shape = (1, *sides, out) if inner == 1 and out > 1 else (out, *sides, inner)
        given[f"k{number}"] = rng.random(shape, np.float32)
        given[f"b{number}"] = rng.random(shapes[places[number]][0] if number in places else 5, np.float32)
    order = ForeignNames("mediapipe", ForeignNames.network_of(config), given).order
    found = order.rename(given, shapes)
    assert {name: array.shape for name, array in found.items()} == shapes
    np.testing.assert_array_equal(found["backbone.stem.conv.weight"], given["k0"].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(found["backbone.stem.norm.bias"], given["b0"])
    np.testing.assert_array_equal(found["places.weight"], given["k85"].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(found["person.bias"], given["b87"])
    with pytest.raises(ConfigError, match="174 arrays"):
        order.sort_names({name: array for name, array in given.items() if name not in ("k3", "b3")})
