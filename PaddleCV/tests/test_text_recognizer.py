"""The recognizers of words: published sizes, the contract, the original operators, padding, and both decoders."""

import numpy as np
import paddle
import pytest

from common.config import load_config
from common.errors import ConfigError, DataError
from common.layers.decoding import greedy
from common.layers.recurrent import gru_step
from common.testing import check_model
from PaddleCV.models.recognizers.attention_decoder import END, START, AttentionDecoder
from PaddleCV.models.recognizers.ctc_decoder import CTCDecoder
from PaddleCV.models.recognizers.text_recognizer import TextRecognizer
from PaddleCV.models.recognizers.word_encoder import WordEncoder, columns_of
from PaddleCV.tests.golden_numbers import golden

CLASSES = 6
DECODERS = {
    "ctc": lambda width: CTCDecoder(width, CLASSES),
    "attention": lambda width: AttentionDecoder(width, CLASSES, hidden_size=5, max_length=4, beam_size=3),
}


def recognizer(kind, **keys):
    """A narrow recognizer of images of height 16, whose steps are 4 columns."""
    strides = [[2, 2], [2, 2], [2, 1]]
    encoder = WordEncoder(16, [2, 3, 4], strides, hidden_size=4, **keys)
    return TextRecognizer(encoder, DECODERS[kind](encoder.out_channels))


def words():
    """Two images of noise, the second one padded, and their texts."""
    image = np.random.default_rng(0).normal(size=(2, 1, 16, 40)).astype("float32")
    image[1, :, :, 22:] = 0
    im_shape = np.array([[16, 40], [16, 22]], "float32")
    labels = np.array([[1, 2, 2], [5, 0, 0]], "int32")
    return {"image": image, "im_shape": im_shape, "labels": labels, "label_length": np.array([3, 1])}


def tensors(batch):
    return {name: paddle.to_tensor(value) for name, value in batch.items()}


@pytest.mark.parametrize("kind", DECODERS)
def test_contract(kind, tmp_path):
    paddle.seed(0)
    check_model(lambda: recognizer(kind), words(), tmp_path)


@pytest.mark.parametrize("kind", DECODERS)
def test_what_is_read_does_not_depend_on_the_padding(kind):
    paddle.seed(0)
    model, batch = recognizer(kind), tensors(words())
    model.train()
    model.loss(batch)  # statistics other than 0 and 1
    model.eval()
    features, steps = model.encoder(batch["image"], batch["im_shape"])
    alone, own = model.encoder(batch["image"][1:, :, :, :22], batch["im_shape"][1:])
    assert steps.tolist() == [10, 6] and own.tolist() == [6] and alone.shape[1] == 6
    np.testing.assert_allclose(features.numpy()[1, :6], alone.numpy()[0], atol=1e-6)
    assert not features.numpy()[1, 6:].any()
    (ids, score), (own_ids, own_score) = (model.decoder.spell(*given) for given in ((features, steps), (alone, own)))
    count = own_ids.shape[1]
    assert ids.numpy()[1, :count].tolist() == own_ids.numpy()[0].tolist()
    assert score[1].item() == pytest.approx(own_score[0].item(), rel=1e-5)


@pytest.mark.parametrize(
    ("config", "trained", "still"), [("crnn_ctc", 1_496_688, 960), ("ocr_attention", 1_827_041, 960)]
)
def test_parameters_of_the_original(config, trained, still):
    config = load_config(f"PaddleCV/configs/{config}.yml")
    model = config.build("model", num_classes=96, labels=None)
    sizes = {name: value.size for name, value in model.state_dict().items()}
    fixed = sum(size for name, size in sizes.items() if name.endswith(("_mean", "_variance")))
    assert (sum(sizes.values()) - fixed, fixed) == (trained, still)
    encoder = model.encoder
    assert encoder.stride == 8 and encoder.recurrent.activation == "relu"
    assert encoder.recurrent.cells[0].bias.optimize_attr["learning_rate"] == 2.0
    scales = encoder.groups[0].convs[0].norm.weight
    assert float(scales.abs().max()) < 0.005  # about 0, not 1, as in the original


def test_columns_are_those_of_the_original_im2sequence():
    case = golden("im2sequence")
    np.testing.assert_array_equal(columns_of(paddle.to_tensor(case["in/x"])).numpy().reshape(12, 12), case["out/o"])


def test_the_cell_of_the_attention_decoder_is_the_original_gru_unit():
    case = golden("gru_unit")
    decoder = AttentionDecoder(4, CLASSES, hidden_size=3)
    decoder.cell.weight.set_value(case["param/gru_unit_0.w_0"])
    decoder.cell.bias.set_value(case["param/gru_unit_0.b_0"].reshape(-1))
    state = decoder.cell.step(paddle.to_tensor(case["in/x"]), paddle.to_tensor(case["in/h"]))
    np.testing.assert_allclose(state.numpy(), case["out/h"], rtol=1e-5)


def test_a_step_of_the_attention_decoder_is_the_formula():
    paddle.seed(1)
    decoder = AttentionDecoder(4, CLASSES, hidden_size=3)
    rng = np.random.default_rng(0)
    features, state = rng.normal(size=(1, 3, 4)).astype("float32"), rng.normal(size=(1, 3)).astype("float32")
    given = [paddle.to_tensor(value) for value in (np.array([4]), state, features)]
    mask = paddle.to_tensor([[1.0, 1.0, 0.0]])
    logits, after = decoder.step(*given, decoder.keys(given[2]), mask)
    weights = {name: value.numpy() for name, value in decoder.state_dict().items()}
    energy = np.tanh(features[0] @ weights["keys.weight"] + state @ weights["query.weight"]) @ weights["energy.weight"]
    share = np.exp(energy[:2, 0]) / np.exp(energy[:2, 0]).sum()  # the third step is padding
    x = (share @ features[0, :2]) @ weights["from_context.weight"]
    x = paddle.to_tensor(x + weights["words.weight"][4] @ weights["from_word.weight"]).reshape([1, 1, -1])
    gates, candidate = decoder.cell.gates().unsqueeze(0), decoder.cell.candidate().unsqueeze(0)
    right = gru_step(x[:, :, :6], x[:, :, 6:], 1.0, given[1].unsqueeze(0), gates, candidate)[0]
    np.testing.assert_allclose(after.numpy(), right.numpy(), rtol=1e-4, atol=1e-6)
    output = right.numpy() @ weights["output.weight"] + weights["output.bias"]
    np.testing.assert_allclose(logits.numpy(), output, rtol=1e-4, atol=1e-6)


def test_one_beam_is_greedy_search():
    paddle.seed(2)
    decoder = AttentionDecoder(8, CLASSES, hidden_size=5, max_length=4)
    features, steps = paddle.randn([2, 6, 8]), paddle.to_tensor([5, 6])
    ids, score = decoder.spell(features, steps)
    keys, mask = decoder.keys(features), paddle.to_tensor([[1.0] * 5 + [0.0], [1.0] * 6])
    found = greedy(
        lambda word, state: decoder.step(word, state, features, keys, mask), decoder.start(features), START, END, 5
    )
    assert ids.tolist() == [[max(0, token - 1) for token in tokens[0][:4]] for tokens in found.tokens.tolist()]
    mean = found.scores[:, 0] / found.lengths[:, 0].astype("float32")
    np.testing.assert_allclose(score.numpy(), mean.exp().numpy(), rtol=1e-5)


def test_the_attention_loss_is_the_cross_entropy_of_each_character_after_those_before_it():
    paddle.seed(2)
    decoder = AttentionDecoder(8, CLASSES, hidden_size=5)
    features, steps = paddle.randn([1, 6, 8]), paddle.to_tensor([6])
    keys, mask, state, terms = decoder.keys(features), paddle.ones([1, 6]), decoder.start(features), []
    for word, following in ((START, 2), (2, 4), (4, END)):  # characters 1 and 3, which are the words 2 and 4
        logits, state = decoder.step(paddle.to_tensor([word]), state, features, keys, mask)
        terms.append(-float(paddle.nn.functional.log_softmax(logits)[0, following]))
    given = (features, steps, paddle.to_tensor([[1, 3, 5]], dtype="int32"), paddle.to_tensor([2]))
    assert decoder.loss(*given)["loss_characters"].item() == pytest.approx(sum(terms), rel=1e-5)
    decoder.reduction = "mean"
    assert decoder.loss(*given)["loss_characters"].item() == pytest.approx(sum(terms) / 3, rel=1e-5)


def test_texts_that_a_decoder_cannot_learn_are_refused():
    batch = tensors(words())
    with pytest.raises(ConfigError, match="no texts as ids: add CharacterIds"):
        recognizer("ctc").loss({name: batch[name] for name in ("image", "im_shape")})
    for kind in DECODERS:
        odd = batch | {"labels": paddle.to_tensor([[1, 2, 2], [6, 0, 0]], dtype="int32")}
        with pytest.raises(DataError, match="sequence 1 of the batch has the token id 6"):
            recognizer(kind).loss(odd)
    long = {"labels": paddle.ones([2, 12], "int32"), "label_length": paddle.to_tensor([12, 1])}
    with pytest.raises(DataError, match="sequence 0 of the batch has a text of 12 tokens that needs 23 frames"):
        recognizer("ctc").loss(batch | long)


def test_arguments_that_make_no_network_are_refused():
    with pytest.raises(ValueError, match="channels has 2 groups, strides 4"):
        WordEncoder(channels=[2, 3])
    with pytest.raises(ValueError, match="max_length is 0"):
        AttentionDecoder(4, CLASSES, max_length=0)
    with pytest.raises(ValueError, match="reduction is 'max'"):
        AttentionDecoder(4, CLASSES, reduction="max")
