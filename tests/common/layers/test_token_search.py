"""Settings of generated sequences: which search they mean, and what they refuse."""

import paddle
import pytest

from common.layers.token_search import TokenSearch

LOGITS = paddle.to_tensor([[0.0, 1.0, 2.0, 0.5]])


def step(tokens, state):
    """The same logits at every step."""
    return LOGITS.expand([tokens.shape[0], 4]), {"same": state["same"] + 0}


def found(**settings):
    search = TokenSearch(max_length=3, **settings)
    tokens = search(step, {"same": paddle.zeros([2, 1])}, 0, 1, keys=paddle.to_tensor([1, 2]))[0]
    return search, tokens


def test_one_beam_is_greedy_and_more_are_a_beam_search():
    greedy, tokens = found(beam_size=1)
    assert greedy.hypotheses == 1 and tokens.tolist() == [[[2, 2, 2]]] * 2
    beams, tokens = found(beam_size=3, n_best=2, length_penalty=0.0)
    assert beams.hypotheses == 3 and tokens.tolist() == [[[1, 1, 1], [2, 1, 1]]] * 2
    assert found(beam_size=3, min_length=3, length_penalty=0.0)[1].tolist() == [[[2, 2, 2]]] * 2


def test_a_temperature_draws():
    cold, tokens = found(temperature=1e-3, n_best=2)
    assert cold.hypotheses == 2 and tokens.tolist() == [[[2, 2, 2]] * 2] * 2
    hot = found(temperature=5.0, n_best=2, seed=1)[1].tolist()
    assert hot == found(temperature=5.0, n_best=2, seed=1)[1].tolist() != found(temperature=5.0, n_best=2)[1].tolist()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_length": 2, "min_length": 3}, "no sequence has such a length"),
        ({"beam_size": 2, "n_best": 3}, "n_best is from 1 to beam_size"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"temperature": 1.0, "top_p": 0.0}, "top_p 0.0"),
    ],
)
def test_settings_without_a_meaning_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        TokenSearch(**wrong)
