"""ETS: the published size, the contract, its attention and scores by hand, captions that are read, made videos."""

import json

import numpy as np
import paddle
import pytest

from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.inference.tasks.caption import Caption
from common.layers.token_search import TokenSearch
from common.testing import check_model, count_parameters
from common.vision.moments import CutSegment, steps_of
from PaddleCV.data.captions import VideoCaptions
from PaddleCV.metrics.caption_scores import CaptionScores, align_words, meteor_of
from PaddleCV.models.captioners.ets import ETS, attend
from PaddleCV.tools.caption_words import caption_words
from PaddleCV.tools.make_shape_videos import WORDS, draw_video, frame_features, inside, make_shape_videos, movement


def small():
    paddle.seed(0)
    return ETS(9, 6, 5, 4, 7, 3, search=TokenSearch(max_length=6, beam_size=3, length_penalty=0.0))


def batch():
    """Two events, of 5 and of 3 frames, the second one padded."""
    features = np.random.default_rng(0).normal(size=(2, 5, 6)).astype("float32")
    features[1, 3:] = 0
    ids = np.array([[3, 4, 5, 1], [6, 7, 1, 1]])
    return {"features": features, "length": np.array([5, 3]), "target_ids": ids, "target_length": np.array([4, 3])}


def test_ets_keeps_the_contract_and_does_not_see_padding(tmp_path):
    model = check_model(small, batch(), tmp_path)
    given = {key: paddle.to_tensor(value) for key, value in batch().items()}
    alone = model.predict(given["features"][1:, :3], given["length"][1:])
    np.testing.assert_allclose(model.predict(given["features"], given["length"])[1:], alone, atol=1e-5)


def test_ets_of_a_thousand_words_has_the_parameters_of_the_original():
    with paddle.LazyGuard():
        assert count_parameters(ETS(1000))[0] == 12_304_360


def test_the_mean_of_frames_follows_the_softmax_of_their_energy_without_padding():
    frames = paddle.to_tensor([[[1.0], [3.0], [100.0]]])
    energy = paddle.to_tensor([[[0.0], [float(np.log(3))], [50.0]]])
    found = attend(energy, frames, paddle.to_tensor([[1.0, 1.0, 0.0]]))
    assert found.item() == pytest.approx(1 / 4 + 3 * 3 / 4)  # weights 1/4 and 3/4


def test_the_attention_moves_with_the_state():
    model = small()
    model.eval()
    frames, keys, mask, state = model.encode(*(paddle.to_tensor(batch()[name]) for name in model.inputs))
    queries = [model.query(one).unsqueeze(1) for one in (state, -state)]
    seen = [attend(model.energy(paddle.tanh(keys + query)), frames, mask) for query in queries]
    assert float(abs(seen[0] - seen[1]).max()) > 1e-5


def test_meteor_by_hand():
    # 3 of 4 words in common, in two runs: P = 3/4, R = 3/5; F = 10 P R / (R + 9 P), penalty 1/2 (2/3)^3
    found = meteor_of(["a", "red", "x", "square"], ["a", "red", "big", "square", "moves"])
    mean = 10 * 0.75 * 0.6 / (0.6 + 9 * 0.75)
    assert found == pytest.approx(mean * (1 - 0.5 * (2 / 3) ** 3))
    assert meteor_of(["a", "b"], ["a", "b"]) == pytest.approx(1 - 0.5 * (1 / 2) ** 3)
    assert meteor_of([], ["a"]) == meteor_of(["b"], ["a"]) == 0
    assert align_words(["up", "then", "up"], ["left", "then", "up"]) == [2, 1, None]


def test_the_scores_of_captions_count_words_by_kind(tmp_path):
    task = Caption(write_words(tmp_path))
    metric = CaptionScores(task, kinds={"color": ["red", "blue"], "move": ["left", "up"]})
    metric.add("a red square moves left then up", "a red square moves left then up")
    metric.add("a blue circle moves up then left", "a red circle moves left then up")
    metric.add("a square", "a square")  # no color and no move: counts for neither
    found = metric.compute()
    assert found["right_color"] == 0.5 and found["right_move"] == 0.5 and found["exact"] == pytest.approx(2 / 3)
    metric.merge([metric.state(), metric.state()])
    assert metric.compute()["meteor_exact"] == pytest.approx(found["meteor_exact"])
    perfect = CaptionScores(task)
    perfect.add("a red square moves left", "a red square moves left")
    assert perfect.compute()["bleu4"] == pytest.approx(1.0)


def test_captions_are_words_of_the_vocabulary_up_to_the_end(tmp_path):
    task = Caption(write_words(tmp_path))
    ids = np.array([[[WORDS.index(word) for word in ("a", "red", "square", "<e>", "<e>")]]])
    outputs = {"ids": ids, "lengths": np.array([[4]]), "scores": np.array([[-0.25]])}
    (records,) = task.records(outputs, [{}], None, 0.0)
    assert records == [{"text": "a red square", "score": -0.25}]
    assert task.line({"name": "v.npz"}, records) == "v.npz: a red square"


def test_the_features_of_an_event_are_cut_and_a_file_without_one_stays_whole():
    assert (
        steps_of((0.25, 0.75), 8) == (2, 6) and steps_of((0.99, 1.0), 4) == (3, 4) and steps_of((0, 0.001), 4) == (0, 1)
    )
    whole = {"features": np.arange(8.0)[:, None]}
    cut = CutSegment()(whole | {"segment": np.array([0.25, 0.75])}, None)
    assert cut["features"][:, 0].tolist() == [2, 3, 4, 5] and cut["length"] == 4
    assert CutSegment()(dict(whole), None)["length"] == 8


def test_annotations_are_read_in_the_form_of_activity_net_captions_and_errors_are_named(tmp_path):
    make_shape_videos(tmp_path / "set", train=3, val=1, test=1)
    data = VideoCaptions(str(tmp_path / "set"))
    assert sorted(path.name for path in (tmp_path / "set/events").iterdir()) == ["test_0000_1.npz", "test_0000_2.npz"]
    assert len(data) == 6 and data.check() == [] and set(data[0]["target"].split()) <= set(WORDS)
    path = tmp_path / "set/train.json"
    about = json.loads(path.read_text())
    about["train_0000"]["timestamps"][0] = [3.0, 1.0]
    about["train_0001"]["sentences"][1] = " ."
    about["train_0002"]["sentences"].pop()
    about["train_0009"] = {"duration": 2.0, "timestamps": [[0, 1]], "sentences": ["a"]}
    path.write_text(json.dumps(about))
    with pytest.raises(DataError) as raised:
        VideoCaptions(str(tmp_path / "set"))
    said = str(raised.value)
    for words in (
        "the segment is not within the video",
        "train_0000: event 1",
        "the sentence is empty, or no text",
        "train_0001: event 2",
        "as many 'timestamps' as 'sentences'",
        "has no file of features",
    ):
        assert words in said


def test_vectors_of_sentences_are_read_beside_the_features(tmp_path):
    make_shape_videos(tmp_path / "set", train=1, val=1, test=1)
    (tmp_path / "set/vectors").mkdir()
    np.savez(tmp_path / "set/vectors/train_0000.npz", vectors=np.eye(2, 5, dtype=np.float32))
    data = VideoCaptions(str(tmp_path / "set"), vectors="vectors")
    assert data[1]["sentence_vector"].tolist() == [0, 1, 0, 0, 0] and data.check() == []
    np.savez(tmp_path / "set/vectors/train_0000.npz", vectors=np.eye(1, 5, dtype=np.float32))
    assert [issue.code for issue in data.check()] == ["D113"]
    with pytest.raises(BadSample, match="sentence 2 needs"):
        data[1]


def test_the_vocabulary_of_annotations_begins_with_the_special_tokens(tmp_path):
    about = {"v": {"duration": 1, "timestamps": [[0, 1]] * 2, "sentences": ["He runs.", "He jumps, he <unk> runs"]}}
    (tmp_path / "a.json").write_text(json.dumps(about))
    assert caption_words(str(tmp_path / "a.json"), most=5) == ["<s>", "<e>", "<unk>", "he", "runs"]
    assert caption_words(str(tmp_path / "a.json"), least=3)[3:] == ["he"]
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match="no sentences"):
        caption_words(str(tmp_path / "a.json"))


def test_a_made_video_shows_what_its_sentences_tell():
    frames, events = draw_video(random_for(3))
    features = frame_features(frames)
    assert features.shape == (len(frames), 204) and len(events) == 2
    for start, end, sentence in events:
        moved = features[start:end, -4:].sum(0)
        directions = {"left": 0, "right": 1, "up": 2, "down": 3}
        named = [directions[word] for word in sentence.split() if word in directions]
        assert moved[named].min() > 2 * np.delete(moved, named).max()
        red, green, blue = features[start, :192].reshape(64, 3).max(0)
        order = {"red": red > 2 * green, "green": green > 2 * red, "blue": blue > 2 * red, "yellow": red > 2 * blue}
        assert order[sentence.split()[1]]


def test_movement_is_that_of_the_center_by_direction():
    colored = np.zeros((3, 64, 64), bool)
    colored[0, 10:20, 10:20] = colored[1, 10:20, 12:22] = colored[2, 6:16, 12:22] = True
    assert movement(colored).tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0]]
    assert not movement(np.zeros((2, 64, 64), bool)).any()
    assert inside("triangle", np.array([0.0, 0.7]), np.array([-0.5, -0.5])).tolist() == [True, False]


def write_words(folder):
    """The path of a file of the words of made videos."""
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return str(folder / "vocab.txt")
