"""Image files are recognized by their names."""

import functools
import http.server
import threading

import cv2
import numpy as np
import pytest
from PIL import Image

from common.errors import ConfigError, DataError
from common.vision.files import is_image_file
from common.vision.sources import open_images


def test_image_files_have_a_known_suffix_and_are_not_hidden():
    assert all(map(is_image_file, ["a.jpg", "b.JPEG", "c.gif", "d.ppm", "e.f.Tif"]))
    assert not any(map(is_image_file, ["._a.jpg", "a.txt", "jpg", ".png"]))


def test_a_folder_to_predict_on_gives_its_images_without_hidden_files(tmp_path):
    data = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    for name in ("b.png", "deep/a.gif", "._b.png", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert open_images(str(tmp_path)).items == [str(tmp_path / "b.png"), str(tmp_path / "deep/a.gif")]


def video(path):
    """A video of six frames, in the container of the suffix."""
    codec = {".wmv": "WMV2", ".flv": "FLV1"}.get(path.suffix, "mp4v")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 25, (176, 144))
    for level in range(0, 240, 40):
        writer.write(np.full((144, 176, 3), level, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".TS", ".wmv", ".flv", ".3gp", ".m2ts"])
def test_videos_are_read_whatever_their_container(tmp_path, suffix, caplog, capfd):
    made = video(tmp_path / f"clip{suffix.lower()}").rename(tmp_path / f"made{suffix}")
    frames = list(open_images(str(made)))
    assert "".join(frame["name"].rsplit("#")[1] for frame in frames) == "012345" and not caplog.records
    assert all(frame["image"].shape == (144, 176, 3) for frame in frames)


UNREACHABLE = (("rtsp://127.0.0.1:1/x", "stream cannot"), ("97", "camera 97"), ("/dev/video97", "camera cannot"))


def test_streams_and_cameras_that_cannot_be_opened_are_refused_in_one_line(tmp_path, capfd):
    for path, words in UNREACHABLE:
        with pytest.raises(DataError, match=words):
            open_images(path)
    assert "WARN" not in capfd.readouterr().err
    for path in ("http://127.0.0.1/a.jpg?x=1", "s3://bucket/video.mp4"):
        with pytest.raises(ConfigError, match="download it"):
            open_images(path)


def test_a_stream_is_read_to_its_end(tmp_path):
    video(tmp_path / "clip.ts")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = open_images(f"http://127.0.0.1:{server.server_address[1]}/clip.ts")
        assert len(list(source)) == 6
        server.shutdown()


def test_a_file_whose_name_is_a_number_is_no_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "0", format="png")
    assert open_images("0").items == ["0"]


def test_files_that_an_inference_leaves_out_are_counted(tmp_path, caplog):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    for name in ("b.heic", "c.heic", "d.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert len(open_images(str(tmp_path)).items) == 1
    assert "3 files left out (2 .heic, 1 .txt)" in caplog.text
