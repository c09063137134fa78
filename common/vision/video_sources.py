"""Video sources for inference: a file, a folder, or a stream or camera in pieces; and the writer of drawn videos."""

import itertools
from pathlib import Path

from common.errors import ConfigError
from common.files import files_below
from common.vision.sources import Stream, VideoFiles, is_stream
from common.vision.video import SUFFIXES, FrameList, VideoFile
from common.vision.writers import VideoWriter, make_output_folder

SECONDS = 4.0  # of a piece of a stream


def open_videos(path):
    """Opens a video file, a folder of them, or a stream or camera.

    Args:
        path (str | None): a file, a folder, the address of a stream such as rtsp://..., or the number of a camera.

    Raises:
        ConfigError: the path is empty.
        DataError: the path is missing, is not a video, or is a folder without videos; a stream cannot be opened.
    """
    if path is None or not path.strip() or path == "-":
        raise ConfigError("this model takes videos: --input FILE.mp4, a folder, or the address of a stream")
    if is_stream(path):
        return StreamPieces(path)
    if Path(path).is_dir():
        return Videos(files_below(path, SUFFIXES, "videos"), name=path, many=True)
    VideoFile(path).close()  # raises before a model is loaded
    return Videos([path], name=path, many=False)


class Videos(VideoFiles):
    """Iterates over video files, which may be drawn on."""

    def drawing(self, out):
        """The writer of annotated videos, to a folder."""
        return DrawnVideos(out)


class StreamPieces(Stream):
    """Iterates over pieces of a few seconds of a stream or a camera, each with its frames (`clip`).

    Args:
        path (str): an address, the number of a camera, or its device.

    Raises:
        DataError: it cannot be opened.
    """

    what = "video"

    def __iter__(self):
        import cv2

        size, count = max(1, round(SECONDS * self.rate)), 0
        while frames := list(itertools.islice(self.read(), size)):
            name = f"{self.name} {count / self.rate:.1f} s"
            yield {
                "path": self.name,
                "name": name,
                "clip": [cv2.cvtColor(f, cv2.COLOR_BGR2RGB) for f in frames],
                "rate": self.rate,
            }
            count += len(frames)
        self.capture.release()

    def read(self):
        """The frames that come, BGR uint8 [H, W, 3]."""
        while True:
            okay, frame = self.capture.read()
            if not okay:
                return
            yield frame

    def drawing(self, out):
        """The writer of annotated pieces, to a folder."""
        return DrawnVideos(out)


class DrawnVideos:
    """Writes videos with what was found in them, each under its own name.

    Args:
        out (str): the output folder, created if missing.
    """

    def __init__(self, out):
        self.folder = str(make_output_folder(out))

    def draw(self, task, sample, records):
        """Writes one video.

        Args:
            task (Task): draws the records at a time, `draw_at`.
            sample (dict): with the `path` of the video, or its frames (`source_clip`).
            records (list[dict]): of the video.
        """
        given = sample.get("source_clip")
        name = sample["name"].replace("/", "_") if given is not None else sample["path"]
        with FrameList(given, sample["rate"]) if given is not None else VideoFile(sample["path"]) as video:
            writer = VideoWriter(self.folder, name, video.rate)
            for number, frame in enumerate(video):
                writer.add(sample, task.draw_at(frame, records, number / video.rate))
            writer.close()

    def close(self):
        """Does nothing: each video is closed when it is written."""
