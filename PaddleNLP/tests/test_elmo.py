"""ELMo: parameters, both directions of a text, the state between batches, features of a frozen model."""

import math

import numpy as np
import paddle
import pytest

from common.baselines.running_texts import KneserNeyTrigram, TwoWayTrigram
from common.config import load_config
from common.config.kits import ROOT
from common.errors import ConfigError
from common.layers.token_search import TokenSearch
from common.testing import check_model, count_parameters
from common.text.split import BeginText, PadText, SplitWords, TokenIds
from PaddleNLP.data.two_way_text import TwoWayText
from PaddleNLP.metrics.two_way_perplexity import TwoWayPerplexity
from PaddleNLP.models.assemblies.bidirectional_language_model import BidirectionalLanguageModel
from PaddleNLP.models.assemblies.sequence_labeler import SequenceLabeler
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.encoders.convolutions import TextCNN
from PaddleNLP.models.encoders.elmo import ELMo, turned
from PaddleNLP.models.encoders.elmo_features import ElmoFeatures, mix
from PaddleNLP.models.encoders.lexical_encoder import LexicalEncoder
from PaddleNLP.models.encoders.recurrent_encoder import RecurrentEncoder
from PaddleNLP.models.heads.crf_head import CRFHead
from PaddleNLP.models.heads.text_class_head import TextClassHead

WORDS = ["<unk>", "a", "b", "c", "d"]
END = len(WORDS)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "words.txt").write_text("\n".join(WORDS) + "\n")
    (tmp_path / "train.txt").write_text("a b c\n\nb a\nd d d c\n")  # a b c . b a . d d d c .
    return tmp_path


def batches(folder, rows, steps):
    """The batches of a text in order, as the model takes them."""
    data = TwoWayText(folder, "train.txt", rows, steps)
    transforms = [SplitWords(), BeginText(), TokenIds(str(folder / "words.txt"), "<unk>", added=["<eos>"])]
    for first in range(0, len(data), rows):
        samples = [data[number] for number in range(first, first + rows)]
        for transform in transforms:
            samples = [transform(sample, None) for sample in samples]
        samples = PadText()(samples, None)
        names = ("input_ids", "backward_ids", "length", "first", "row", "predicted")
        yield {key: np.array([sample[key] for sample in samples]) for key in names}


def tensors(batch):
    return {key: paddle.to_tensor(value) for key, value in batch.items()}


def elmo(**more):
    paddle.seed(0)
    return ELMo(END + 1, END, hidden_size=8, projection_size=4, dropout=0.0, **more)


def model(negatives=None):
    return BidirectionalLanguageModel(elmo(), negatives, TokenSearch(max_length=4, min_length=2))


def test_the_original_has_129_million_parameters():
    config = load_config(ROOT / "PaddleNLP/configs/language_model/elmo.yml")
    with paddle.LazyGuard():
        made = config.build("model")
    # the table and the softmax with its biases, then 2 layers in 2 directions: two products with the gates, their
    # biases, the projection
    v, p, d = 52_445, 512, 4096
    assert 2 * v * p + v + 4 * (2 * p * 4 * d + 4 * d + d * p) == 129_319_133
    assert count_parameters(made)[0] == 129_319_133


def test_each_line_is_read_from_both_ends(folder):
    (batch,) = batches(folder, 1, 100)
    words = [*WORDS, "."]
    assert " ".join(words[k] for k in batch["input_ids"][0]) == ". a b c . b a . d d d c ."
    assert " ".join(words[k] for k in batch["backward_ids"][0]) == ". c b a . a b . c d d d ."
    pieces = list(batches(folder, 2, 4))
    assert [piece["backward_ids"].tolist() for piece in pieces] == [
        [[END, 3, 2, 1, END], [2, END, 3, 4, 4]],
        [[END, 1, 2], [4, 4, END]],
    ]


def test_the_losses_of_pieces_are_those_of_the_whole_text(folder):
    net = model()
    net.eval()
    (whole,) = batches(folder, 1, 100)
    expected = {name: float(loss) for name, loss in net.loss(tensors(whole)).items()}
    found = dict.fromkeys(expected, 0.0)
    for batch in batches(folder, 1, 5):
        for name, loss in net.loss(tensors(batch)).items():
            found[name] += float(loss) * (batch["length"].sum() - 1) / 12
    assert found == pytest.approx(expected, rel=1e-6) and expected["loss_forward"] != expected["loss_backward"]


def test_the_backward_model_reads_a_reversed_text_as_the_forward_one_reads_a_text():
    net = model()
    net.eval()
    net.encoder.backwards.set_state_dict(net.encoder.forwards.state_dict())
    ids, length = paddle.to_tensor([[END, 1, 2, 3, 4], [END, 4, 1, 0, 0]]), paddle.to_tensor([5, 3])
    back = paddle.to_tensor([[END, 4, 3, 2, 1], [END, 1, 4, 0, 0]])
    ahead, _ = net.predict(ids, length)
    _, turned_round = net.predict(back, length)
    np.testing.assert_allclose(turned_round[0].numpy(), ahead[0, ::-1].numpy(), atol=1e-6)
    np.testing.assert_allclose(turned_round[1, :2].numpy(), ahead[1, 1::-1].numpy(), atol=1e-6)


def test_the_features_of_a_direction_predict_the_next_word_of_that_direction():
    """The output of the last layer at a word is the one that the language model predicts the next word by."""
    net = model()
    net.eval()
    ids, length = paddle.to_tensor([[1, 2, 3], [4, 1, 0]]), paddle.to_tensor([3, 2])
    ahead, back = net.encoder.layers_of(ids, length)
    assert len(ahead) == len(back) == 3
    end = paddle.full([2, 1], END, "int64")
    scores, turned_round = net.predict(paddle.concat([end, ids], 1), length + 1)
    np.testing.assert_allclose(net.logits(ahead[-1])[:, :-1].numpy()[0], scores[0, 1:].numpy(), atol=1e-6)
    np.testing.assert_allclose(net.logits(back[-1])[0, 1:].numpy(), turned_round[0, :-1].numpy(), atol=1e-6)
    np.testing.assert_allclose(net.logits(back[-1])[1, 1].numpy(), turned_round[1, 0].numpy(), atol=1e-6)


def test_turning_leaves_the_padding_in_its_place():
    x = paddle.to_tensor([[1, 2, 3, 0], [5, 0, 0, 0]])
    assert turned(x, paddle.to_tensor([3, 1])).tolist() == [[3, 2, 1, 0], [5, 0, 0, 0]]


def test_the_layers_are_mixed_by_the_softmax_of_their_weights():
    layers = [paddle.full([1, 1, 2], value) for value in (1.0, 2.0, 6.0)]
    even = mix(layers, paddle.zeros([3]), paddle.to_tensor([2.0]))
    np.testing.assert_allclose(even.numpy(), [[[6.0, 6.0]]], rtol=1e-6)
    found = mix(layers, paddle.log(paddle.to_tensor([1.0, 1.0, 2.0])), paddle.ones([1]))
    np.testing.assert_allclose(found.numpy(), [[[3.75, 3.75]]], rtol=1e-6)


def test_a_sample_of_all_words_gives_the_softmax_of_all_words(folder):
    (whole,) = batches(folder, 1, 100)
    full, most = model(), model(5)
    expected = {name: float(loss) for name, loss in full.loss(tensors(whole)).items()}
    most.tries *= 50
    for name, loss in most.loss(tensors(whole)).items():
        assert float(loss) == pytest.approx(expected[name], rel=1e-3)


def test_evaluation_leaves_the_state_of_training_alone_and_a_checkpoint_has_it(folder):
    first, second, third = [tensors(batch) for batch in batches(folder, 1, 4)]
    net = model()
    net.loss(first)
    saved = net.training_state()
    expected = float(net.loss(second)["loss_backward"])
    other = model()
    other.set_state_dict(net.state_dict())
    other.load_training_state(saved)
    other.eval()
    other.loss(first), other.loss(second), other.loss(third)
    other.train()
    assert float(other.loss(second)["loss_backward"]) == expected


def test_pieces_of_one_direction_are_refused(folder):
    (batch,) = batches(folder, 1, 100)
    del batch["backward_ids"]
    with pytest.raises(ConfigError, match="data of TwoWayText"):
        model().loss(tensors(batch))


@pytest.mark.parametrize("negatives", [None, 4])
def test_a_bidirectional_language_model_keeps_the_contract(negatives, tmp_path):
    ids = np.array([[END, 1, 2, 3], [END, 4, 3, 0]])
    back = np.array([[END, 3, 2, 1], [END, 3, 4, 0]])
    batch = {"input_ids": ids, "backward_ids": back, "length": np.array([4, 3]), "first": np.ones(2, np.int64)}
    check_model(lambda: model(negatives), batch, tmp_path)


def test_the_perplexity_of_both_directions_is_the_geometric_mean():
    metric = TwoWayPerplexity()
    metric.update({"loss_forward": math.log(4), "loss_backward": math.log(9)}, {"predicted": np.array([2, 1])})
    metric.update({"loss_forward": math.log(32), "loss_backward": math.log(9)}, {"predicted": np.array([1, 0])})
    found = metric.compute()
    assert found["forward"] == pytest.approx(2 ** ((2 * 3 + 5) / 4)) and found["backward"] == pytest.approx(9)
    assert found["perplexity"] == pytest.approx(math.sqrt(found["forward"] * found["backward"]))


def test_the_trigram_baseline_counts_each_direction(folder):
    (batch,) = batches(folder, 1, 100)
    both, back = TwoWayTrigram(END + 1), KneserNeyTrigram(END + 1)
    both.see(batch), back.see(batch | {"input_ids": batch["backward_ids"]})
    both.fit(), back.fit()
    found = both.predict(batch)
    assert found["loss_backward"] == back.predict(batch | {"input_ids": batch["backward_ids"]})["loss_tokens"]
    assert found["loss_forward"] != found["loss_backward"]


def features():
    return ElmoFeatures(elmo(), embedding_size=6)


ENCODERS = {
    "LAC": lambda: LexicalEncoder(END + 1, hidden_size=5, embedding=features()),
    "BiLSTM": lambda: RecurrentEncoder(END + 1, hidden_size=5, bidirectional=True, embedding=features()),
    "TextCNN": lambda: TextCNN(END + 1, filters=4, embedding=features()),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_classifier_of_features_keeps_the_contract(name, tmp_path):
    batch = {"input_ids": np.array([[1, 2, 3, 4], [4, 1, 0, 0]]), "length": np.array([4, 2]), "label": np.array([0, 1])}

    def make():
        encoder = ENCODERS[name]()
        return TextClassifier(encoder, TextClassHead(encoder.summary_channels, 2, (), 0.0))

    made = check_model(make, batch, tmp_path)
    frozen = made.encoder.embedding.bilm.parameters()
    assert frozen and all(parameter.stop_gradient and parameter.grad is None for parameter in frozen)


def test_a_tagger_takes_the_weights_of_a_language_model_and_keeps_them():
    net = model()
    paddle.seed(1)
    tagger = SequenceLabeler(ENCODERS["LAC"](), CRFHead(10, 3, 0.1))
    for parameter in tagger.encoder.embedding.bilm.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    arrays = {name: value.numpy() for name, value in net.state_dict().items()}
    renamed = tagger.convert_weights(arrays)
    prefix = "encoder.embedding.bilm."
    assert set(renamed) == {name for name in tagger.state_dict() if name.startswith(prefix)}
    tagger.set_state_dict(renamed)
    for name, value in net.encoder.state_dict().items():
        np.testing.assert_array_equal(tagger.state_dict()[prefix + name].numpy(), value.numpy())
    own = {name: value.numpy() for name, value in tagger.state_dict().items()}
    assert set(tagger.convert_weights(own)) == set(own)
    assert tagger.token_ids == {"<eos>": END}


def test_a_table_of_another_vocabulary_is_refused():
    with pytest.raises(ValueError, match="vocab_size is 7, that of the embedding 6"):
        LexicalEncoder(7, embedding=features())
