"""The CTC loss against numbers worked out by hand, the original operator, and the enumeration of all paths."""

import itertools
import json
import pathlib

import numpy as np
import paddle
import pytest

from common.data.alignment import min_ctc_steps
from common.errors import DataError
from common.layers.ctc import CTCLoss, GreedyDecoder, collapse, ctc_loss, frame_log_probabilities
from tests.common.layers.ctc_by_hand import ctc_probability

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "warpctc.json"


def text_of(path):
    """The text of a path: repeats merged, blanks removed."""
    return tuple(token for token, _ in itertools.groupby(path) if token)


def by_enumeration(probabilities):
    """{text: probability} by going through all C^T paths."""
    found = {}
    for path in itertools.product(range(probabilities.shape[1]), repeat=len(probabilities)):
        chance = float(np.prod([row[token] for row, token in zip(probabilities, path)]))
        found[text_of(path)] = found.get(text_of(path), 0.0) + chance
    return found


def loss_of(probabilities, *texts):
    """-log p of texts that share frames."""
    count, longest = len(texts), max(map(len, texts))
    labels = np.zeros((count, longest), "int32")
    for row, text in zip(labels, texts):
        row[: len(text)] = text
    scores = paddle.to_tensor(np.tile(np.log(probabilities).astype("float32"), (count, 1, 1)))
    lengths = [np.full(count, len(probabilities)), np.array([len(text) for text in texts])]
    return ctc_loss(scores, paddle.to_tensor(lengths[0]), paddle.to_tensor(labels), paddle.to_tensor(lengths[1]))


def test_one_token_in_two_frames_worked_out_by_hand():
    """Paths of `1`: 11, 01, 10: .6 x .5 + .4 x .5 + .6 x .5 = .8."""
    rows = np.array([[0.4, 0.6], [0.5, 0.5]])
    assert loss_of(rows, [1]).item() == pytest.approx(-np.log(0.8), rel=1e-5)
    assert ctc_probability(rows, [1]) == pytest.approx(0.8)


def test_two_equal_tokens_need_a_blank_between_worked_out_by_hand():
    """The only path of `1 1` in three frames is 1 0 1: .6 x .3 x .9 = .162."""
    rows = np.array([[0.4, 0.6], [0.3, 0.7], [0.1, 0.9]])
    assert loss_of(rows, [1, 1]).item() == pytest.approx(-np.log(0.162), rel=1e-5)
    assert min_ctc_steps(np.array([1, 1])) == 3 and min_ctc_steps(np.array([1, 2, 2, 2])) == 6


@pytest.mark.parametrize(("tokens", "frames"), [(2, 5), (3, 5), (4, 4)])
def test_every_text_has_the_sum_of_its_paths(tokens, frames):
    rows = np.random.default_rng(tokens).dirichlet(np.ones(tokens), frames)
    right = by_enumeration(rows)
    assert sum(right.values()) == pytest.approx(1.0)
    texts = [text for text in right if text]
    losses = loss_of(rows, *texts).numpy()
    np.testing.assert_allclose(np.exp(-losses), [right[text] for text in texts], rtol=1e-4)
    for text in right:
        assert ctc_probability(rows, text) == pytest.approx(right[text])


def original():
    """The case of the original operator, whose blank is the last token, with the blank as number 0."""
    entries = json.loads(GOLDEN.read_text(encoding="utf-8"))
    case = {k: np.array(e["values"], e["dtype"]).reshape(e["shape"]) for k, e in entries.items()}
    order = [4, 0, 1, 2, 3]
    scores, gradient = np.zeros((2, 5, 5), "float32"), np.zeros((2, 5, 5), "float32")
    scores[0], scores[1, :4] = case["in/x"][:5, order], case["in/x"][5:, order]
    gradient[0], gradient[1, :4] = case["out/grad_x"][:5, order], case["out/grad_x"][5:, order]
    labels = np.array([[0, 2], [1, 0]], "int32") + 1
    return case, scores, gradient, labels


def test_the_loss_and_its_gradient_are_those_of_the_original_warpctc():
    case, scores, gradient, labels = original()
    scores = paddle.to_tensor(scores, stop_gradient=False)
    losses = ctc_loss(scores, paddle.to_tensor([5, 4]), paddle.to_tensor(labels), paddle.to_tensor([2, 1]))
    np.testing.assert_allclose(losses.numpy(), case["out/loss"][:, 0], rtol=1e-5)
    losses.sum().backward()
    np.testing.assert_allclose(scores.grad.numpy(), gradient, atol=1e-5)


def test_the_best_path_is_that_of_the_original_greedy_decoder():
    case, scores, _, _ = original()
    ids, score = GreedyDecoder()(frame_log_probabilities(paddle.to_tensor(scores)), paddle.to_tensor([5, 4]))
    rows = np.split(case["out/dec"][:, 0] + 1, np.cumsum(case["lod/dec"])[:-1])
    for row, right in zip(ids.numpy(), rows):
        assert row[row > 0].tolist() == right.tolist()
    probabilities = np.exp(scores[1, :4]) / np.exp(scores[1, :4]).sum(1, keepdims=True)
    assert score[1].item() == pytest.approx(np.prod(probabilities.max(1)) ** 0.25, rel=1e-5)


def test_a_path_is_collapsed_as_the_definition_says():
    path = np.random.default_rng(0).integers(0, 3, (50, 9))
    for row, given in zip(collapse(paddle.to_tensor(path)).numpy().tolist(), path.tolist()):
        text = list(text_of(given))
        assert row == text + [0] * (9 - len(text))


def test_the_loss_is_the_mean_over_sequences_and_padding_has_no_gradient():
    _, scores, _, labels = original()
    scores = paddle.to_tensor(scores, stop_gradient=False)
    given = (paddle.to_tensor([5, 4]), paddle.to_tensor(labels), paddle.to_tensor([2, 1]))
    one, two = ctc_loss(scores, *given).numpy()
    loss = CTCLoss()(scores, *given)["loss_ctc"]
    assert loss.item() == pytest.approx((one + two) / 2, rel=1e-6)
    assert CTCLoss(per_token=True)(scores, *given)["loss_ctc"].item() == pytest.approx((one / 2 + two) / 2, rel=1e-6)
    loss.backward()
    assert not scores.grad.numpy()[1, 4].any()


def test_the_sum_with_gradients_per_frame_is_that_of_the_original_norm_by_times():
    """Its loss is the sum; the gradient of each sequence is divided by its frames."""
    case, scores, gradient, labels = original()
    scores = paddle.to_tensor(scores, stop_gradient=False)
    given = (paddle.to_tensor([5, 4]), paddle.to_tensor(labels), paddle.to_tensor([2, 1]))
    loss = CTCLoss(per_frame=True, reduction="sum")(scores, *given)["loss_ctc"]
    assert loss.item() == pytest.approx(case["out/loss"].sum(), rel=1e-5)
    loss.backward()
    np.testing.assert_allclose(scores.grad.numpy(), gradient / np.array([5, 4]).reshape(2, 1, 1), atol=1e-5)
    with pytest.raises(ValueError, match="reduction is 'total'; it is mean or sum"):
        CTCLoss(reduction="total")


@pytest.mark.parametrize(
    ("length", "labels", "ends", "message"),
    [
        ([5, 6], [[1, 3], [2, 1]], [2, 1], "sequence 1 of the batch has a length of 6 frames; allowed: 1 to 5"),
        ([0, 4], [[1, 3], [2, 1]], [2, 1], "sequence 0 of the batch has a length of 0 frames"),
        ([5, 4], [[1, 5], [2, 1]], [2, 1], "sequence 0 of the batch has the token id 5; token ids are 1 to 4"),
        ([5, 4], [[1, 3], [0, 1]], [2, 1], "sequence 1 of the batch has the token id 0"),
        ([5, 4], [[-1, 3], [2, 1]], [2, 1], "sequence 0 of the batch has the token id -1"),
        ([5, 4], [[1, 3], [2, 1]], [2, 0], "sequence 1 of the batch has a text of 0 tokens"),
        ([5, 4], [[1, 3], [2, 1]], [3, 1], "sequence 0 of the batch has a text of 3 tokens; allowed: 1 to 2"),
        (
            [2, 4],
            [[3, 3], [2, 1]],
            [2, 1],
            "sequence 0 of the batch has a text of 2 tokens that needs 3 frames, but only 2",
        ),
    ],
)
def test_sequences_that_would_crash_the_operator_are_refused(length, labels, ends, message):
    scores = paddle.zeros([2, 5, 5])
    with pytest.raises(DataError, match=message):
        ctc_loss(scores, *map(paddle.to_tensor, (length, np.array(labels, "int32"), ends)))
