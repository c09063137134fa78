"""Suggestion mining: the poolings by hand and in the contract, the reader, folds, dropped words, published sizes."""

import numpy as np
import paddle
import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.data.transform import random_for
from common.errors import ConfigError, DataError
from common.inference.run import predict_one
from common.testing import check_model, count_parameters
from common.training.run import Run
from PaddleNLP.data.suggestion_texts import SuggestionTexts, fold_of
from PaddleNLP.data.word_dropout import WordDropout
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.encoders.transformer import BERT
from PaddleNLP.models.heads.text_class_head import TextClassHead
from PaddleNLP.models.poolings.attention_pooling import AttentionPooling
from PaddleNLP.models.poolings.convolution_pooling import ConvolutionPooling
from PaddleNLP.models.poolings.recurrent_pooling import RecurrentPooling
from PaddleNLP.tools.make_texts import make_texts

from .test_text_models import batch

POOLINGS = {
    "convolutions": lambda: ConvolutionPooling(16, 4, (2, 3)),
    "gru": lambda: RecurrentPooling(16),
    "attention": lambda: AttentionPooling(16),
}


def linear(layer, weight, bias):
    layer.weight.set_value(np.array(weight, "float32"))
    layer.bias.set_value(np.array(bias, "float32"))


@pytest.mark.parametrize("name", POOLINGS)
def test_a_classifier_with_a_pooling_keeps_the_contract(name, tmp_path):
    def make():
        pooling = POOLINGS[name]()
        head = TextClassHead(pooling.out_channels, 3, (), 0.0)
        return TextClassifier(BERT(30, 16, 1, 2, 12, dropout=0.0), head, pooling)

    check_model(make, batch(), tmp_path, unused=["*pooler*"])


def test_attention_weighs_the_tokens_by_the_softmax_over_time_without_the_padding():
    # scores tanh(ln 3 / 2) = (3 - 1) / (3 + 1) = 0.5 and tanh(0) = 0; the padding would score tanh(9) = 1
    pooling = AttentionPooling(1)
    linear(pooling.score, [[1.0]], [0.0])
    found = pooling(paddle.to_tensor([[[np.log(3) / 2], [0.0], [9.0]]], dtype="float32"), paddle.to_tensor([2]))
    first = np.exp(0.5) / (np.exp(0.5) + 1)
    assert found.numpy() == pytest.approx(first * np.log(3) / 2, rel=1e-5)
    weights = pooling.weights(paddle.zeros([1, 5, 1]), paddle.to_tensor([4])).numpy()
    np.testing.assert_allclose(weights, [[0.25, 0.25, 0.25, 0.25, 0.0]], atol=1e-6)


def test_convolutions_see_nothing_of_the_padding_and_give_the_largest_answer():
    pooling = ConvolutionPooling(1, 1, (3,))
    pooling.eval()  # the normalization is the identity, but for its epsilon
    linear(pooling.filters[0], [[1.0], [10.0], [100.0]], [-1.0])
    found = pooling(paddle.to_tensor([[[1.0], [2.0], [7.0]]]), paddle.to_tensor([2]))
    assert found.numpy() == pytest.approx(
        10 * 1 + 100 * 2 - 1, rel=1e-4
    )  # at the first token: 0, 1, 2 are in its window
    linear(pooling.filters[0], [[-1.0], [-1.0], [-1.0]], [0.0])
    assert pooling(paddle.to_tensor([[[1.0], [2.0], [7.0]]]), paddle.to_tensor([2])).numpy() == 0


def test_both_directions_of_the_gru_share_the_projection_of_the_inputs():
    # h' = u c from h = 0, where u = sigmoid(0) = 1/2 and c = tanh(x): in each direction the first step is tanh(x) / 2
    pooling = RecurrentPooling(1)
    linear(pooling.recurrent.inputs[0], [[0.0, 0.0, 1.0]], [0.0, 0.0, 0.0])
    for cell in pooling.recurrent.cells:
        cell.weight.set_value(np.zeros(cell.weight.shape, "float32"))
    found = pooling(paddle.to_tensor([[[2.0], [0.0], [9.0]]]), paddle.to_tensor([2])).numpy()
    np.testing.assert_allclose(found, [[np.tanh(2) / 2, np.tanh(2) / 2]], rtol=1e-5)  # from the right: 0, then the same


def test_the_poolings_have_the_sizes_of_the_original_on_1024_features():
    assert count_parameters(ConvolutionPooling(1024))[0] == 1024 * 100 * (3 + 4 + 5) + 300 + 600
    assert count_parameters(RecurrentPooling(1024))[0] == 3_145_728 + 3_072 + 2 * (3_145_728 + 3_072)
    assert count_parameters(AttentionPooling(1024))[0] == 1_025


@pytest.mark.parametrize(("name", "pooled"), [("raw", 1024), ("cnn", 300), ("gru", 2048), ("ffa", 1024)])
def test_a_full_size_classifier_is_bert_large_and_its_pooling(name, pooled):
    extra = {"raw": 0, "cnn": 1_229_700, "gru": 9_446_400, "ffa": 1_025}[name]
    with paddle.LazyGuard():
        config = load_config(ROOT / f"PaddleNLP/configs/suggestion_{name}.yml")
        config.set("model.encoder.layers", 1)
        model = config.build("model", num_classes=2)
    # a layer has 12 H^2 + 13 H; BERT large has 335 141 888 with 24 of them
    others = 23 * (12 * 1024**2 + 13 * 1024)
    assert count_parameters(model)[0] + others == 335_141_888 + extra + 2 * pooled + 2


def test_sizes_out_of_range_are_refused():
    for make in (
        lambda: ConvolutionPooling(4, 0),
        lambda: ConvolutionPooling(4, windows=()),
        lambda: RecurrentPooling(4, 0),
    ):
        with pytest.raises(ValueError, match="1 or more"):
            make()


def write(tmp_path, text, name="a.csv"):
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return {"root": str(tmp_path), "file": name, "seed": 3}


def read(tmp_path, text, name="a.csv", **more):
    return SuggestionTexts(**write(tmp_path, text, name), **more)


def test_the_files_of_the_contest_are_read_with_and_without_a_header(tmp_path):
    data = read(tmp_path, '663_1,"Please, add ""this"".",1\n663_2,"two\nlines",0\n663_3,fine,0\n')
    assert [data[k]["text_a"] for k in range(3)] == ['Please, add "this".', "two\nlines", "fine"]
    assert [sample["label"] for sample in data.samples] == [1, 0, 0] and data.labels == ["other", "suggestion"]
    assert [sample["place"] for sample in data.samples] == ["line 1", "line 2", "line 4"]
    data = read(tmp_path, "id,sentence,label\n1,it\x92s good,0\n2,add it,1\n".encode("latin-1"), encoding="cp1252")
    assert data[0]["text_a"] == "it\u2019s good" and data[1]["place"] == "line 3"
    data = read(tmp_path, 'label\ttext\n1\tadd "it"\n0\tx, y\n', "a.tsv")
    assert [sample["text_a"] for sample in data.samples] == ['add "it"', "x, y"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,a,0\n2,b,c,1\n", ["a.csv: line 2", "4 fields where 3 are expected", "stands in quotes"]),
        ("1,a,0\n2,b,X\n", ["line 2", "'X', not 0 or 1", "the one with the answers"]),
        ("1,a,0\n2, ,1\n", ["line 2", "a text is empty"]),
        ('1,a,0\n2,"b,1\n3,c,0\n', ["line 2", "not CSV", "written twice"]),
        (b"1,it\x92s,0\n", ["line 1, byte 5", "not valid utf-8"]),
        ("", ["holds no sample"]),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, words):
    with pytest.raises(DataError) as refusal:
        read(tmp_path, text)
    assert [word for word in words if word not in str(refusal.value)] == []


@pytest.mark.parametrize("stratified", [True, False])
def test_folds_divide_a_file_into_equal_parts(stratified):
    labels = [1] * 20 + [0] * 60
    part = fold_of(labels, 10, stratified, seed=5)
    assert np.bincount(part).tolist() == [8] * 10 and (part == fold_of(labels, 10, stratified, 5)).all()
    of_suggestions = np.bincount(part[:20], minlength=10).tolist()
    assert (of_suggestions == [2] * 10) == stratified and (part != fold_of(labels, 10, stratified, 6)).any()


def test_every_sample_is_held_out_in_one_fold_and_trained_on_in_the_others(tmp_path):
    text = "".join(f"{k},text {k},{k % 2}\n" for k in range(12))
    everything, held = {f"text {k}" for k in range(12)}, []
    for fold in (1, 2, 3):
        mine = {s["text_a"] for s in read(tmp_path, text, folds=3, fold=fold, held_out=True).samples}
        others = {s["text_a"] for s in read(tmp_path, text, folds=3, fold=fold).samples}
        assert len(mine) == 4 and mine | others == everything and not mine & others
        held += mine
    assert sorted(held) == sorted(everything)
    with pytest.raises(ValueError, match="fold 4 of 3 folds"):
        read(tmp_path, text, folds=3, fold=4)


def test_words_of_the_list_are_dropped_once_by_their_probability(tmp_path):
    (tmp_path / "words.txt").write_text("# a list\nplease\nADD\n")
    file = str(tmp_path / "words.txt")
    assert WordDropout(file, 1.0)("Please don't add, it", random_for(0)) == "do n't , it"
    assert WordDropout(file, 1.0)("please add", random_for(0)) == "please add"  # all of it: kept
    assert WordDropout(file, 0.0)("please add", random_for(0)) == "please add"
    rows = [WordDropout(file)("please x", random_for(0, k)) for k in range(2000)]
    assert 1 - sum("please" in row for row in rows) / 2000 == pytest.approx(0.2, abs=0.03)
    data = [read(tmp_path, "1,please x,1\n2,y,0\n", drop=WordDropout(file, 0.5))[0]["text_a"] for _ in range(2)]
    assert data[0] == data[1]  # the same whenever the file is read
    (tmp_path / "words.txt").write_text("please\nif only\n")
    with pytest.raises(DataError, match="line 2: 'if only' is more than one word"):
        WordDropout(file)
    with pytest.raises(ValueError, match="probability is 2"):
        WordDropout(file, 2)


def test_the_list_of_the_kit_has_192_words():
    words = WordDropout().words
    assert len(words) == 192 and {"should", "be", "please", "add", "allow", "could", "make", "need"} <= words


def test_predictions_hold_the_text_as_it_was_given(tmp_path):
    make_texts(tmp_path / "texts", 16, 8)
    given = [
        f"dataset={tmp_path / 'texts'}",
        f"output_dir={tmp_path}",
        "train.epochs=1",
        "model.pooling={type: AttentionPooling}",
    ]
    config = load_config(ROOT / "PaddleNLP/configs/tiny/suggestion.yml", given)
    run = Run(config)
    run.train()
    config.set("weights", str(run.folder / "last"))
    found = predict_one(Run(config).predictor(), {"text_a": "please ADD: a hotel!"})
    assert found[0]["text_a"] == "please ADD: a hotel!" and found[1][0]["label"] in ("other", "suggestion")


def test_a_seed_is_given_by_the_program_and_an_unknown_pooling_refused():
    config = load_config(ROOT / "PaddleNLP/configs/tiny/suggestion.yml", ["model.pooling={type: AttentionPooling}"])
    config.check()
    assert config.build("model", num_classes=2).pooling.out_channels == 16
    with pytest.raises(ConfigError, match="AttentionPooling"):
        load_config(ROOT / "PaddleNLP/configs/tiny/suggestion.yml", ["model.pooling={type: AttentionPoolin}"]).check()
