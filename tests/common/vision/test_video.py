"""Videos: frames by number, segments and clips by hand, bad files named with their line, and what becomes of them."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.inference.predictor import Predictor
from common.vision.clips import SampleClips, SampleSegments, ThreeCrops, clip_frames, part_of, segment_frames
from common.vision.corner_crop import MultiScaleCrop
from common.vision.video import VideoFile
from common.vision.video_sources import StreamPieces, open_videos
from deploy.serving.items import whole_file
from deploy.serving.problems import Limits
from deploy.serving.worker import predict_items
from PaddleCV.data.video_classes import VideoList, VideoSegments
from PaddleCV.tools.make_actions import write_video
from tests.made.commands import command

CONFIG = "PaddleCV/configs/tiny/tsm.yml"


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A video of 100 frames, each with its number as 7 binary digits: blocks of 16 x 16 pixels, light for 1."""
    path = tmp_path_factory.mktemp("video") / "numbers.mp4"
    bits = (np.arange(100)[:, None] >> np.arange(7) & 1).astype(np.uint8) * 200 + 20  # [100, 7]
    write_video(path, np.broadcast_to(bits.repeat(16, 1)[:, None, :, None], (100, 16, 112, 3)), 10)
    return path


@pytest.fixture(scope="module")
def exported(made_sets, tmp_path_factory):
    """TSM's twin after a step, as a checkpoint and exported."""
    folder, data = tmp_path_factory.mktemp("run"), made_sets.folder("actions")
    given = ("-c", CONFIG, "-o", f"dataset={data}", f"output_dir={folder}")
    for name, more in (("train", ["train.max_steps=1"]), ("export", [f"weights={folder}/tiny/tsm/last"])):
        answer = command(name, *given, *more)
        assert answer.code == 0, answer.err
    return folder / "tiny/tsm"


def values(frames):
    """The numbers of the frames of the video above."""
    return [int(((frame[8, 8::16, 0] > 120) * 2 ** np.arange(7)).sum()) for frame in frames]


def test_frames_are_found_by_number_from_a_path_and_from_bytes(video):
    for source in (video, video.read_bytes()):
        with VideoFile(source, "a") as found:
            assert (found.count, found.rate, found.size) == (100, 10.0, (16, 112))
            assert values(found.frames([3, 4, 4, 90, 97])) == [3, 4, 4, 90, 97]  # 90 is more than JUMP away


def test_frames_that_are_missing_at_the_end_are_counted_in_a_warning(video, tmp_path, caplog):
    with VideoFile(video) as found:
        assert len(list(found)) == 100 and not caplog.records
    writer = cv2.VideoWriter(str(tmp_path / "cut.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
    for number in range(20):
        writer.write(random_for(number).integers(0, 256, (64, 64, 3), np.uint8))
    writer.release()
    data = (tmp_path / "cut.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    with VideoFile(str(tmp_path / "cut.avi")) as found:
        count = len(list(found))
    assert 0 < count < 15 and f"{count} of the 20 frames" in caplog.text


def test_segments_are_equal_parts():
    # parts of 2.5 frames: the middle of each 1-frame run is 0.5 * (2.5 - 1) = 0.75 after 0, 2.5, 5, 7.5
    assert segment_frames(10, 4, 1, np.full(4, 0.5)).tolist() == [0, 3, 5, 8]
    assert segment_frames(12, 2, 3, np.array([0.0, 1.0])).tolist() == [0, 1, 2, 9, 10, 11]
    assert segment_frames(3, 2, 5, np.full(2, 0.5)).tolist() == [0, 1, 2, 2, 2] * 2  # shorter than a run
    assert segment_frames(1, 3, 1, np.full(3, 0.5)).tolist() == [0, 0, 0]


def test_clips_are_frames_at_an_interval():
    assert clip_frames(100, 3, 8, np.array([0.0, 0.5, 1.0])).tolist() == [0, 8, 16, 42, 50, 58, 83, 91, 99]
    assert clip_frames(10, 3, 8, np.array([0.5])).tolist() == [0, 8, 9]


def test_samplers_take_frames_of_a_part_and_are_random_in_training_alone(video):
    sample = {"path": str(video), "start": 40, "end": 60}
    assert values(SampleSegments(4)(dict(sample), random_for(0))["clip"]) == [42, 47, 52, 57]
    found = SampleClips(2, 5, clips=2)(dict(sample), random_for(0))
    assert values(found["clip"]) == [40, 45, 54, 59] and found["duration"] == 2.0
    drawn = {tuple(values(SampleSegments(4, random=True)(dict(sample), random_for(seed))["clip"])) for seed in range(4)}
    assert len(drawn) > 1 and all(40 <= number < 60 for numbers in drawn for number in numbers)
    assert SampleSegments(4, random=True).augments and not SampleSegments(4).augments
    assert part_of({"start": 90, "end": 200}, 100) == (90, 100)


def test_three_crops_are_those_of_every_frame_one_after_the_other():
    frame = np.arange(6, dtype=np.uint8)[None, :, None] * np.ones((4, 1, 3), np.uint8)
    found = ThreeCrops(4)({"clip": [frame, frame + 10]}, random_for(0))["clip"]
    assert [crop[0, 0, 0] for crop in found] == [0, 10, 1, 11, 2, 12] and found[0].shape == (4, 4, 3)
    with pytest.raises(BadSample, match="frames of 6x4 have no crop of 5 pixels"):
        ThreeCrops(5)({"clip": [frame]}, random_for(0))


def test_a_window_of_random_size_is_from_a_corner_or_the_center():
    image = np.zeros((40, 60, 3), np.uint8)
    image[0, 0] = 255
    crop = MultiScaleCrop(20, scales=[0.5])
    found = [crop({"image": image.copy()}, random_for(seed))["image"] for seed in range(12)]
    assert {one.shape for one in found} == {(20, 20, 3)}
    corner = [bool(one[0, 0].any()) for one in found]
    assert any(corner) and not all(corner)
    assert len(MultiScaleCrop(20).shapes) == 10  # 4 of equal sides, 3 of neighbors, in both orders


def test_bad_videos_are_named_with_their_line(video, tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video at all")
    (tmp_path / "good.mp4").write_bytes(video.read_bytes())
    (tmp_path / "train_list.txt").write_text("good.mp4 0\nempty.mp4 1\ntext.mp4 0\n")
    data = VideoList(str(tmp_path))
    found = [(issue.place, issue.code) for issue in data.check(deep=True)]
    assert found == [("line 2", "D101"), ("line 3", "D101")]
    sampler = SampleSegments(2)
    assert sampler(data[0], random_for(0))["label"] == 0
    for row, words in ((1, "the file is empty"), (2, "no readable video stream .starts with 'not a video")):
        with pytest.raises(BadSample, match=words) as raised:
            sampler(data[row], random_for(0))
        assert raised.value.issue.place.endswith(f"train_list.txt: line {row + 1}")
    with pytest.raises(BadSample, match="there is no such file"):
        VideoFile(tmp_path / "none.mp4")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "JPEG2000"])
def test_a_still_image_is_no_video_whatever_its_name(kind, tmp_path):
    path = tmp_path / "a.avi"
    Image.new("RGB", (32, 24), "red").save(path, kind)
    for source in (path, path.read_bytes()):
        with pytest.raises(BadSample, match=rf"(?s)D101. a still image \({kind}\), not a video.*a.avi.*give a video"):
            VideoFile(source, "a.avi")


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_an_animation_is_a_video(kind, tmp_path):
    images = [Image.new("RGB", (32, 24), color) for color in ("red", "green", "blue")]
    images[0].save(tmp_path / "a", kind, save_all=True, append_images=images[1:], duration=40)
    with VideoFile(tmp_path / "a") as found:
        assert found.count == 3 and found.frames([0])[0].shape == (24, 32, 3)


def test_a_table_gives_parts_of_videos(video, tmp_path):
    (tmp_path / "a.mp4").write_bytes(video.read_bytes())
    lines = ["a.mp4,0,10,walk,train", "a.mp4,10,30,sit,train", "a.mp4,30,120,walk,test", "a.mp4,5,9,fall,train"]
    (tmp_path / "segments.csv").write_text("video,start,end,label,split\n" + "\n".join(lines))
    data = VideoSegments(str(tmp_path), split="train", labels=["walk", "sit"], only_labels=True)
    assert len(data) == 2 and data[1] | {"path": "", "place": ""} == {
        "path": "",
        "place": "",
        "start": 10,
        "end": 30,
        "label": 1,
    }
    assert VideoSegments(str(tmp_path)).labels == ["fall", "sit", "walk"]
    (issue,) = (one for one in VideoSegments(str(tmp_path), split="test").check() if one.severity == "error")
    assert (issue.code, issue.place) == ("D118", "line 4") and "ends at frame 120 of 100" in issue.message
    with pytest.raises(DataError, match=r"(?s)label 'fall' is unknown.*line 5"):
        VideoSegments(str(tmp_path), labels=["walk", "sit"])
    (tmp_path / "segments.csv").write_text("video,start,end,label\na.mp4,9,x,walk\n")
    with pytest.raises(DataError, match=r"(?s)not frame numbers in order.*line 2.*start 9, end x"):
        VideoSegments(str(tmp_path))


def test_the_command_the_export_and_the_server_answer_alike(exported, video, tmp_path):
    folder = exported.parent.parent / "given"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(video.read_bytes())
    (folder / "b.avi").write_bytes(b"RIFF")
    drawn = tmp_path / "drawn"
    answer = command(
        "infer", "--model", str(exported / "export"), "--input", str(folder), "--json", "--out", str(drawn)
    )
    assert answer.code == 3 and "b.avi" in answer.err  # the other one is named, the rest goes on
    (found,) = (json.loads(line) for line in answer.out.splitlines())
    assert found["video"] == str(folder / "a.mp4") and len(found["predictions"]) == 4
    with VideoFile(drawn / "a.mp4") as written:
        assert written.count == 100
    given = (
        "-c",
        CONFIG,
        "-o",
        f"weights={exported}/last",
        "dataset=nowhere",
        "--input",
        str(folder / "a.mp4"),
        "--json",
    )
    in_memory = json.loads(command("infer", *given).out)["predictions"]
    sent = [whole_file(video.read_bytes(), "video 1", 0.0, Limits()), whole_file(b"RIFF", "video 2", 0.0, Limits())]
    served, wrong = predict_items(Predictor(exported / "export"), sent)
    assert json.loads(served[1]) == found["predictions"] and wrong[0] == 422 and "[D101] video 2" in wrong[1]
    assert [one["label"] for one in in_memory] == [one["label"] for one in found["predictions"]]
    scores = [[one["score"] for one in records] for records in (in_memory, found["predictions"])]
    np.testing.assert_allclose(*scores, rtol=1e-4)


def test_a_stream_is_cut_into_pieces_of_some_seconds(video):
    pieces = list(StreamPieces(str(video)))  # a file stands for the stream: 10 frames per second
    assert [len(piece["clip"]) for piece in pieces] == [40, 40, 20]
    assert [values(piece["clip"][:1]) for piece in pieces] == [[0], [40], [80]]
    assert pieces[1]["name"].endswith(" 4.0 s") and pieces[1]["rate"] == 10.0


def test_sources_of_videos_are_refused_by_name(tmp_path):
    with pytest.raises(DataError, match="contains no videos"):
        open_videos(str(tmp_path))
    with pytest.raises(BadSample, match="there is no such file"):
        open_videos(str(tmp_path / "a.mp4"))
