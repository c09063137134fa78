"""The model contract of the kit, the official parameter counts, and the conversion of foreign weights."""

import numpy as np
import paddle
import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.testing import check_model, count_parameters
from PaddleNLP.models.assemblies.reading_comprehension import ReadingComprehension
from PaddleNLP.models.assemblies.sequence_labeler import SequenceLabeler
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.assemblies.wide_text_classifier import NgramScores, WideTextClassifier
from PaddleNLP.models.encoders.convolutions import BOW, CNN, TextCNN
from PaddleNLP.models.encoders.lexical_encoder import LexicalEncoder
from PaddleNLP.models.encoders.recurrent_encoder import RecurrentEncoder
from PaddleNLP.models.encoders.transformer import BERT, ERNIE, ERNIE2, TransformerEncoder
from PaddleNLP.models.heads.crf_head import CRFHead
from PaddleNLP.models.heads.softmax_tag_head import SoftmaxTagHead
from PaddleNLP.models.heads.text_class_head import TextClassHead

ENCODERS = {
    "BOW": lambda: BOW(30, 8),
    "CNN": lambda: CNN(30, 8, 8),
    "TextCNN": lambda: TextCNN(30, 8, 4),
    "LSTM": lambda: RecurrentEncoder(30, 8, 8),
    "GRU": lambda: RecurrentEncoder(30, 8, 8, "gru"),
    "BiLSTM": lambda: RecurrentEncoder(30, 8, 8, "lstm", True),
    "LAC": lambda: LexicalEncoder(30, 8, 8),
    "transformer": lambda: small_transformer(tasks=2),
}


def small_transformer(**more):
    return TransformerEncoder(30, 16, 2, 2, 12, dropout=0.0, **more)


def batch():
    rng = np.random.default_rng(0)
    ids, types = rng.integers(1, 30, (3, 7)), rng.integers(0, 2, (3, 7))
    rest = {"label": np.array([0, 1, 2]), "tags": rng.integers(0, 3, (3, 7))}
    return {"input_ids": ids, "token_type_ids": types, "length": np.array([7, 4, 1]), **rest}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_classifier_keeps_the_contract(name, tmp_path):
    def make():
        encoder = ENCODERS[name]()
        return TextClassifier(encoder, TextClassHead(encoder.summary_channels, 3, [8], 0.0))

    check_model(make, batch(), tmp_path)


def wide(encoder):
    return WideTextClassifier(encoder, TextClassHead(encoder.summary_channels, 3, (), 0.0), NgramScores(16, 3))


def test_a_classifier_with_a_linear_part_keeps_the_contract(tmp_path):
    ngrams = np.array([[1, 5, 9], [2, 7, -1], [3, -1, -1]])
    check_model(lambda: wide(TextCNN(30, 8, 4)), batch() | {"ngrams": ngrams}, tmp_path)
    with pytest.raises(ValueError, match="no encoder with segment embeddings"):
        wide(small_transformer())


def test_ngrams_score_their_sum_over_the_root_of_their_number():
    scores = NgramScores(8, 2)
    assert (scores(paddle.to_tensor([[1, 2]])).numpy() == 0).all()
    scores.scores.weight.set_value(np.arange(16, dtype="float32").reshape(8, 2))
    found = scores(paddle.to_tensor([[1, 3, 4, 0], [2, -1, -1, -1]])).numpy()
    np.testing.assert_allclose(found, [[(2 + 6 + 8 + 0) / 2, (3 + 7 + 9 + 1) / 2], [4, 5]])


def test_each_part_of_a_wide_classifier_has_its_own_loss():
    model = wide(TextCNN(30, 8, 4))
    losses = model.loss({k: paddle.to_tensor(v) for k, v in batch().items()} | {"ngrams": paddle.to_tensor([[1]] * 3)})
    assert float(losses["loss_wide"]) == pytest.approx(np.log(3))
    losses["loss_wide"].backward()
    assert model.head.output.weight.grad is None and model.wide.scores.weight.grad is not None


def test_a_lexical_analyzer_keeps_the_contract(tmp_path):
    check_model(lambda: SequenceLabeler(LexicalEncoder(30, 8, 8), CRFHead(16, 3, 0.1)), batch(), tmp_path)


def test_a_tagger_on_a_transformer_keeps_the_contract(tmp_path):
    def make():
        return SequenceLabeler(small_transformer(), SoftmaxTagHead(16, 3, 0.0))

    check_model(make, batch(), tmp_path, unused=["*pooler*"])


def test_reading_comprehension_keeps_the_contract(tmp_path):
    rng = np.random.default_rng(0)
    windows = {
        "input_ids": rng.integers(1, 30, (2, 3, 7)),
        "token_type_ids": rng.integers(0, 2, (2, 3, 7)),
        "length": np.array([[7, 4, 2], [5, 0, 0]]),
        "start": np.array([[1, 0, 0], [2, -1, -1]]),
        "end": np.array([[2, 0, 0], [3, -1, -1]]),
    }
    check_model(lambda: ReadingComprehension(small_transformer()), windows, tmp_path, unused=["*pooler*"])


def test_reading_comprehension_refuses_an_encoder_without_segment_embeddings():
    with pytest.raises(ValueError, match="BOW has no segment embeddings"):
        ReadingComprehension(BOW(30))


# the counts of the original programs
@pytest.mark.parametrize(
    ("config", "classes", "count"),
    [
        ("lac_scratch", 57, 3_193_052),
        ("senta_bow", 2, 4_285_858),
        ("senta_cnn", 2, 4_318_626),
        ("senta_lstm", 2, 4_401_826),
        ("senta_gru", 2, 4_368_418),
        ("senta_bilstm", 2, 4_546_594),
        ("emotect_textcnn", 3, 30_915_459),
    ],
)
def test_a_model_of_words_has_as_many_parameters_as_the_original(config, classes, count):
    model = load_config(ROOT / f"PaddleNLP/configs/{config}.yml").build("model", num_classes=classes)
    assert count_parameters(model)[0] == count


@pytest.mark.parametrize(("make", "count"), [(BERT, 109_482_240), (ERNIE, 99_866_112), (ERNIE2, 109_496_064)])
def test_an_encoder_has_as_many_parameters_as_the_original(make, count):
    """V H + positions H + segments H (+ tasks H) + 2 H, then 12 (12 H^2 + 13 H), then H^2 + H, for H = 768."""
    h, made = 768, make(layers=1)
    assert count_parameters(made)[0] + 11 * (12 * h * h + 13 * h) == count


def foreign_names(style):
    """(arrays by our names, by the names of another library) for every parameter of a small encoder."""
    rng = np.random.default_rng(0)
    own = {
        name: tuple(value.shape) for name, value in TransformerEncoder(30, 8, 1, 2, 12, tasks=3).state_dict().items()
    }
    arrays = {name: rng.normal(size=shape).astype("float32") for name, shape in own.items()}
    parts = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
    found = {}
    for name, array in arrays.items():
        place, _, last = name.rpartition(".")
        short = {"weight": "w_0", "bias": "b_0"}[last]
        norm = {"weight": "scale", "bias": "bias"}[last]
        table = {
            "embedding": ("word_embedding", "embeddings.word_embeddings.weight"),
            "positions": ("pos_embedding", "embeddings.position_embeddings.weight"),
            "segment_embedding": ("sent_embedding", "embeddings.token_type_embeddings.weight"),
            "task_embedding": ("task_embedding", "embeddings.task_type_embeddings.weight"),
            "norm": (f"pre_encoder_layer_norm_{norm}", f"embeddings.LayerNorm.{last}"),
            "pooler": (f"pooled_fc.{short}", f"pooler.dense.{last}"),
            "layers.0.attention_norm": (
                f"encoder_layer_0_post_att_layer_norm_{norm}",
                f"encoder.layer.0.attention.output.LayerNorm.{last}",
                f"encoder.layers.0.norm1.{last}",
            ),
            "layers.0.norm": (
                f"encoder_layer_0_post_ffn_layer_norm_{norm}",
                f"encoder.layer.0.output.LayerNorm.{last}",
                f"encoder.layers.0.norm2.{last}",
            ),
            "layers.0.wide": (
                f"encoder_layer_0_ffn_fc_0.{short}",
                f"encoder.layer.0.intermediate.dense.{last}",
                f"encoder.layers.0.linear1.{last}",
            ),
            "layers.0.narrow": (
                f"encoder_layer_0_ffn_fc_1.{short}",
                f"encoder.layer.0.output.dense.{last}",
                f"encoder.layers.0.linear2.{last}",
            ),
            **{
                f"layers.0.{part}": (
                    f"encoder_layer_0_multi_head_att_{part}_fc.{short}",
                    f"encoder.layer.0.attention.output.dense.{last}"
                    if part == "output"
                    else f"encoder.layer.0.attention.self.{part}.{last}",
                    f"encoder.layers.0.self_attn.{later}.{last}",
                )
                for part, later in parts.items()
            },
        }
        names = table[place]
        other = names[{"fluid": 0, "transformers": 1, "later": -1}[style]]
        product = array.ndim == 2 and "embedding" not in place and place != "positions"
        found["bert." * (style != "fluid") + other] = array.T if style == "transformers" and product else array
    return {f"encoder.{name}": array for name, array in arrays.items()}, found


@pytest.mark.parametrize("style", ["fluid", "later", "transformers"])
def test_weights_of_other_libraries_are_renamed(style):
    ours, theirs = foreign_names(style)
    model = TextClassifier(TransformerEncoder(30, 8, 1, 2, 12, tasks=3), TextClassHead(8, 2))
    converted = model.convert_weights(theirs)
    assert set(converted) == set(ours)
    for name, array in ours.items():
        np.testing.assert_array_equal(converted[name], array)
    assert model.convert_weights(ours) == ours  # and ours stay


def test_the_layers_above_a_parameter_are_counted_from_the_head():
    model = TextClassifier(small_transformer(), TextClassHead(16, 2))
    names = [
        "head.output.bias",
        "encoder.layers.1.key.weight",
        "encoder.layers.0.key.weight",
        "encoder.embedding.weight",
    ]
    assert [model.layers_above(name) for name in names] == [0, 1, 2, 3]
    model = TextClassifier(LexicalEncoder(30, 8, 8), TextClassHead(16, 2))
    assert [model.layers_above(f"encoder.{name}") for name in ("layers.1.x", "layers.0.x", "embedding.x")] == [1, 2, 3]
    model = TextClassifier(CNN(30, 8, 8), TextClassHead(8, 2))
    assert [model.layers_above(f"encoder.{name}") for name in ("filters.0.bias", "embedding.weight")] == [1, 2]
