"""Language models: rows of a running text, the state between batches, generation, the trigram baseline."""

import math
from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from common.baselines.running_texts import KneserNeyTrigram
from common.errors import ConfigError, DataError
from common.inference.tasks.text_generation import TextGeneration
from common.testing import check_model
from common.text.split import BeginText, PadText, SplitWords, TokenIds
from common.text.vocabulary import check_vocabulary_size
from PaddleNLP.data.running_text import RunningText
from PaddleNLP.models.assemblies.language_model import LanguageModel

WORDS = ["<unk>", "a", "b", "c", "d"]
END = len(WORDS)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "words.txt").write_text("\n".join(WORDS) + "\n")
    (tmp_path / "train.txt").write_text("a b c\n\nb a\nd d d c\n")  # a b c . b a . d d d c .
    return tmp_path


def batches(folder, rows, steps, file="train.txt"):
    """The batches of a running text in order, as the model takes them."""
    data = RunningText(folder, file, rows, steps)
    transforms = [SplitWords(), BeginText(), TokenIds(str(folder / "words.txt"), "<unk>", added=["<eos>"])]
    for first in range(0, len(data), rows):
        samples = [data[number] for number in range(first, first + rows)]
        for transform in transforms:
            samples = [transform(sample, None) for sample in samples]
        samples = PadText()(samples, None)
        yield {key: np.array([sample[key] for sample in samples]) for key in ("input_ids", "length", "first", "row")}


def tensors(batch):
    return {key: paddle.to_tensor(value) for key, value in batch.items()}


def model(**more):
    paddle.seed(0)
    return LanguageModel(END + 1, END, hidden_size=8, **more)


def test_rows_are_read_in_parallel_and_no_word_is_lost(folder):
    data = RunningText(folder, "train.txt", 2, 4)
    pieces = [data[number] for number in range(len(data))]
    assert [" ".join(piece["tokens"]) for piece in pieces] == [
        "<eos> a b c <eos>",
        "a <eos> d d d",
        "<eos> b a",
        "d c <eos>",
    ]
    assert [piece["first"] for piece in pieces] == [1, 1, 0, 0]
    assert [piece["predicted"] for piece in pieces] == [4, 4, 2, 2]
    assert pieces[1]["place"] == "line 3"
    for rows in (1, 2, 3, 5, 7):
        data = RunningText(folder, "train.txt", rows, 2)
        assert sum(data[number]["predicted"] for number in range(len(data))) == 12


def test_a_text_with_fewer_words_than_rows_is_refused(folder):
    with pytest.raises(DataError, match="holds 12 words, fewer than the 13 rows"):
        RunningText(folder, "train.txt", 13, 2)


def test_the_loss_of_pieces_is_that_of_the_whole_text(folder):
    net = model()
    net.eval()
    (whole,) = batches(folder, 1, 100)
    expected = float(net.loss(tensors(whole))["loss_tokens"])
    total = 0
    for batch in batches(folder, 1, 5):
        total += float(net.loss(tensors(batch))["loss_tokens"]) * (batch["length"].sum() - 1)
    assert total / 12 == pytest.approx(expected, rel=1e-6)


def test_evaluation_leaves_the_state_of_training_alone_and_a_checkpoint_has_it(folder):
    first, second, third = [tensors(batch) for batch in batches(folder, 1, 4)]
    net = model()
    net.loss(first)
    saved = net.training_state()
    expected = float(net.loss(second)["loss_tokens"])
    net.load_training_state(saved)
    net.eval()
    net.loss(first), net.loss(second), net.loss(third)
    net.train()
    assert float(net.loss(second)["loss_tokens"]) == expected


def test_batches_that_do_not_continue_each_other_are_refused(folder):
    first, second = [tensors(batch) for batch in batches(folder, 2, 4)]
    net = model()
    with pytest.raises(ConfigError, match="does not continue the one before"):
        net.loss(second)
    net.loss(first)
    with pytest.raises(ConfigError, match="a batch of 1 rows"):
        net.loss({key: value[:1] for key, value in second.items()})


def test_texts_are_scored_by_their_words_however_they_are_padded():
    net = model(max_length=4)
    net.eval()
    ids = paddle.to_tensor([[END, 1, 2, 3], [END, 4, 0, 0]])
    log_probs, tokens, lengths, _ = net(ids, paddle.to_tensor([4, 2]))
    alone, again, _, _ = net(ids[1:, :2], paddle.to_tensor([2]))
    np.testing.assert_allclose(log_probs[1].numpy(), [alone[0, 0].item(), 0, 0], atol=1e-6)
    assert tokens[1].tolist() == again[0].tolist()
    logits = net.predict(ids[:1], paddle.to_tensor([4]))[0]
    expected = paddle.nn.functional.log_softmax(logits)[[0, 1, 2], [1, 2, 3]]
    np.testing.assert_allclose(log_probs[0].numpy(), expected.numpy(), atol=1e-6)
    assert lengths.min() >= 2 and lengths.max() <= 4


@pytest.mark.parametrize("more", [{}, {"temperature": 0.8, "top_k": 4, "n_best": 2}])
def test_a_language_model_keeps_the_contract(more, tmp_path):
    ids = np.array([[END, 1, 2, 3], [END, 4, 3, 0]])
    batch = {"input_ids": ids, "length": np.array([4, 3]), "first": np.ones(2, np.int64)}
    check_model(lambda: LanguageModel(END + 1, END, hidden_size=8, max_length=4, **more), batch, tmp_path)


def test_another_id_of_the_end_token_is_refused(folder):
    transform = TokenIds(str(folder / "words.txt"), "<unk>", added=["<eos>"])
    check_vocabulary_size([transform], model())
    with pytest.raises(ConfigError, match=r"takes 1 for the id of '<eos>', and .*words.txt has it as 5"):
        check_vocabulary_size([transform], LanguageModel(END + 1, 1, hidden_size=8))
    with pytest.raises(ConfigError, match="has no such token"):
        check_vocabulary_size([transform], LanguageModel(END + 1, END, "</s>", hidden_size=8))


def test_records_have_the_perplexity_and_the_continuation(folder):
    task = TextGeneration(str(folder / "words.txt"), added=["<eos>"])
    outputs = {
        "log_probs": np.log([[0.5, 0.125, 1.0]]),
        "ids": np.array([[[1, 2, END], [3, 3, 3]]]),
        "lengths": np.array([[3, 3]]),
        "scores": np.array([[-1.0, -2.0]]),
    }
    (records,) = task.records(outputs, [{"length": 3}], None, 0.0)
    assert [(record["text"], record["score"]) for record in records] == [("a b", -1.0), ("c c c", -2.0)]
    assert records[0]["perplexity"] == pytest.approx(4.0) and records[0]["log_probability"] == -2.7726
    assert task.line({"text_a": "x y"}, records) == "x y ... a b\tperplexity 4.00"


def test_the_trigram_baseline_is_a_distribution_and_the_formula_by_hand(folder):
    baseline = KneserNeyTrigram(END + 1)
    for batch in batches(folder, 1, 5):
        baseline.see(batch)
    baseline.fit()
    for context in ((END, END), (1, 2), (4, 4), (3, 1)):
        assert math.fsum(baseline.probability((*context, word)) for word in range(END + 1)) == pytest.approx(1)
    # of 12 trigrams all but `<eos> d d`, `d d d`, ... occur once; after `d d` come d and c, once each
    counts = baseline.orders[0]
    assert counts.total[(4, 4)] == 2 and counts.different[(4, 4)] == 2 and counts.discount == 1.0
    shorter = SimpleNamespace(probability=baseline.orders[1].interpolate)
    unigram = baseline.orders[2].interpolate((4,), 1 / 6)
    assert baseline.probability((4, 4, 4)) == pytest.approx(shorter.probability((4, 4), unigram))


def test_the_trigram_baseline_reads_the_word_before_a_piece(folder):
    baseline, again = KneserNeyTrigram(END + 1), KneserNeyTrigram(END + 1)
    for batch in batches(folder, 1, 3):
        baseline.see(batch)
    (whole,) = batches(folder, 1, 100)
    again.see(whole)
    assert baseline.trigrams == again.trigrams and sum(again.trigrams.values()) == 12
