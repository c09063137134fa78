"""The conditional random field against the enumeration of all paths, and numbers worked out by hand."""

import itertools

import numpy as np
import paddle
import pytest

from PaddleNLP.models.decoders.viterbi import viterbi
from PaddleNLP.models.heads.crf_head import CRFHead
from PaddleNLP.models.losses.crf_loss import log_partition, path_score


def random_case(tokens, tags, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2, (1, tokens, tags)).astype("float32"), rng.normal(0, 2, (tags + 2, tags)).astype("float32")


def score_of(path, emissions, transitions):
    total = transitions[0, path[0]] + transitions[1, path[-1]]
    total += sum(emissions[0, t, tag] for t, tag in enumerate(path))
    return total + sum(transitions[2 + a, b] for a, b in itertools.pairwise(path))


def all_paths(emissions, transitions):
    paths = list(itertools.product(range(transitions.shape[1]), repeat=emissions.shape[1]))
    return paths, np.array([score_of(path, emissions, transitions) for path in paths])


def test_the_score_of_a_path_is_its_emissions_its_transitions_and_both_ends():
    emissions = paddle.to_tensor([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
    transitions = paddle.to_tensor([[0.1, 0.2], [0.3, 0.4], [10.0, 20.0], [30.0, 40.0]])
    mask = paddle.to_tensor([[1.0, 1.0, 0.0]])
    found = path_score(emissions, transitions, paddle.to_tensor([[0, 1, 0]]), mask)
    assert found.item() == pytest.approx(0.1 + 1 + 20 + 4 + 0.4)  # start 0, tag 0, 0 -> 1, tag 1, stop 1


def test_two_tags_and_one_token_are_a_softmax():
    emissions, transitions = paddle.to_tensor([[[1.0, 3.0]]]), paddle.zeros([4, 2])
    found = log_partition(emissions, transitions, paddle.ones([1, 1]))
    assert found.item() == pytest.approx(np.log(np.exp(1) + np.exp(3)), rel=1e-6)


@pytest.mark.parametrize(("tokens", "tags"), [(1, 2), (2, 3), (4, 3), (5, 2)])
def test_the_forward_algorithm_sums_over_all_paths(tokens, tags):
    emissions, transitions = random_case(tokens, tags, seed=tokens)
    _, scores = all_paths(emissions, transitions)
    longer = np.concatenate([emissions, np.full((1, 2, tags), 50, "float32")], 1)  # padding changes nothing
    mask = paddle.to_tensor([[1.0] * tokens + [0.0] * 2])
    found = log_partition(paddle.to_tensor(longer), paddle.to_tensor(transitions), mask)
    assert found.item() == pytest.approx(np.log(np.exp(scores.astype("float64")).sum()), rel=1e-5)


@pytest.mark.parametrize(("tokens", "tags"), [(1, 2), (2, 3), (4, 3), (5, 2)])
def test_viterbi_finds_the_best_of_all_paths(tokens, tags):
    for seed in range(8):
        emissions, transitions = random_case(tokens, tags, seed)
        paths, scores = all_paths(emissions, transitions)
        longer = np.concatenate([emissions, np.full((1, 2, tags), 50, "float32")], 1)
        found = viterbi(paddle.to_tensor(longer), paddle.to_tensor(transitions), paddle.to_tensor([tokens]))
        assert found.numpy()[0].tolist() == [*paths[int(scores.argmax())], 0, 0]


def test_forbidden_transitions_are_never_taken_and_the_loss_stays_finite():
    emissions, transitions = random_case(6, 3, seed=1)
    transitions[2 + 0, 0] = transitions[2 + 1, 1] = transitions[2 + 2, 2] = -1e4
    found = viterbi(paddle.to_tensor(emissions), paddle.to_tensor(transitions), paddle.to_tensor([6])).numpy()[0]
    assert (found[1:] != found[:-1]).all()
    total = log_partition(paddle.to_tensor(emissions), paddle.to_tensor(transitions), paddle.ones([1, 6]))
    _, scores = all_paths(emissions, transitions)
    assert total.item() == pytest.approx(np.log(np.exp(scores.astype("float64")).sum()), rel=1e-4)


def test_the_loss_is_the_mean_of_the_negative_log_probabilities_and_its_gradient_is_finite():
    paddle.seed(0)
    head = CRFHead(4, 3, init=0.5, outside=2)
    features, tags = paddle.randn([2, 3, 4]), paddle.to_tensor([[0, 1, -1], [2, -1, -1]])
    emissions = head(features)
    loss = head.loss(emissions, tags, paddle.to_tensor([3, 1]))["loss_crf"]
    expected = []
    for row, length, path in ((0, 3, [0, 1, 2]), (1, 1, [2])):
        part = emissions.numpy()[row : row + 1, :length]
        _, scores = all_paths(part, head.transitions.numpy())
        expected.append(np.log(np.exp(scores).sum()) - score_of(path, part, head.transitions.numpy()))
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-4)
    loss.backward()
    assert np.isfinite(head.transitions.grad.numpy()).all() and np.any(head.transitions.grad.numpy())
