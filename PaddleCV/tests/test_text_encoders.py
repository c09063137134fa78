"""SVTR-LCNet and EasyOCR's CRNN: the contract, padding, and weights of other programs under our names."""

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.testing import check_model
from PaddleCV.models.backbones.lcnet_v3 import LCNetV3, ScaledConv
from PaddleCV.models.foreign.easyocr_names import EASYOCR, name_at_easyocr
from PaddleCV.models.foreign.program_names import EPSILON, PROGRAM
from PaddleCV.models.recognizers.ctc_decoder import CTCDecoder
from PaddleCV.models.recognizers.svtr_encoder import SVTREncoder
from PaddleCV.models.recognizers.text_recognizer import TextRecognizer
from PaddleCV.models.recognizers.vgg_encoder import VGGEncoder

CLASSES = 6
ENCODERS = {
    "svtr": lambda: SVTREncoder(48, 0.25, hidden_size=8, layers=1, heads=2, dropout=0.0, min_width=40),
    "vgg": lambda: VGGEncoder(32, width=2, hidden_size=4, layers=2),
}


def recognizer(kind):
    encoder = ENCODERS[kind]()
    return TextRecognizer(encoder, CTCDecoder(encoder.out_channels, CLASSES, per_frame=False, reduction="mean"))


def words(model, widths=(72, 56), size=72):
    """Images of noise, padded at the right, and their texts."""
    _, channels, height, _ = model.inputs["image"][0]
    image = np.random.default_rng(0).normal(size=(len(widths), channels, height, size)).astype("float32")
    for row, width in enumerate(widths):
        image[row, :, :, width:] = 0
    return {
        "image": image,
        "im_shape": np.float32([[height, width] for width in widths]),
        "labels": np.tile(np.int32([[1, 2]]), (len(widths), 1)),
        "label_length": np.full(len(widths), 2),
    }


@pytest.mark.parametrize("kind", ENCODERS)
def test_contract(kind, tmp_path):
    paddle.seed(0)
    check_model(lambda: recognizer(kind), words(recognizer(kind)), tmp_path)


@pytest.mark.parametrize("kind, steps", [("svtr", [9, 5]), ("vgg", [17, 4])])
def test_what_is_read_does_not_depend_on_the_padding(kind, steps):
    paddle.seed(0)
    model = recognizer(kind)
    model.train()
    model.loss({name: paddle.to_tensor(value) for name, value in words(model).items()})  # other statistics
    model.eval()
    batch = words(model, (72, 21))
    image, shape = paddle.to_tensor(batch["image"]), paddle.to_tensor(batch["im_shape"])
    together, found = model.encoder(image, shape)
    alone, own = model.encoder(image[1:, :, :, :21], shape[1:])
    assert found.tolist() == steps and own.tolist() == steps[1:]
    np.testing.assert_allclose(together.numpy()[1, : steps[1]], alone.numpy()[0, : steps[1]], atol=1e-5)


def test_scale_and_shift_join_the_normalization_in_inference():
    paddle.seed(0)
    layer, x = ScaledConv(2, 4, 3, 1, 1, True, "bn"), paddle.randn([2, 2, 5, 6])
    layer(x)
    layer.affine.scale.set_value(paddle.to_tensor([1.7]))
    layer.affine.shift.set_value(paddle.to_tensor([-0.3]))
    layer.eval()
    wanted = layer.after(paddle.nn.functional.hardswish(layer.affine(layer.conv(x))))
    np.testing.assert_allclose(layer(x).numpy(), wanted.numpy(), atol=1e-6)


def test_strides_and_channels_of_the_published_networks():
    with paddle.LazyGuard():
        finder, reader = LCNetV3("detection", 0.75), LCNetV3("recognition", 0.95, (4,))
    assert (finder.out_channels, finder.strides) == ([48, 96, 192, 384], [4, 8, 16, 32])
    assert (reader.out_channels, reader.strides) == ([480], [4])
    with pytest.raises(ValueError, match="detection or recognition, not 'x'"):
        LCNetV3("x")


def test_a_program_fills_the_layers_in_their_order_and_joined_normalizations_change_nothing():
    paddle.seed(0)
    layer = ScaledConv(1, 2, 1, 1, 1, False, "bn")
    shapes = {name: tuple(value.shape) for name, value in layer.state_dict().items()}
    weight, bias = np.float32([[[[2]]], [[[3]]]]), np.float32([1, -1])
    arrays = {"conv2d_9.w_0": weight, "conv2d_9.b_0": bias, "b.w_0": np.float32([1]), "b.w_1": np.float32([0])}
    layer.set_state_dict({n: paddle.to_tensor(v) for n, v in PROGRAM.rename(arrays, shapes).items()})
    layer.eval()
    np.testing.assert_allclose(layer(paddle.full([1, 1, 1, 1], 2.0)).numpy().ravel(), [5, 5], rtol=1e-6)
    norm = {f"batch_norm_0.{leaf}": np.float32([k, k]) for k, leaf in enumerate(("w_0", "b_0", "w_1", "w_2"))}
    own = {"conv2d_9.w_0": weight, **norm, "b.w_0": np.float32([1]), "b.w_1": np.float32([0])}
    assert PROGRAM.rename(own, shapes)["conv.norm._mean"].tolist() == [2, 2] and EPSILON == 1e-5
    with pytest.raises(ConfigError, match="2 arrays, and none for affine"):
        PROGRAM.rename(dict(list(arrays.items())[:2]), shapes)
    with pytest.raises(ConfigError, match=r"the model takes 4: more\.w_0 is left"):
        PROGRAM.rename({**arrays, "more.w_0": bias}, shapes)
    with pytest.raises(ConfigError, match=r"conv2d_9\.w_0 has shape \[2\]"):
        PROGRAM.rename({"conv2d_9.w_0": bias, **dict(list(arrays.items())[1:])}, shapes)


def test_the_weights_of_easyocr_go_where_its_names_say():
    model = recognizer("vgg")
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    rng, theirs = np.random.default_rng(0), {}
    for name, shape in shapes.items():
        linear = len(shape) == 2 and ".cells." not in name
        theirs[name_at_easyocr(name)] = rng.normal(size=shape[::-1] if linear else shape).astype("float32")
    assert "SequenceModeling.1.rnn.weight_hh_l0_reverse" in theirs and EASYOCR.count_classes(theirs) == CLASSES
    assert "FeatureExtraction.ConvNet.12.running_mean" in theirs and "FeatureExtraction.ConvNet.18.bias" in theirs
    found = EASYOCR.rename({**theirs, "x.num_batches_tracked": np.int64(3)}, shapes)
    assert {name: value.shape for name, value in found.items()} == shapes
    np.testing.assert_array_equal(found["decoder.head.output.weight"], theirs["Prediction.weight"].T)
    with pytest.raises(ConfigError, match="arrays that the model lacks: more"):
        EASYOCR.rename({**theirs, "more": np.float32([1])}, shapes)
    with pytest.raises(ConfigError, match=r"has no FeatureExtraction\.ConvNet\.0\.weight"):
        EASYOCR.rename({}, shapes)
