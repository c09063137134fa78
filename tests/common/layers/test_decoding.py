"""Greedy search and beam search: equal to searches in plain Python, in memory and exported, with and without oneDNN."""

import functools

import numpy as np
import paddle
import pytest

from common.layers.decoding import beam_search, greedy, penalty_of, repeat_beams
from common.testing import load_program, run_engine, save_program
from tests.common.layers.tiny_decoders import (
    END,
    START,
    GruDecoder,
    Markov,
    RecomputingTransformer,
    T,
    Transformer,
    V,
    answer,
    assert_same,
    brute_force,
    listed,
    made,
    plain_beam_search,
    reader,
)

SOURCE = np.array([[2, 3, 5], [7, 11, 13], [4, 4, 9]])
SEQUENCES = 121  # of 4 tokens, one of which ends: 1 + 3 + 9 + 27 that end, and 81 that have 4 tokens


def search(beams=0, longest=T, start=START, **more):
    """A search as the models call it: greedy without beams."""
    if not beams:
        return functools.partial(greedy, start=start, end=END, max_length=longest, **more)
    return functools.partial(beam_search, start=start, end=END, max_length=longest, beam_size=beams, **more)


def exported(model, folder):
    """Functions from an input to the outputs of the exported model, without and with oneDNN."""
    save_program(model, folder / "model")

    def run(engine, source):
        return dict(zip(model.outputs, run_engine(engine, {"source": source}), strict=True))

    return [functools.partial(run, load_program(folder / "model", onednn)) for onednn in (False, True)]


# What is found --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [GruDecoder, Transformer])
@pytest.mark.parametrize(("alpha", "shortest"), [(0.0, 1), (0.6, 1), (2.0, 3)])
def test_a_beam_as_wide_as_there_are_sequences_is_an_exhaustive_search(kind, alpha, shortest):
    wide = search(SEQUENCES, min_length=shortest, length_penalty=alpha, n_best=SEQUENCES)
    model = made(kind, wide, SEQUENCES)
    outputs = answer(model, SOURCE)
    one = made(kind, wide)
    for row, source in enumerate(SOURCE):
        expected = brute_force(reader(one, source), T, alpha, shortest)
        assert len(expected) == {1: 121, 3: 117}[shortest]
        scores, tokens = listed(outputs, row)
        count = len(expected)
        assert_same({k: v[:, :count] for k, v in outputs.items()}, row, expected)
        assert set(tokens[count:]) <= {()} and set(scores[count:]) <= {-np.inf}


@pytest.mark.parametrize("beams", [1, 2, 3])
@pytest.mark.parametrize(("alpha", "shortest"), [(0.0, 1), (0.6, 1), (1.0, 2)])
def test_a_narrow_beam_finds_what_the_search_in_plain_python_finds(beams, alpha, shortest):
    options = {"min_length": shortest, "length_penalty": alpha, "n_best": beams}
    model, one = made(GruDecoder, search(beams, 6, **options), beams), made(GruDecoder, None)
    outputs = answer(model, SOURCE)
    for row, source in enumerate(SOURCE):
        assert_same(outputs, row, plain_beam_search(reader(one, source), beams, 6, alpha, shortest))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_of_equal_sequences_the_shorter_and_then_the_lower_tokens_come_first(alpha):
    model = made(Markov, search(SEQUENCES, 4, length_penalty=alpha, n_best=SEQUENCES), np.log(np.full((V, V), 0.25)))
    expected = brute_force(reader(model, SOURCE[0]), 4, alpha)
    assert len({round(score, 9) for score, _ in expected}) == 4
    assert_same(answer(model, SOURCE[:1]), 0, expected)


def test_ties_are_broken_in_the_same_way_where_the_beam_is_narrow():
    model = made(Markov, search(3, 5, n_best=3, min_length=2), np.log(np.full((V, V), 0.25)))
    expected = plain_beam_search(reader(model, SOURCE[0]), 3, 5, shortest=2)
    assert_same(answer(model, SOURCE[:1]), 0, expected)
    assert listed(answer(made(Markov, search(0, 3), np.zeros((V, V))), SOURCE[:1]), 0)[1] == [(0, 0, 0)]


def test_lower_tokens_come_first_whichever_of_their_prefixes_was_better():
    """3 is better than 2, and what follows either has p = 1 / 8: 0.25 * 0.5 or 0.5 * 0.25."""
    table = np.full((V, V), 1e-9)
    table[START, [END, 2, 3]], table[2, [0, 3]], table[3] = (0.25, 0.25, 0.5), (0.5, 0.5), 0.25
    outputs = answer(made(Markov, search(3, 2, n_best=3), np.log(table)), SOURCE[:1])
    assert listed(outputs, 0)[1] == [(END,), (2, 0), (2, 3)]


@pytest.mark.parametrize("shortest", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_greedy_search_is_a_beam_of_one(shortest, alpha):
    sources = np.random.default_rng(0).integers(0, 16, [20, 3])
    one = answer(made(GruDecoder, search(0, 8, min_length=shortest)), sources)
    beam = answer(made(GruDecoder, search(1, 8, min_length=shortest, length_penalty=alpha)), sources)
    np.testing.assert_array_equal(one["tokens"], beam["tokens"])
    np.testing.assert_array_equal(one["lengths"], beam["lengths"])
    lp = ((5 + one["lengths"]) / 6) ** alpha
    np.testing.assert_allclose(one["scores"] / lp, beam["scores"], rtol=1e-6)
    assert len(set(one["lengths"].ravel())) > 1 and (one["lengths"] >= shortest).all()


def test_the_length_penalty_is_that_of_gnmt():
    lengths = paddle.to_tensor([1, 7, 13])
    np.testing.assert_allclose(penalty_of(lengths, 1.0).numpy(), [1, 2, 3])  # (5 + 7) / 6 is 2
    np.testing.assert_allclose(penalty_of(lengths, 0.5).numpy(), [1, 2**0.5, 3**0.5])
    np.testing.assert_allclose(penalty_of(lengths, 0.0).numpy(), [1, 1, 1])


def test_a_length_penalty_favors_longer_sequences():
    """`end` has log 0.6 = -0.51; `2 3 end` has log (0.4 * 0.9 * 0.9) = -1.13, and -1.13 / (8 / 6) ** 3 is -0.48."""
    table = np.full((V, V), 1e-9)
    table[START, [END, 2]], table[2, [3, END]], table[3, [END, 2]] = (0.6, 0.4), (0.9, 0.1), (0.9, 0.1)
    found = {}
    for alpha in (0.0, 3.0):
        found[alpha] = listed(
            answer(made(Markov, search(SEQUENCES, length_penalty=alpha), np.log(table)), SOURCE[:1]), 0
        )
    assert found[0.0][1] == [(END,)] and found[3.0][1] == [(2, 3, END)]
    assert found[0.0][0] == pytest.approx(np.log(0.6), abs=1e-5)
    assert found[3.0][0] == pytest.approx(np.log(0.324) / (8 / 6) ** 3, abs=1e-5)


def test_every_row_may_start_with_its_own_token():
    table = np.log(np.full((V, V), 0.01) + 0.96 * np.eye(V)[[1, 1, 3, 2]])  # 2 and 3 follow one another
    model = made(Markov, lambda step, state: beam_search(step, state, paddle.to_tensor([2, 3]), END, 2, 2), table)
    assert answer(model, SOURCE[:2])["tokens"].tolist() == [[[3, 2]], [[2, 3]]]


@pytest.mark.parametrize("kind", [GruDecoder, Transformer])
@pytest.mark.parametrize("beams", [0, 3])
def test_a_row_does_not_depend_on_its_batch(kind, beams):
    model = made(kind, search(beams, **({"n_best": 3, "length_penalty": 1.0} if beams else {})), beams or 1)
    together = answer(model, SOURCE)
    for row in range(len(SOURCE)):
        alone = answer(model, SOURCE[row : row + 1])
        np.testing.assert_array_equal(together["tokens"][row], alone["tokens"][0])
        np.testing.assert_allclose(together["scores"][row], alone["scores"][0], rtol=1e-5)


def test_a_token_that_cannot_be_is_never_taken():
    table = np.log(np.full((V, V), 1 / 3))
    table[:, 2] = -np.inf
    outputs = answer(made(Markov, search(40, 3, n_best=40), table), SOURCE[:1])
    scores, tokens = listed(outputs, 0)
    assert tokens[:15] == [item[1] for item in brute_force(reader(made(Markov, None, table), SOURCE[0]), 3)[:15]]
    assert not any(2 in sequence for sequence in tokens)
    assert sum(map(bool, tokens)) == 15 and np.isneginf(scores[15:]).all()  # 1 + 2 + 4 end, 8 have three tokens
    assert (outputs["tokens"][0, 15:] == END).all()


# What it costs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beams", [0, 2])
def test_the_search_ends_when_all_rows_are_done(beams):
    model = made(Markov, search(beams, 50), np.log([[0.1, 0.8, 0.05, 0.05]] * V))
    calls, step = [], model.step
    model.step = lambda tokens, state: (calls.append(len(tokens)), step(tokens, state))[1]
    answer(model, SOURCE)
    assert calls == [len(SOURCE)] if not beams else calls == [2 * len(SOURCE)] * 2


@pytest.mark.parametrize("beams", [0, 3])
def test_a_cache_gives_the_same_and_computes_each_position_once(beams, tmp_path):
    results, counts = [], []
    for kind in (Transformer, RecomputingTransformer):
        model = made(kind, search(beams, min_length=T), beams or 1)
        counts.append([])
        hook = model.key.register_forward_post_hook(
            lambda layer, x, y, seen=counts[-1]: seen.append(y.shape[0] * y.shape[1])
        )
        results.append(answer(model, SOURCE))
        hook.remove()
    np.testing.assert_array_equal(results[0]["tokens"], results[1]["tokens"])
    np.testing.assert_allclose(results[0]["scores"], results[1]["scores"], rtol=1e-5)
    hypotheses = len(SOURCE) * max(beams, 1)
    assert counts == [[hypotheses] * T, [hypotheses * (t + 1) for t in range(T)]]


# The program ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [GruDecoder, Transformer, RecomputingTransformer])
@pytest.mark.parametrize("beams", [0, 1, 3])
def test_the_exported_program_gives_what_the_model_in_memory_gives(kind, beams, tmp_path):
    more = {"length_penalty": 0.6, "n_best": beams} if beams else {}
    model = made(kind, search(beams, min_length=2, **more), beams or 1)
    for run in exported(model, tmp_path):
        for source in (SOURCE, SOURCE[:1], np.concatenate([SOURCE, SOURCE], axis=1)):
            expected, outputs = answer(model, source), run(source)
            np.testing.assert_array_equal(outputs["tokens"], expected["tokens"])
            np.testing.assert_array_equal(outputs["lengths"], expected["lengths"])
            np.testing.assert_allclose(outputs["scores"], expected["scores"], rtol=1e-5)


@pytest.mark.parametrize("kind", [GruDecoder, Transformer])
@pytest.mark.parametrize("beams", [0, 3])
def test_a_program_for_one_batch_size_gives_the_same(kind, beams, tmp_path):
    model = made(kind, search(beams), beams or 1)
    model.inputs = {"source": ([3, 3], "int64")}
    for run in exported(model, tmp_path):
        np.testing.assert_array_equal(run(SOURCE)["tokens"], answer(model, SOURCE)["tokens"])


@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_the_exported_program_finds_what_brute_force_finds(alpha, tmp_path):
    model = made(GruDecoder, search(SEQUENCES, length_penalty=alpha, n_best=SEQUENCES), SEQUENCES)
    for run in exported(model, tmp_path):
        outputs = run(SOURCE)
        for row, source in enumerate(SOURCE):
            assert_same(outputs, row, brute_force(reader(model, source), T, alpha))


@pytest.mark.parametrize("beams", [0, 2])
def test_the_exported_program_ends_when_all_rows_are_done(beams, tmp_path):
    """The model has as many positions as T is elsewhere; a step beyond them is an error of the program."""
    early, late = (
        exported(made(Transformer, search(beams, 50, min_length=shortest), beams or 1), tmp_path / str(shortest))
        for shortest in (1, 50)
    )
    for run in early:
        assert run(SOURCE)["lengths"].max() < T
    with pytest.raises(Exception, match=r"(?i)embedding|input"):
        late[0](SOURCE)


class StateUsedAgain(GruDecoder):
    """Returns the state that the search began with, besides."""

    outputs = ["tokens", "lengths", "scores", "hidden"]

    def forward(self, source):
        """The sequences, and the first state."""
        step, state = self.begin(source)
        return *self.search(step, state), state["hidden"][0] * 1.0


@pytest.mark.parametrize("beams", [0, 2])
def test_the_first_state_may_be_used_again_after_the_search(beams, tmp_path):
    model = made(StateUsedAgain, search(beams), beams or 1)
    for run in exported(model, tmp_path):
        for name, value in answer(model, SOURCE).items():
            np.testing.assert_allclose(run(SOURCE)[name], value, rtol=1e-4)


# Refusals -------------------------------------------------------------------------------------------------------------


def test_beams_repeat_each_row_in_place():
    found = repeat_beams({"a": (paddle.to_tensor([[1], [2]]),)}, 2)
    assert found["a"][0].numpy().tolist() == [[1], [1], [2], [2]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_length": 0}, "max_length is 0"),
        ({"min_length": 9}, "min_length 9"),
        ({"n_best": 3}, "n_best is 3 and beam_size 2"),
        ({"beam_size": 0}, "beam_size 0"),
    ],
)
def test_what_allows_no_search_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        beam_search(None, [paddle.zeros([1, 1])], **({"start": 0, "end": 1, "max_length": 4, "beam_size": 2} | options))


def test_a_step_that_changes_the_state_s_structure_is_refused():
    state = {"a": paddle.zeros([1, 1])}
    for find in (search(0), search(2)):
        with pytest.raises(ValueError, match="a state of 1 tensors and returned one of 2"):
            find(lambda tokens, state: (paddle.zeros([len(tokens), V]), {**state, "b": state["a"]}), state)
        with pytest.raises(ValueError, match="holds no tensor"):
            find(lambda tokens, state: (paddle.zeros([len(tokens), V]), state), {})


def test_a_vocabulary_of_one_token_is_refused():
    with pytest.raises(ValueError, match="logits of 1"):
        search(2)(lambda tokens, state: (paddle.zeros([len(tokens), 1]), state), [paddle.zeros([1, 1])])
