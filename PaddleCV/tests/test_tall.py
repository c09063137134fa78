"""TALL: the published size, the contract, its loss, windows, targets and scores by hand, converted pickles."""

import json
import pickle
import types

import numpy as np
import paddle
import pytest

from common.errors import BadSample, ConfigError, DataError
from common.inference.sources import open_source
from common.inference.tasks.caption import Caption
from common.inference.tasks.moment_retrieval import MomentRetrieval, ranked_moments
from common.testing import check_model, count_parameters
from common.text.sentence_vectors import SentenceVector
from common.vision.feature_files import LoadFeatures
from common.vision.moments import ChooseWindow, SlideWindows, fitting_windows, sliding_windows, window_means
from common.weights.pdparams import UnsafeFile
from PaddleCV.data.captions import VideoCaptions
from PaddleCV.metrics.moment_recall import MomentRecall
from PaddleCV.models.localizers.tall import TALL
from PaddleCV.models.losses.tall_loss import TALLLoss, alignment_loss
from PaddleCV.tools.convert_tacos import convert_tacos, unit_features


def small():
    paddle.seed(0)
    return TALL(TALLLoss(0.5), features=2, sentence_size=5, semantic_size=4, hidden_size=8)


def batch():
    rng = np.random.default_rng(0)
    clips, vectors, offsets = (rng.normal(size=shape).astype("float32") for shape in ((3, 1, 6), (3, 5), (3, 2)))
    return {"clips": clips, "sentence_vector": vectors, "offsets": offsets}


def test_tall_keeps_the_contract(tmp_path):
    check_model(small, batch(), tmp_path)


def test_tall_has_the_parameters_of_the_original_which_has_no_biases():
    with paddle.LazyGuard():
        model = TALL(TALLLoss())
    assert count_parameters(model)[0] == 21_597_112 == 3 * 4096 * 1024 + 4800 * 1024 + 4 * 1024 * 1000 + 3 * 1000
    assert not any(name.endswith("bias") for name in model.state_dict())


def test_the_loss_compares_every_clip_with_every_sentence():
    model, given = small(), {key: paddle.to_tensor(value) for key, value in batch().items()}
    found = model.loss(given)
    table = paddle.stack(
        [model.predict(given["clips"][:, 0].unsqueeze(0), row.unsqueeze(0))[0] for row in given["sentence_vector"]]
    )
    expected = model.loss_terms(table, given["offsets"])
    for name in ("loss_alignment", "loss_offsets"):
        assert found[name].item() == pytest.approx(expected[name].item(), rel=1e-5)
    true = [table[k, k, 1:].numpy() - batch()["offsets"][k] for k in range(3)]
    assert expected["loss_offsets"].item() == pytest.approx(0.5 * np.abs(true).mean(), rel=1e-5)


def test_the_alignment_by_hand():
    # scores 0: each of 4 pairs is log 2; the true ones count 1 + 1/2, the others 1/2; divided by 4
    assert alignment_loss(paddle.zeros([2, 2]), paddle.eye(2)).item() == pytest.approx(4 * np.log(2) / 4, rel=1e-5)
    scores = paddle.to_tensor([[2.0, -1.0], [0.0, 3.0]])
    soft = lambda x: np.log1p(np.exp(x))  # noqa: E731
    expected = (1.5 * (soft(-2) + soft(-3)) + 0.5 * (soft(-1) + soft(0))) / 4
    assert alignment_loss(scores, paddle.eye(2)).item() == pytest.approx(expected, rel=1e-5)


def test_windows_slide_from_the_first_step_to_the_last():
    assert sliding_windows(6, [4], 0.5).tolist() == [[0, 4], [2, 6]]
    assert sliding_windows(5, [4], 0.5).tolist() == [[0, 4], [1, 5]]  # the last one ends with the video
    assert sliding_windows(3, [4, 8], 0.8).tolist() == [[0, 3]]  # longer than the video: all of it, once
    with pytest.raises(ValueError, match="overlap 1"):
        SlideWindows([4], overlap=1)


def test_the_features_of_a_window_are_means_before_in_and_after_it():
    features = np.array([[1.0], [2.0], [4.0], [8.0], [16.0]])
    found = window_means(features, np.array([[2, 4], [0, 2], [1, 4], [3, 5]]))
    assert found.tolist() == [[1.5, 6, 16], [1.5, 1.5, 6], [1, pytest.approx(14 / 3), 16], [3, 12, 12]]


def test_windows_that_fit_overlap_enough_and_lie_inside():
    spans = np.array([[0, 8], [2, 6], [1, 7], [4, 12], [3, 5]], np.float64)
    # of the segment 2 to 8: overlaps 6/8, 4/6, 5/7, 4/10, 2/6; shares outside 1/4, 0, 1/6, 1/2, 0
    assert fitting_windows(spans, [2.0, 8.0], 0.5, 0.15).tolist() == [1]
    assert fitting_windows(spans, [2.0, 8.0], 0.5, 0.2).tolist() == [1, 2]
    assert fitting_windows(spans, [2.0, 8.0], 0.9, 0.15).tolist() == [0]  # none: the one of the largest overlap


def test_the_offsets_are_what_is_added_to_the_window_again():
    features = np.arange(12.0)[:, None]
    sample = {"features": features, "length": np.int64(12), "segment": np.array([0.25, 0.75])}
    sample = SlideWindows([4, 6], 0.5)(sample, None)
    spans = sample["spans"]
    sample = ChooseWindow(0.5, 0.15)(sample, np.random.default_rng(0))
    assert sample["clips"].shape == (1, 3) and "features" not in sample and "spans" not in sample
    assert any(np.allclose(span + sample["offsets"], [3, 9]) for span in spans)
    outputs = {"scores": np.zeros((1, len(spans))), "offsets": np.array([3.0, 9.0]) - spans[None]}
    (records,) = MomentRetrieval().records(outputs, [{"spans": spans, "length": 12, "duration": 6.0}], None, 0.0)
    assert [(record["start"], record["end"]) for record in records] == [(1.5, 4.5)]  # all windows say the same


def test_moments_are_ranked_and_padding_is_none():
    scores, spans = np.array([0.2, 0.9, 0.99]), np.array([[0.0, 4.0], [4.0, 8.0]])
    offsets = np.array([[0.0, 1.0], [-1.0, 5.0], [0.0, 0.0]])
    segments, scores = ranked_moments(scores, offsets, spans, 10)
    assert segments.tolist() == [[0.3, 1.0], [0.0, 0.5]] and scores.tolist() == [0.9, 0.2]  # 13 steps are cut to 10
    collapsed = ranked_moments(np.array([0.5]), np.array([[5.0, 0.0]]), spans[:1], 10)[0]
    assert collapsed.tolist() == [[0.0, 0.4]]


def test_recall_of_moments_by_hand():
    metric = MomentRecall(MomentRetrieval(), first=[1, 2], overlaps=[0.5, 0.7])
    metric.add(np.array([[0.0, 0.6], [0.4, 1.0]]), np.array([0.4, 1.0]))  # overlaps 0.2 and 1
    metric.add(np.array([[0.0, 0.6]]), np.array([0.0, 1.0]))  # 0.6
    metric.add(np.zeros((0, 2)), np.array([0.0, 1.0]))
    found = metric.compute()
    expected = {"r1_iou50": 1 / 3, "r1_iou70": 0, "r2_iou50": 2 / 3, "r2_iou70": 1 / 3, "mean_iou": 0.8 / 3}
    assert found == pytest.approx(expected)
    metric.merge([metric.state(), metric.state()])
    assert metric.compute() == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"postprocess\.keep"):
        MomentRecall(MomentRetrieval(keep=1))


def test_a_sentence_becomes_counts_of_words_and_their_places(tmp_path):
    (tmp_path / "vocab.txt").write_text("<unk>\nleft\nthen\nup\n")
    words = SentenceVector(8, str(tmp_path / "vocab.txt"))
    found = words({"sentence": "Left then up"}, None)["sentence_vector"]
    assert found.tolist() == [0, 1, 1, 1, 0, 0, 0.5, 1]
    assert words({"sentence": "up then left"}, None)["sentence_vector"].tolist() == [0, 1, 1, 1, 0, 1, 0.5, 0]
    with pytest.raises(BadSample, match="has no sentence to search for"):
        words({"path": "v.npz"}, None)
    with pytest.raises(BadSample, match="the sentence is empty"):
        words({"sentence": " "}, None)
    with pytest.raises(BadSample, match=r"expected finite numbers \[3\]"):
        SentenceVector(3)({"sentence_vector": np.zeros(4)}, None)
    with pytest.raises(ValueError, match="4 words, so it is 8"):
        SentenceVector(4, str(tmp_path / "vocab.txt"))


def test_a_sentence_is_given_in_the_file_or_by_the_caller(tmp_path):
    path = str(tmp_path / "v.npz")
    np.savez(path, features=np.ones((3, 2), np.float32), sentence="up then left")
    load = LoadFeatures(["features"], [2], also=["sentence"])
    assert load({"path": path}, None)["sentence"] == "up then left"
    asked = list(open_source(path, MomentRetrieval(), "left"))
    assert [sample["sentence"] for sample in asked] == ["left"] and load(asked[0], None)["sentence"] == "left"
    with pytest.raises(DataError, match="the text is empty"):
        open_source(path, MomentRetrieval(), " ")
    (tmp_path / "vocab.txt").write_text("<unk>\n<e>\n")
    with pytest.raises(ConfigError, match="--text is for models of texts"):
        open_source(path, Caption(str(tmp_path / "vocab.txt")), "left")


def test_pickles_of_tacos_are_converted_and_code_in_them_is_refused(tmp_path):
    clips, vectors = tmp_path / "clips", [np.arange(4, dtype=np.float32), np.ones(4, np.float32)]
    clips.mkdir()
    for start in (1, 14, 27):
        np.save(clips / f"s1-d1.avi_{start}_{start + 64}.npy", np.full((1, 3), start, np.float32))
    (tmp_path / "train.pkl").write_bytes(
        pickle.dumps([("s1-d1.avi_16_48", vectors[:1]), ("s1-d1.avi_32_80", vectors[1:])])
    )
    assert convert_tacos(tmp_path / "train.pkl", clips, tmp_path / "tacos", "train") == 2
    about = json.loads((tmp_path / "tacos/train.json").read_text())["s1-d1"]
    assert about["timestamps"][0] == pytest.approx([16 / 29.4, 48 / 29.4]) and len(about["sentences"]) == 2
    data = VideoCaptions(str(tmp_path / "tacos"), vectors="vectors")
    assert data[1]["sentence_vector"].tolist() == [1, 1, 1, 1] and data.check() == []
    with pytest.raises(ConfigError, match="exists"):
        convert_tacos(tmp_path / "train.pkl", clips, tmp_path / "tacos", "train")
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps([("s1-d1.avi_48_16", vectors)]))
    with pytest.raises(DataError, match=r"record 0: 's1-d1.avi_48_16' is no clip"):
        convert_tacos(tmp_path / "bad.pkl", clips, tmp_path / "tacos", "test")
    (tmp_path / "code.pkl").write_bytes(pickle.dumps(types.SimpleNamespace(a=1)))
    with pytest.raises(UnsafeFile):
        convert_tacos(tmp_path / "code.pkl", clips, tmp_path / "tacos", "test")


def test_a_unit_gets_the_clip_whose_middle_is_nearest(tmp_path):
    for start in (0, 32):
        np.save(tmp_path / f"{start}.npy", np.full(2, start, np.float32))
    found = unit_features([(0, tmp_path / "0.npy"), (32, tmp_path / "32.npy")], 64)
    # 96 frames, six units with middles 8, 24, 40, 56, 72, 88; those of the clips are 32 and 64
    assert found[:, 0].tolist() == [0, 0, 0, 32, 32, 32]
