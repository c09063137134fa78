"""Drawn sequences: their frequencies, restrictions worked by hand, the same in any batch and as a program."""

import numpy as np
import paddle
import pytest
from paddle import nn

from common.layers.decoding import greedy
from common.layers.sampling import restrict, sample, text_keys
from common.testing import load_program, run_engine, save_program

P = np.array([[0.5, 0.3, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4], [0.25] * 4, [1.0, 0.0, 0.0, 0.0]])
END = 3


def chain(log_p=None):
    """A model: the probabilities of the next token depend on the last one."""
    log_p = paddle.log(paddle.to_tensor(P, "float32")) if log_p is None else log_p
    return lambda tokens, state: (paddle.gather(log_p, tokens), state)


def drawn(rows, log_p=None, **more):
    options = {"start": 0, "end": END, "max_length": 4, "keys": paddle.arange(rows)} | more
    return sample(chain(log_p), paddle.zeros([rows, 1]), **options)


def test_tokens_are_drawn_as_often_as_they_are_probable():
    tokens = drawn(4000, count=5).tokens.numpy().reshape(-1, 4)
    first = np.bincount(tokens[:, 0], minlength=4) / len(tokens)
    np.testing.assert_allclose(first, P[0], atol=0.012)  # 3.5 standard deviations of 20,000 draws
    for before in (0, 1, 2):
        found = np.bincount(tokens[tokens[:, 0] == before, 1], minlength=4)
        np.testing.assert_allclose(found / found.sum(), P[before], atol=0.03)


def test_scores_are_the_log_probabilities_of_the_model():
    found = drawn(8, temperature=0.5, top_k=2)
    for tokens, length, score in zip(*(value.numpy()[:, 0] for value in found), strict=True):
        pairs = zip([0, *tokens[: length - 1]], tokens[:length])
        assert score == pytest.approx(sum(np.log(P[a, b]) for a, b in pairs), abs=1e-5)


@pytest.mark.parametrize(
    ("top_k", "top_p", "left"), [(0, 1.0, 4), (2, 1.0, 2), (0, 0.5, 1), (0, 0.79, 2), (0, 0.81, 3), (1, 0.9, 1)]
)
def test_the_most_probable_tokens_are_left(top_k, top_p, left):
    scores = restrict(paddle.log(paddle.to_tensor(P[:1])), top_k, top_p).numpy()[0]
    assert np.isfinite(scores).tolist() == [True] * left + [False] * (4 - left)


def test_a_temperature_sharpens_and_one_token_is_greedy_search():
    cold = drawn(500, temperature=0.25).tokens.numpy()[:, 0, 0]
    sharp = P[0] ** 4 / (P[0] ** 4).sum()
    assert np.mean(cold == 0) == pytest.approx(sharp[0], abs=0.05)
    best = greedy(chain(), paddle.zeros([3, 1]), 0, END, 4)
    assert drawn(3, top_k=1).tokens.tolist() == best.tokens.tolist()


def test_draws_depend_on_seed_and_key_and_not_on_the_batch():
    whole = drawn(20, count=2).tokens.numpy()
    alone = drawn(1, count=2, keys=paddle.to_tensor([7])).tokens.numpy()
    assert (alone[0] == whole[7]).all()
    assert (drawn(20, count=2, seed=1).tokens.numpy() != whole).any()
    ids = paddle.to_tensor([[1, 2, 3], [1, 2, 0], [2, 1, 0]])
    mask = paddle.to_tensor([[1.0, 1, 1], [1, 1, 0], [1, 1, 0]])
    keys = text_keys(ids, mask)
    assert keys[1] == text_keys(ids[1:2, :2], mask[1:2, :2])[0] and len(set(keys.tolist())) == 3


def test_a_program_draws_what_the_model_in_memory_draws(tmp_path):
    class Net(nn.Layer):
        inputs, outputs = {"keys": ([None], "int64")}, ("tokens",)

        def __init__(self):
            super().__init__()
            self.log_p = self.create_parameter([4, 4], default_initializer=nn.initializer.Assign(P + 1e-6))

        def forward(self, keys):
            return (drawn(1, self.log_p.log(), keys=keys, start=keys % 3, top_p=0.9, count=3).tokens,)

    keys, net = np.arange(2**31 - 5, 2**31 + 5), Net()
    save_program(net, tmp_path / "model")
    expected = net(paddle.to_tensor(keys))[0].numpy()
    for onednn in (False, True):
        (found,) = run_engine(load_program(tmp_path / "model", onednn), {"keys": keys})
        assert (found == expected).all()


@pytest.mark.parametrize("wrong", [{"temperature": 0}, {"top_k": -1}, {"top_p": 0}, {"top_p": 1.5}, {"count": 0}])
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="allowed: 1 or more, above 0"):
        drawn(1, **wrong)
