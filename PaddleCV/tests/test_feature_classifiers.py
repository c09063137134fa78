"""The classifiers of features of videos: the contract, padding, formulas by hand, files, converted pickles."""

import pickle

import numpy as np
import paddle
import pytest

from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.testing import check_model
from common.vision.feature_files import LoadFeatures, dequantize, quantize, read_features
from common.weights.pdparams import UnsafeFile
from PaddleCV.data.feature_list import FeatureList
from PaddleCV.metrics.global_average_precision import GlobalAveragePrecision
from PaddleCV.models.feature_aggregators.attention_cluster import AttentionCluster, Cluster
from PaddleCV.models.feature_aggregators.attention_lstm import AttentionLSTM, weighted_mean
from PaddleCV.models.feature_aggregators.nextvlad import NeXtVLAD, Residuals
from PaddleCV.models.heads.tanh_head import TanhHead
from PaddleCV.models.losses.classification_losses import MultiLabelLoss
from PaddleCV.models.video_classifiers.feature_classifier import FeatureClassifier
from PaddleCV.tools.convert_features import convert_features

SIZES = [6, 4]
AGGREGATORS = {
    "attention_lstm": lambda: AttentionLSTM(SIZES, 5, 3, dropout=0.0),
    "attention_cluster": lambda: AttentionCluster(SIZES, [3, 2]),
    "nextvlad": lambda: NeXtVLAD(SIZES, clusters=3, groups=2, hidden_size=8, reduction=2, dropout=0.0),
}

# constants that a softmax, or the normalization after it, takes away again
UNSEEN = ["*attention.bias", "aggregator.parts.*.norm.bias"]


def classifier(name):
    paddle.seed(0)
    aggregator = AGGREGATORS[name]()
    return FeatureClassifier(aggregator, TanhHead(aggregator.out_channels, 3, [7]), MultiLabelLoss(), SIZES)


def batch():
    """Two videos, of 5 and of 3 frames, the second one padded."""
    rng = np.random.default_rng(0)
    rgb, audio = (rng.normal(size=(2, 5, size)).astype("float32") for size in SIZES)
    rgb[1, 3:] = audio[1, 3:] = 0
    label = np.array([[1, 0, 1], [0, 1, 0]], "float32")
    return {"rgb": rgb, "audio": audio, "length": np.array([5, 3]), "label": label}


@pytest.mark.parametrize("name", AGGREGATORS)
def test_a_classifier_of_features_keeps_the_contract_and_does_not_see_padding(name, tmp_path):
    model = check_model(lambda: classifier(name), batch(), tmp_path, UNSEEN)
    given = {key: paddle.to_tensor(value) for key, value in batch().items()}
    whole = model.predict(given["rgb"], given["audio"], given["length"])[1:]
    alone = model.predict(given["rgb"][1:, :3], given["audio"][1:, :3], given["length"][1:])
    np.testing.assert_allclose(whole.numpy(), alone.numpy(), rtol=1e-4, atol=1e-6)


def test_padding_does_not_count_in_the_statistics_of_nextvlad():
    longer = {key: np.pad(batch()[key], ((0, 0), (0, 4), (0, 0))) for key in ("rgb", "audio")}
    found = []
    for given in (batch(), longer):
        model = classifier("nextvlad")
        model.train()
        found.append(model.predict(*(paddle.to_tensor(given.get(key, batch()[key])) for key in model.inputs)).numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)


def test_a_mean_is_weighted_by_the_softmax_over_the_frames():
    x = paddle.to_tensor([[[1.0], [3.0], [100.0]]])  # the third frame is padding
    logits = paddle.to_tensor([[[0.0], [float(np.log(3))], [9.0]]])
    found = weighted_mean(x, logits, paddle.to_tensor([[1.0, 1.0, 0.0]]))
    assert found.item() == pytest.approx((1 * 1 + 3 * 3) / 4)


def test_a_cluster_is_scaled_shifted_and_of_length_one_over_the_root_of_the_units():
    cluster = Cluster(2, 4)
    cluster.shift.set_value(paddle.to_tensor([[1.0], [0.0], [0.0], [0.0]]))
    x = paddle.to_tensor([[[2.0, 3.0]]])  # one frame: each unit sees it
    found = cluster(x, paddle.to_tensor([1])).reshape([4, 2]).numpy()
    np.testing.assert_allclose(found[0], np.array([3, 4]) / 5 / 2, rtol=1e-6)
    np.testing.assert_allclose(found[1], np.array([2, 3]) / 13**0.5 / 2, rtol=1e-6)


def test_residuals_are_those_to_the_clusters_by_share_and_attention():
    paddle.seed(0)
    part = Residuals(2, 2, 1, 1)
    part.eval()
    x = paddle.randn([1, 3, 2])
    frames = part.expand(x)[0].numpy()
    share = paddle.nn.functional.softmax(part.assign_norm(part.assign(part.expand(x)[0]))).numpy()
    share = share * paddle.nn.functional.sigmoid(part.attention(part.expand(x)))[0].numpy()
    sums = np.zeros((2, 2))
    for frame, weights in zip(frames, share):
        sums += np.outer(frame, weights) - part.centers.numpy() * weights
    expected = (sums / np.linalg.norm(sums, axis=0)).reshape(-1) / (1 + 1e-5) ** 0.5
    np.testing.assert_allclose(part(x, paddle.to_tensor([3]))[0].numpy(), expected, rtol=1e-4)


def test_gap_is_the_average_precision_of_all_best_classes():
    class Data:
        labels = ["a", "b", "c"]

    metric = GlobalAveragePrecision(Data, k=2)
    scores = np.array([[0.9, 0.5, 0.1], [0.3, 0.8, 0.6]])
    metric.update({"scores": scores}, {"label": np.array([[1, 0, 1], [0, 0, 1]], "float32")})
    # the list is .9 (right), .8 (wrong), .6 (right), .5 (wrong); 3 classes are there: (1/1 + 2/3) / 3
    assert metric.compute() == {"gap": pytest.approx(5 / 9), "hit1": 0.5}
    metric.merge([metric.state(), metric.state()])
    assert metric.compute()["hit1"] == 0.5


def test_quantizing_undoes_dequantizing():
    steps = np.arange(256, dtype=np.uint8)
    assert np.array_equal(quantize(dequantize(steps)), steps)
    assert dequantize(steps)[0] == pytest.approx(-2 + 4 / 512)


def test_features_are_read_cut_and_sampled(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, rgb=np.arange(20, dtype=np.float32).reshape(10, 2), audio=np.zeros((10, 1), np.uint8))
    keys = {"names": ["rgb", "audio"], "sizes": [2, 1]}
    found = LoadFeatures(**keys, most=4)({"path": path}, random_for(0))
    assert found["length"] == 4 and found["rgb"][:, 0].tolist() == [0, 2, 4, 6] and found["audio"].dtype == np.float32
    found = LoadFeatures(**keys, frames=5)({"path": path}, random_for(0))
    assert found["rgb"][:, 0].tolist() == [0, 4, 8, 12, 16]  # the first of each two: (0.5 * (2 - 1)) rounded down
    data = (tmp_path / "a.npz").read_bytes()
    assert LoadFeatures(**keys)({"path": "sent", "data": data}, random_for(0))["length"] == 10


def test_bad_files_of_features_are_named_with_their_line(tmp_path):
    np.savez(tmp_path / "good.npz", rgb=np.zeros((3, 2)), audio=np.zeros((3, 1)))
    np.savez(tmp_path / "short.npz", rgb=np.zeros((3, 2)), audio=np.zeros((2, 1)))
    np.savez(tmp_path / "pickled.npz", rgb=np.array([{}], object), audio=np.zeros((2, 1)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:100])
    (tmp_path / "text.npz").write_text("hello")
    names = ("good", "short", "pickled", "cut", "text")
    (tmp_path / "train_list.txt").write_text("".join(f"{name}.npz 0,1\n" for name in names))
    data = FeatureList(str(tmp_path))
    assert [issue.place for issue in data.check()] == ["line 3", "line 4", "line 5"]
    load = LoadFeatures(sizes=[2, 1])
    words = [None, "different numbers of frames: rgb 3, audio 2", "damaged", "damaged", "not a file of features"]
    for number, word in enumerate(words):
        if word is None:
            assert load(data[number], random_for(0))["label"].tolist() == [1, 1]
            continue
        with pytest.raises(BadSample, match=word) as raised:
            load(data[number], random_for(0))
        assert f"train_list.txt: line {number + 1}" in raised.value.issue.place


def test_pickles_of_the_original_are_converted_and_code_is_refused(tmp_path):
    record = {
        "video": "a/b",
        "feature": np.full((4, 2), 7, np.uint8),
        "audio": np.ones((4, 1), np.uint8),
        "label": [3, 1],
    }
    source = tmp_path / "train.pkl"
    source.write_bytes(pickle.dumps([record, {**record, "label": np.array([2])}], protocol=2))
    assert convert_features([source], tmp_path / "out", "train_list.txt") == 2
    assert (tmp_path / "out/train_list.txt").read_text() == "train_list/a_b.npz 1,3\ntrain_list/a_b_.npz 2\n"
    assert read_features(str(tmp_path / "out/train_list/a_b.npz"), "a")["rgb"].tolist() == [[7, 7]] * 4
    source.write_bytes(pickle.dumps([{**record, "label": "x"}], protocol=2))
    with pytest.raises(DataError, match=r"train.pkl: record 0: 'label' is missing"):
        convert_features([source], tmp_path / "other", "train_list.txt")
    source.write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    with pytest.raises(UnsafeFile):
        convert_features([source], tmp_path / "third", "train_list.txt")
