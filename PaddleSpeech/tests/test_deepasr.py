"""DeepASR: the contract, the parameters of the original, datasets of frames, and a run from archives to words."""

import json

import numpy as np
import paddle
import pytest

from common.audio.deltas import AddDeltas
from common.audio.kaldi_files import read_archive
from common.audio.normalize import NormalizeFeatures
from common.config import load_config
from common.config.kits import ROOT
from common.errors import BadSample, DataError
from common.testing import check_model, count_parameters
from PaddleSpeech.data.labeled_frames import FrameLists, KaldiFrames
from PaddleSpeech.models.assemblies.frame_classifier import FrameClassifier
from PaddleSpeech.models.encoders.deepasr_encoder import DeepASREncoder
from PaddleSpeech.tools import write_likelihoods
from PaddleSpeech.tools.make_frames import make_frames
from PaddleSpeech.tools.make_spoken_tones import make_spoken_tones
from tests.made.commands import command

TWIN = "PaddleSpeech/configs/tiny/deepasr.yml"


def make():
    return FrameClassifier(DeepASREncoder(7, 1, 2, 1, 5, 4), 3)


def test_a_classifier_keeps_the_contract(tmp_path):
    rng = np.random.default_rng(0)
    lengths = np.array([4, 3, 1])
    batch = {"features": rng.normal(size=(3, 4, 21)).astype("float32"), "feature_length": lengths}
    check_model(make, batch | {"labels": rng.integers(0, 3, (3, 4)).astype("int32")}, tmp_path)


def test_the_network_has_as_many_parameters_as_the_original():
    with paddle.LazyGuard(), paddle.utils.unique_name.guard():
        model = load_config(ROOT / "PaddleSpeech/configs/deepasr.yml").build("model", num_classes=3040)
    assert count_parameters(model) == (48_676_704, 5_120)


def test_frames_are_spliced_with_those_around_them_and_the_ends_repeated():
    encoder = DeepASREncoder(3, 1, 1, 1, 1, 1)
    features = paddle.arange(2 * 4 * 9, dtype="float32").reshape([2, 4, 9])
    found = encoder.spliced(features, paddle.to_tensor([4, 2])).reshape([2, 4, 3, 3, 3]).numpy()
    for row, length in ((0, 4), (1, 2)):
        for frame in range(length):
            for k in range(3):
                source = min(max(frame + k - 1, 0), length - 1)
                np.testing.assert_array_equal(found[row, frame, :, k], features[row, source].reshape([3, 3]).numpy())


def test_deltas_are_the_slopes_of_the_frames_around():
    line = np.arange(9.0)[:, None] * np.array([[1.0, -2.0]])
    found = AddDeltas()({"features": line}, None)["features"]
    np.testing.assert_allclose(found[2:-2, 2:4], np.tile([1.0, -2.0], (5, 1)), atol=1e-6)
    np.testing.assert_allclose(found[4, 4:], 0, atol=1e-6)
    assert found[0, 2] == pytest.approx((1 + 2 * 2) / 10)


def test_statistics_of_lines_are_read(tmp_path):
    (tmp_path / "global_mean_var").write_text("1 4\n-2 0.25\n")
    normalize = NormalizeFeatures(tmp_path / "global_mean_var")
    np.testing.assert_allclose(normalize.normalize(np.array([[5.0, -1.0]])), [[2, 2]])
    (tmp_path / "global_mean_var").write_text("1 4\n-2\n")
    with pytest.raises(DataError, match="line 2: expected MEAN VARIANCE"):
        NormalizeFeatures(tmp_path / "global_mean_var").load()


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Spoken tones with the archives of their features and a state for each letter."""
    folder = tmp_path_factory.mktemp("frames")
    make_spoken_tones(folder, train=24, evaluation=4)
    make_frames(folder / "train.jsonl", folder, folder / "eval.jsonl", "letters", 1, rate=8000, bins=20)
    return folder


def test_archives_and_the_lists_of_the_original_give_the_same_samples(frames, tmp_path):
    made = frames / "eval"
    kaldi = KaldiFrames(made / "feats.scp", made / "labels.scp", frames / "states.txt", text=made / "text")
    for kind, name, dtype in (("matrix", "feats", "<f4"), ("integers", "labels", "<i4")):
        rows, data = [], b""
        for key, value in read_archive(made / f"{name}.ark", kind):
            width = [value.shape[1]] if kind == "matrix" else []
            rows.append(" ".join(map(str, [key, 0, len(data), value.nbytes, len(value), *width])))
            data += value.astype(dtype).tobytes()
        (tmp_path / f"{name}.bin").write_bytes(data)
        (tmp_path / f"{name}.desc").write_text("\n".join([f"total {len(rows)}", *rows]))
        (tmp_path / f"{name}.lst").write_text(f"{name}.bin\n{name}.desc\n")
    given = tmp_path / "feats.lst", tmp_path / "labels.lst", frames / "states.txt"
    lists = FrameLists(*given, text=made / "text")
    assert len(lists) == len(kaldi) == 4 and lists.lengths() == kaldi.lengths()
    for one, other in zip((kaldi[k] for k in range(4)), (lists[k] for k in range(4)), strict=True):
        np.testing.assert_array_equal(one["features"], other["features"])
        np.testing.assert_array_equal(one["labels"], other["labels"])
        assert one["text"] == other["text"]
    cut = FrameLists(*given, max_frames=10)
    assert max(cut.lengths()) <= 10 and sum(len(cut[k]["labels"]) for k in range(len(cut))) == sum(kaldi.lengths())
    (tmp_path / "feats.bin").write_bytes(b"1234")
    with pytest.raises(BadSample, match="ends before"):
        lists[1]
    (tmp_path / "feats.desc").write_text("total 2\na 0 0 8 1 1\n")
    with pytest.raises(DataError, match="the second word"):
        FrameLists(*given)


def test_labels_that_do_not_fit_are_refused(frames, tmp_path):
    made = frames / "eval"
    with pytest.raises(BadSample, match="allowed: 0 to 1"):
        list(KaldiFrames(made / "feats.scp", made / "labels.scp", num_states=2))
    (tmp_path / "labels.scp").write_text((made / "labels.scp").read_text().splitlines()[0])
    with pytest.raises(DataError, match=r"(?s)has no labels.*line 2"):
        KaldiFrames(made / "feats.scp", tmp_path / "labels.scp", num_states=7)
    with pytest.raises(ValueError, match="one of states"):
        KaldiFrames(made / "feats.scp")


@pytest.mark.slow
def test_a_run_goes_from_archives_to_words_and_likelihoods(frames, tmp_path):
    given = ["-c", TWIN, "-o", f"dataset={frames}", f"output_dir={tmp_path}", f"stats={tmp_path}/mean_var.stats"]
    assert command("train", *given, "train.epochs=2", "train.eval_every=0").code == 0
    run = tmp_path / "tiny/deepasr"
    assert command("export", *given, f"weights={run}/last").code == 0
    scores = command("eval", *given, f"weights={run}/last", "--json")
    again = command("eval", *given, "--model", run / "export", "--json")
    assert json.loads(scores.out) == pytest.approx(json.loads(again.out)), again.err
    assert json.loads(scores.out)["frame_error"] < 0.7
    answer = command("infer", "--model", run / "export", "--input", frames / "wav/eval_0000.wav")
    words = {line.split()[0] for line in (frames / "lexicon.txt").read_text().splitlines()}
    assert answer.code == 0 and set(answer.out.split("\t")[1].split()) <= words
    out = tmp_path / "loglikes.ark"
    options = ["--features", frames / "eval/feats.scp", "--out", out]
    assert command(write_likelihoods.main, "--model", run / "export", *options).code == 0
    found, labels = dict(read_archive(out)), dict(read_archive(frames / "eval/labels.ark", "integers"))
    assert {key: len(rows) for key, rows in found.items()} == {key: len(rows) for key, rows in labels.items()}
