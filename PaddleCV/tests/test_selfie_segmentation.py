"""The network of MediaPipe's selfie segmentation: the model contract, its parts by hand, and its weights' places."""

import numpy as np
import paddle
import pytest

from common.build.foreign import model_shapes
from common.config import load_config
from common.errors import ConfigError
from common.testing import check_model, count_parameters
from PaddleCV.models.backbones.selfie_net import ExcitedBlock, Gate, SelfieNet
from PaddleCV.models.foreign.torch_names import ForeignNames
from PaddleCV.models.heads.selfie_head import SelfieHead
from PaddleCV.models.losses.segmentation_losses import PixelCrossEntropy
from PaddleCV.models.segmentors.segmentor import Segmentor

from .test_torch_names import KIT


def segmentor():
    paddle.seed(0)
    body = SelfieNet()
    return Segmentor(body, SelfieHead(body.out_channels, 2, channels=16), PixelCrossEntropy(), align_corners=False)


def batch():
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 2, (2, 40, 50)).astype("uint8")
    return {"image": rng.normal(size=(2, 3, 40, 50)).astype("float32"), "mask": mask}


def test_it_keeps_the_contract(tmp_path):
    check_model(segmentor, batch(), tmp_path)


def test_the_backbone_has_levels_of_strides_2_to_16():
    body = SelfieNet()
    assert body.strides == [2, 4, 8, 16] and body.out_channels == [16, 16, 24, 32]
    assert [level.shape[2:] for level in body(paddle.zeros([1, 3, 50, 34]))] == [[25, 17], [13, 9], [7, 5], [4, 3]]
    head = SelfieHead(body.out_channels, 1)
    # the file has 106,401 filters and biases; a normalization has a scale for each of the biases that it replaces
    assert count_parameters(body)[0] + count_parameters(head)[0] == 106_401 + 1_976


def test_a_gate_is_half_open_without_weights_and_a_block_adds_its_input():
    gate = Gate(4, 2)
    for parameter in gate.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    assert gate(paddle.rand([2, 4, 5, 5])).flatten().tolist() == [0.5] * 8
    block = ExcitedBlock(4, 8, 4, 3, 1, 2, "relu", "bn")
    block.project.conv.weight.set_value(paddle.zeros_like(block.project.conv.weight))
    block.eval()
    x = paddle.rand([1, 4, 6, 6])
    np.testing.assert_array_equal(block(x).numpy(), x.numpy())
    assert not ExcitedBlock(4, 8, 4, 3, 2, 2, "relu", "bn").shortcut


def file_of(shapes):
    """Arrays with the names, layout and order of a TFLite file, for our layers."""
    rng, given, number = np.random.default_rng(0), {}, 0
    for name, shape in shapes.items():
        if len(shape) == 4:
            depthwise = shape[1] == 1 and shape[0] > 1
            kind = "segment" if name.startswith("head.classify") else "depthwise_conv2d" if depthwise else "conv2d"
            if kind == "segment":
                shape = (1, *shape[2:], shape[0])
            else:
                shape = (1, *shape[2:], shape[0]) if depthwise else (shape[0], *shape[2:], shape[1])
            given[f"{kind}_{number}/Kernel"] = rng.random(shape, np.float32)
            number += 1
        elif name.endswith(".bias"):
            given[f"layer_{number}/Bias"] = rng.random(1 if name.startswith("head.classify") else shape, np.float32)
    return given | {"up_sampling2d/Size": np.int32([32, 32])}


def test_mediapipes_weights_go_to_their_places():
    config = load_config(KIT / "configs/selfie_segmentation.yml")
    shapes = model_shapes(config, 2)
    given = file_of(shapes)
    order = ForeignNames("mediapipe", ForeignNames.network_of(config), given).order
    found = order.rename(given, shapes)
    assert {name: array.shape for name, array in found.items()} == shapes and order.count_classes(given) == 2
    stem = given["conv2d_0/Kernel"]
    np.testing.assert_array_equal(found["backbone.stem.conv.weight"], stem.transpose(0, 3, 1, 2))
    depthwise = given["depthwise_conv2d_2/Kernel"]
    np.testing.assert_array_equal(found["backbone.stages.1.0.depthwise.conv.weight"], depthwise.transpose(3, 0, 1, 2))
    (last,) = [array for name, array in given.items() if name.startswith("segment")]
    np.testing.assert_array_equal(found["head.classify.weight"][:, 1], last[0].transpose(2, 0, 1))
    assert not found["head.classify.weight"][:, 0].any() and found["head.classify.bias"][0] == 0
    np.testing.assert_allclose(found["backbone.stem.norm._variance"] + 1e-5, 1, rtol=1e-6)


@pytest.mark.parametrize(("change", "words"), [
    (lambda given: given | {"other": np.zeros(3)}, "other: is not a name"),
    (lambda given: {name: array for name, array in given.items() if not name.startswith("segment")}, "none is left"),
    (lambda given: given | {"conv2d_0/Kernel": np.zeros([16, 5, 5, 3])}, r"\[16, 5, 5, 3\], but backbone.stem.conv"),
    (lambda given: given | {"more/Bias": np.zeros(3)}, "more/Bias is left over"),
])  # fmt: skip
def test_other_files_are_refused(change, words):
    config = load_config(KIT / "configs/selfie_segmentation.yml")
    shapes = model_shapes(config, 2)
    with pytest.raises(ConfigError, match=words):
        ForeignNames("mediapipe", "SelfieHead", []).order.rename(change(file_of(shapes)), shapes)
