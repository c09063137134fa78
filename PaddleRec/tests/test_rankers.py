"""Rankers: the model contract, the published parameter counts, unknown ids and empty histories."""

import numpy as np
import paddle
import pytest

from common.testing import check_model, count_parameters
from PaddleRec.models.matchers.multiview_simnet import MultiviewSimNet
from PaddleRec.models.rankers.dcn import DCN, embedding_width
from PaddleRec.models.rankers.deepfm import DeepFM
from PaddleRec.models.rankers.din import DIN
from PaddleRec.models.rankers.logistic_regression import LogisticRegression
from PaddleRec.models.rankers.slot_dnn import SlotDNN
from PaddleRec.models.rankers.wide_deep import WideDeep
from PaddleRec.models.rankers.xdeepfm import XDeepFM
from PaddleRec.models.towers.text_encoders import BOWEncoder, CNNEncoder, GRUEncoder

RNG = np.random.default_rng(0)
TABLE = {
    "numbers": RNG.normal(size=(4, 3)).astype("float32"),
    "ids": np.array([[0, 5], [3, 3], [99, 1], [-7, 2]]),
    "label": np.array([0, 1, 1, 0], "float32"),
}
MODELS = {
    "LogisticRegression": lambda: LogisticRegression(3, 2, 50),
    "WideDeep": lambda: WideDeep(3, 2, 50, width=4, hidden=[8]),
    "DeepFM": lambda: DeepFM(3, 2, 50, width=4, hidden=[8, 8]),
    "xDeepFM": lambda: XDeepFM(3, 2, 50, width=4, hidden=[8], maps=[3, 2], activation="relu"),
    "DCN": lambda: DCN(3, [50, 20], width=4, depth=2, hidden=[8, 8]),
}


def enlarge(model):
    """Weights large enough for activations of every sign, so that a gradient reaches all of them."""
    for parameter in model.parameters():
        if parameter.ndim == 2 and parameter.abs().max().item() < 0.1:
            parameter.set_value(paddle.randn(parameter.shape) * 0.5)
    return model


def seeded(make):
    def made():
        paddle.seed(3)
        return enlarge(make())

    return made


@pytest.mark.parametrize("name", MODELS)
def test_a_ranker_of_tables_keeps_the_contract(name, tmp_path):
    check_model(seeded(MODELS[name]), TABLE, tmp_path)


def test_din_keeps_the_contract_with_histories_of_any_length(tmp_path):
    batch = {
        "history": np.array([[1, 2, 3], [4, -1, -1], [-1, -1, -1], [0, 9, 900]]),
        "history_groups": np.array([[1, 1, 2], [3, -1, -1], [-1, -1, -1], [0, 2, 90]]),
        "item": np.array([1, 2, 0, 10**9]),
        "group": np.array([1, 0, 3, 2]),
        "label": np.array([1, 0, 0, 1], "float32"),
    }
    model = check_model(seeded(lambda: DIN(10, 4, width=4, attention=[5], hidden=[6])), batch, tmp_path)
    inputs = [paddle.to_tensor(batch[name]) for name in model.inputs]
    longer = [paddle.concat([x, paddle.full([4, 5], -1, "int64")], axis=1) for x in inputs[:2]] + inputs[2:]
    np.testing.assert_allclose(model(*inputs).numpy(), model(*longer).numpy(), rtol=1e-5)


def test_the_slot_network_keeps_the_contract(tmp_path):
    slots = np.array([[[1, 2], [3, -1]], [[-1, -1], [4, 70]], [[5, -1], [0, -1]]])
    check_model(
        seeded(lambda: SlotDNN(2, 10, width=3, hidden=[6])),
        {"slots": slots, "label": np.array([1, 0, 1], "float32")},
        tmp_path,
    )


def test_multiview_simnet_keeps_the_contract_with_three_views(tmp_path):
    words = RNG.integers(0, 20, (3, 3, 5))
    words[:, :, 3:] = -1
    batch = dict(zip(("query", "title", "negative"), words))

    def encoders():
        return [BOWEncoder(4), CNNEncoder(4, 6), GRUEncoder(4, 5)]

    check_model(seeded(lambda: MultiviewSimNet(encoders(), encoders(), 20, 4, 6, margin=2.0)), batch, tmp_path)


@pytest.mark.parametrize(
    ("make", "published"),
    [
        (lambda: DeepFM(13, 26, 1086448), 12428672),
        (lambda: XDeepFM(13, 26, 28639, hidden=[10, 10, 10], maps=[10, 10]), 338445),
        (lambda: DIN(63001, 801), 4231003),
        (lambda: MultiviewSimNet([BOWEncoder(128)], [BOWEncoder(128)], 1000), 161024),
    ],
    ids=["DeepFM", "xDeepFM", "DIN", "MultiviewSimNet"],
)
def test_a_full_size_ranker_has_the_published_parameter_count(make, published):
    assert count_parameters(make()) == (published, 0)


def test_the_embedding_sizes_of_dcn_are_six_fourth_roots():
    assert [embedding_width(rows) for rows in (1, 16, 10000)] == [6, 12, 60]
    # 3 numbers + 2 columns of 4; tables 50*4 + 20*4, cross 2 * 2 * 11, layers 11*8+8 and 8*8+8, norms 2*16, out 11+8+1
    assert count_parameters(MODELS["DCN"]()) == (280 + 44 + 96 + 72 + 32 + 20, 32)


@pytest.mark.parametrize("name", MODELS)
def test_a_ranker_learns_a_rule(name):
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 20, (256, 2))
    batch = {
        "numbers": paddle.to_tensor(rng.normal(size=(256, 3)).astype("float32")),
        "ids": paddle.to_tensor(ids),
        "label": paddle.to_tensor((ids[:, 0] % 2 == 0).astype("float32")),
    }
    paddle.seed(0)
    model = MODELS[name]()
    optimizer = paddle.optimizer.Adam(0.05, parameters=model.parameters())
    for _ in range(60):
        loss = model.loss(batch)["loss_log"]
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    assert loss.item() < (0.45 if name == "LogisticRegression" else 0.2)
