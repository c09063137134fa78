"""Pre-training of encoders: documents, the model, its scores, weights for other models, filling of masks."""

import numpy as np
import paddle
import pytest

from common.baselines.masked_words import UnigramFill
from common.config import load_config
from common.config.kits import ROOT
from common.data.pipeline import Pipeline
from common.errors import ConfigError, DataError
from common.inference.tasks.fill_mask import FillMask
from common.testing import check_model, count_parameters
from common.text.masked_words import DrawNextSegment, HidePieces, SpannedPieces
from common.text.split import PadText
from PaddleNLP.data.documents import Documents
from PaddleNLP.metrics.fill_mask import FillMaskScores
from PaddleNLP.models.assemblies.pretrained_encoder import PretrainedEncoder
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.encoders.convolutions import BOW
from PaddleNLP.models.encoders.transformer import BERT, ERNIE
from PaddleNLP.models.foreign.checkpoint_names import our_names
from PaddleNLP.models.heads.text_class_head import TextClassHead

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ann", "went", "to", "rome", "and", "##s", "saw"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    (tmp_path / "plain.txt").write_text("ann went to rome\nann saw rome\nrome\n\n\nann and ann\n 罗马很大 x \n")
    (tmp_path / "tagged.txt").write_text("ann/PER went/v to/p rome/LOC\n1/2/m saw/v\n")
    return tmp_path


def small(kind=BERT, **more):
    return kind(len(PIECES), 16, 2, 2, 12, dropout=0.0, **more)


def batch():
    rng = np.random.default_rng(0)
    ids, types = rng.integers(5, 12, (3, 7)), rng.integers(0, 2, (3, 7))
    targets = np.array([[-1, 7, -1, 8, -1, -1, -1], [-1, -1, 6, -1, -1, -1, -1], [5, -1, -1, -1, -1, -1, -1]])
    lengths = np.array([7, 4, 1])
    return {"input_ids": ids, "token_type_ids": types, "length": lengths, "targets": targets,
            "unrelated": np.array([0, 1, 1])}  # fmt: skip


def test_runs_of_sentences_stay_within_a_document_and_its_size(folder):
    data = Documents(folder, "plain.txt", size=7)
    assert [sample["sentences"] for sample in (data[k] for k in range(len(data)))] == [
        ["ann went to rome", "ann saw rome"],
        ["rome"],
        ["ann and ann", "罗马很大 x"],  # two at least
    ]
    assert [data[k]["document"] for k in range(3)] == [0, 0, 1] and data.lengths() == [7, 1, 8]
    assert [data[k]["place"] for k in range(3)] == ["line 1", "line 3", "line 6"]


def test_words_with_tags_are_read_and_entities_marked(folder):
    data = Documents(folder, "tagged.txt", tagged=True)
    assert data[0]["sentences"] == ["ann went to rome", "1/2 saw"] and data[0]["entities"] == [[1, 0, 0, 1], [0, 0]]
    assert any("one document" in issue.message for issue in data.check())


def test_a_file_that_cannot_be_used_is_refused_with_its_lines(folder):
    with pytest.raises(DataError, match=r"plain\.txt.*line 1.*a word without a tag"):
        Documents(folder, "plain.txt", tagged=True)
    (folder / "empty.txt").write_text("\n\n")
    with pytest.raises(DataError, match="holds no sentence"):
        Documents(folder, "empty.txt")
    with pytest.raises(DataError, match="no such file"):
        Documents(folder, "other.txt")


def prepared(folder, seed, epoch, index=0):
    vocab = str(folder / "vocab.txt")
    pipeline = Pipeline([DrawNextSegment(), SpannedPieces(vocab, max_length=12), HidePieces(vocab, rate=0.4)], seed)
    return pipeline.sample(Documents(folder, "plain.txt", size=7), index, epoch)


def test_other_words_are_hidden_in_every_epoch_and_the_same_after_a_restart(folder):
    first, again = prepared(folder, 3, 0), prepared(folder, 3, 0)
    assert first["input_ids"].tolist() == again["input_ids"].tolist()
    assert first["targets"].tolist() == again["targets"].tolist() and first["unrelated"] == again["unrelated"]
    hidden = {tuple(prepared(folder, 3, epoch)["targets"].tolist()) for epoch in range(6)}
    assert len(hidden) > 3


def test_padding_has_no_target(folder):
    samples = PadText()([prepared(folder, 0, 0, index) for index in (0, 1)], None)
    assert len(samples[0]["targets"]) == len(samples[1]["targets"]) == len(samples[0]["input_ids"])
    for sample in samples:
        assert (sample["targets"][sample["length"] :] == -1).all() and (sample["targets"] >= 0).sum() == sample[
            "hidden"
        ]


@pytest.mark.parametrize(
    ("config", "count"),
    [("bert_pretraining", 110_106_428), ("ernie_pretraining", 99_866_112 + 592_128 + 18_000 + 1538)],
)
def test_the_original_models_have_their_parameters(config, count):
    """An encoder, H^2 + H and 2 H of the head and V of its biases, 2 H + 2 of the segments, for H = 768."""
    with paddle.LazyGuard():
        model = load_config(ROOT / f"PaddleNLP/configs/pretraining/{config}.yml").build("model")
    assert count_parameters(model)[0] == count


@pytest.mark.parametrize("kind", [BERT, ERNIE])
def test_pre_training_keeps_the_contract(kind, tmp_path):
    check_model(lambda: PretrainedEncoder(small(kind), 3), batch(), tmp_path)


def test_the_words_share_the_table_of_the_encoder():
    model = PretrainedEncoder(small())
    assert model.masked.bias.shape == [12] and not [n for n in model.masked.state_dict() if "table" in n]
    x = paddle.randn([1, 1, 16])
    before = model.words(x)
    table = model.encoder.embedding.weight.numpy()
    table[7] = 0
    model.encoder.embedding.weight.set_value(table)
    after = model.words(x)
    assert after[0, 0, 7].item() == model.masked.bias[7].item() != before[0, 0, 7].item()


def test_the_loss_is_that_of_the_hidden_places():
    model, given = PretrainedEncoder(small()), batch()
    model.eval()
    words, following = model.predict(*(paddle.to_tensor(given[name]) for name in model.inputs))
    log_p = paddle.nn.functional.log_softmax(words).numpy()
    places = np.argwhere(given["targets"] >= 0)
    expected = -np.mean([log_p[n, t, given["targets"][n, t]] for n, t in places])
    losses = model.loss({name: paddle.to_tensor(value) for name, value in given.items()})
    assert float(losses["loss_masked"]) == pytest.approx(expected, rel=1e-5)
    found = model.fill_scores(given)
    assert found["losses"].mean() == pytest.approx(expected, rel=1e-5) and len(found["losses"]) == 4
    assert found["right"].tolist() == (following.numpy().argmax(1) == given["unrelated"]).tolist()
    del given["targets"]
    with pytest.raises(ConfigError, match="learns from hidden tokens"):
        model.loss(given)


def test_an_encoder_without_segments_is_refused():
    with pytest.raises(ValueError, match="BOW has no segment embeddings"):
        PretrainedEncoder(BOW(30))


def test_the_scores_are_of_all_hidden_words_and_segments():
    class Fixed:
        def fill_scores(self, batch):
            return batch

    metric = FillMaskScores()
    metric.update(Fixed(), {"losses": np.log([2.0, 8.0]), "hits": np.array([True, False]), "right": np.array([True])})
    other = FillMaskScores()
    other.update(Fixed(), {"losses": np.log([4.0]), "hits": np.array([True]), "right": np.array([True, False, False])})
    metric.merge([metric.state(), other.state()])
    assert metric.compute() == pytest.approx({"perplexity": 4.0, "masked_accuracy": 2 / 3, "next_accuracy": 0.5})


def test_the_baseline_knows_how_frequent_a_word_is():
    baseline = UnigramFill(12)
    given = {"input_ids": np.array([[2, 4, 6, 3, 0]]), "targets": np.array([[-1, 6, -1, -1, -1]]),
             "length": np.array([4]), "unrelated": np.array([1])}  # fmt: skip
    baseline.see(given)
    found = baseline.predict(given).fill_scores(given)
    assert found["losses"] == pytest.approx([-np.log(3 / 14)])  # twice, and 1 for each of 12
    assert found["hits"].tolist() == [True] and found["right"].tolist() == [True]


def test_a_classifier_takes_the_weights_of_the_encoder():
    trained = PretrainedEncoder(small())
    classifier = TextClassifier(small(), TextClassHead(16, 2))
    arrays = classifier.convert_weights({name: value.numpy() for name, value in trained.state_dict().items()})
    mine = {name for name in classifier.state_dict() if name.startswith("encoder.")}
    assert mine == {name for name in arrays if name.startswith("encoder.")}
    assert {n.partition(".")[0] for n in set(arrays) - mine} == {"masked", "next"}


@pytest.mark.parametrize("style", ["official", "transformers"])
def test_the_heads_of_other_files_are_read(style):
    model = PretrainedEncoder(small())
    rng = np.random.default_rng(0)
    own = {n: rng.normal(size=v.shape).astype("float32") for n, v in model.state_dict().items() if "encoder" not in n}
    names = {
        "masked.dense.weight": ("mask_lm_trans_fc.w_0", "cls.predictions.transform.dense.weight"),
        "masked.dense.bias": ("mask_lm_trans_fc.b_0", "cls.predictions.transform.dense.bias"),
        "masked.norm.weight": ("mask_lm_trans_layer_norm_scale", "cls.predictions.transform.LayerNorm.weight"),
        "masked.norm.bias": ("mask_lm_trans_layer_norm_bias", "cls.predictions.transform.LayerNorm.bias"),
        "masked.bias": ("mask_lm_out_fc.b_0", "cls.predictions.bias"),
        "next.weight": ("next_sent_fc.w_0", "cls.seq_relationship.weight"),
        "next.bias": ("next_sent_fc.b_0", "cls.seq_relationship.bias"),
    }
    assert set(own) == set(names)
    hugging = style == "transformers"
    given = {names[n][hugging]: v.T if hugging and v.ndim == 2 else v for n, v in own.items()}
    if hugging:  # what tells that the products are transposed, and the table that is there twice
        given |= {"bert.encoder.layer.0.attention.self.query.weight": np.zeros((16, 16), "float32"),
                  "cls.predictions.decoder.weight": np.zeros((12, 16), "float32")}  # fmt: skip
    found = model.convert_weights(given)
    for name, value in own.items():
        np.testing.assert_array_equal(found[name], value)
    assert "cls.predictions.decoder.weight" not in found
    assert our_names({"other": 1}) == {"other": 1}


def test_hidden_places_are_filled_by_the_most_probable_pieces(folder):
    task = FillMask(str(folder / "vocab.txt"), n_best=2)
    sample = task.read_line("ann [MASK] to [MASK][MASK]") | {
        "input_ids": np.array([2, 5, 4, 7, 4, 4, 3, 4]),
        "length": 7,
    }
    ids, scores = np.zeros((1, 8, 3), np.int64), np.zeros((1, 8, 3), "float32")
    ids[0, 2], ids[0, 4], ids[0, 5] = (6, 11, 5), (8, 5, 6), (10, 5, 6)
    scores[0, 2], scores[0, 4], scores[0, 5] = (0.6, 0.3, 0.1), (0.9, 0.1, 0.0), (0.5, 0.2, 0.1)
    (records,) = task.records({"ids": ids, "scores": scores}, [sample], None, 0.0)
    assert [(r["place"], r["token"], r["score"]) for r in records] == [
        (0, "went", 0.6), (0, "saw", 0.3), (1, "rome", 0.9), (1, "ann", 0.1), (2, "##s", 0.5), (2, "ann", 0.2),
    ]  # fmt: skip
    assert task.line(sample, records).split("\t")[:2] == ["ann went to romes", "went 0.600, saw 0.300"]
    with pytest.raises(DataError, match=r"has no \[MASK\]"):
        task.read_line("ann went to rome")
