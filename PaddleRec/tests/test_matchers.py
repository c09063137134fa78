"""Matchers: the model contract, the published parameter counts, padding, unknown items, and a learnable pattern."""

import numpy as np
import paddle
import pytest

from common.testing import check_model, count_parameters
from PaddleRec.models.matchers.gru4rec import GRU4Rec
from PaddleRec.models.matchers.sr_gnn import SRGNN
from PaddleRec.models.matchers.ssr import SSR
from PaddleRec.models.matchers.tagspace import TagSpace
from PaddleRec.models.matchers.word2vec import Word2Vec

SESSIONS = {
    "items": np.array([[3, 1, 3, 5], [2, 4, -1, -1], [7, -1, -1, -1]]),
    "targets": np.array([[1, 3, 5, 2], [4, 6, -1, -1], [0, -1, -1, -1]]),
    "target": np.array([2, 6, 8]),
}
WORDS = {
    "items": np.array([[1], [4], [6]]),
    "target": np.array([2, 3, 5]),
    "negatives": np.array([[3, 9], [1, 2], [8, 7]]),
    "log_noise": np.log(np.array([[0.2, 0.1, 0.05], [0.1, 0.4, 0.2], [0.1, 0.1, 0.1]], "float32")),
}
TEXTS = {"text": np.array([[1, 5, 2, 9], [3, 3, -1, -1], [-1, -1, -1, -1]]), "target": np.array([1, 2, 3])}
MODELS = {
    "GRU4Rec": (lambda: GRU4Rec(10, 4, 6, top_k=5), SESSIONS),
    "GRU4Rec tied": (lambda: GRU4Rec(10, 4, 6, tied=True, top_k=5), SESSIONS),
    "GRU4Rec sampled": (lambda: GRU4Rec(10, 4, 6, loss="sampled_cross_entropy", num_negatives=8, top_k=5), SESSIONS),
    "GRU4Rec bpr": (lambda: GRU4Rec(10, 4, 6, loss="bpr", num_negatives=8, top_k=5), SESSIONS),
    "SR-GNN": (lambda: SRGNN(10, 4, steps=2, top_k=5), SESSIONS),
    "SSR": (lambda: SSR(10, 4, 6, top_k=5), SESSIONS),
    "word2vec": (lambda: Word2Vec(10, 4, top_k=5), WORDS),
    "word2vec nce": (lambda: Word2Vec(10, 4, loss="nce", top_k=5), WORDS),
    "TagSpace": (lambda: TagSpace(10, 4, 4, hidden=6, margin=2.5), TEXTS),
}


def seeded(name):
    def made():
        paddle.seed(2)
        model = MODELS[name][0]()
        for parameter in model.parameters():
            if parameter.abs().max().item() < 0.2:
                parameter.set_value(paddle.randn(parameter.shape) * 0.3)
        return model

    return made


@pytest.mark.parametrize("name", MODELS)
def test_a_matcher_keeps_the_contract(name, tmp_path):
    check_model(seeded(name), MODELS[name][1], tmp_path)


@pytest.mark.parametrize(
    ("make", "published"),
    [
        (lambda: GRU4Rec(37484), 7594884),
        (lambda: SRGNN(43098), 4460500),
        (lambda: SSR(37484), 4889652 + 300),  # its GRU has a second bias
        (lambda: TagSpace(75378, 4), 814830),
        (lambda: Word2Vec(1000, 300), 1000 * 601),  # published for 354,051 words: 212,784,651 = 354,051 * 601
    ],
    ids=["GRU4Rec", "SR-GNN", "SSR", "TagSpace", "word2vec"],
)
def test_a_full_size_matcher_has_the_published_parameter_count(make, published):
    assert count_parameters(make())[0] == published


@pytest.mark.parametrize("name", ["GRU4Rec", "SR-GNN", "SSR"])
def test_padding_does_not_change_the_query(name):
    model = seeded(name)()
    model.eval()
    items = paddle.to_tensor(SESSIONS["items"])
    longer = paddle.concat([items, paddle.full([3, 6], -1, "int64")], axis=1)
    np.testing.assert_allclose(model.predict(items).numpy(), model.predict(longer).numpy(), atol=1e-6)


def test_the_unknown_item_is_never_recommended():
    model = seeded("SR-GNN")()
    model.eval()
    items, scores = model(paddle.to_tensor(SESSIONS["items"]))
    assert items.shape == [3, 5] and (items.numpy() > 0).all() and (np.diff(scores.numpy(), axis=1) <= 0).all()


@pytest.mark.parametrize("name", ["GRU4Rec", "GRU4Rec tied", "GRU4Rec sampled", "GRU4Rec bpr", "SR-GNN", "SSR"])
def test_a_matcher_learns_the_next_item(name):
    rng = np.random.default_rng(0)
    first = rng.integers(1, 10, 64)
    items = np.stack([first, first % 9 + 1], 1)  # k is followed by k + 1, and that by k + 2
    targets = np.stack([items[:, 1], items[:, 1] % 9 + 1], 1)
    batch = {"items": items, "targets": targets, "target": targets[:, 1]}
    batch = {name: paddle.to_tensor(value) for name, value in batch.items()}
    paddle.seed(0)
    model = MODELS[name][0]()
    optimizer = paddle.optimizer.Adam(0.03, parameters=model.parameters())
    for _ in range(150):
        sum(model.loss(batch).values()).backward()
        optimizer.step()
        optimizer.clear_grad()
    model.eval()
    assert (model(batch["items"])[0][:, 0] == batch["target"]).numpy().mean() > 0.9


@pytest.mark.parametrize("loss", ["cross_entropy", "sampled_cross_entropy", "bpr"])
def test_a_batch_without_known_targets_has_a_loss_of_zero(loss):
    model = GRU4Rec(10, 4, 6, loss=loss, num_negatives=8, top_k=5)
    batch = {"items": paddle.to_tensor([[1, 2]]), "targets": paddle.to_tensor([[0, -1]])}
    (found,) = model.loss(batch).values()
    found.backward()
    assert found.item() == 0.0


def test_an_unknown_target_is_ignored():
    paddle.seed(0)
    ssr, tags = SSR(10, 4, 6, top_k=5), TagSpace(10, 4, 4, hidden=6, margin=2.5)
    for model, batch in ((ssr, {"items": paddle.to_tensor([[1, 2]])}), (tags, {"text": paddle.to_tensor([[1, 2]])})):
        (found,) = model.loss(batch | {"target": paddle.to_tensor([0])}).values()
        assert found.item() == 0.0


def test_analogies_are_sums_of_unit_vectors():
    model = Word2Vec(5, 2)
    model.items.table.weight.set_value(np.array([[0, 0], [2, 0], [0, 3], [1, 1], [-4, 0]], "float32"))
    # b - a + c of (1, 2, 4) is (0,1) - (1,0) + (-1,0) = (-2, 1), of length sqrt 5
    np.testing.assert_allclose(
        model.predict(paddle.to_tensor([[1, 2, 4]])).numpy(), [[-2 / 5**0.5, 1 / 5**0.5]], rtol=1e-5
    )
    items, scores = model(paddle.to_tensor([[1]]))
    assert items[0, :2].tolist() == [1, 3] and scores[0, 0].item() == pytest.approx(1)
