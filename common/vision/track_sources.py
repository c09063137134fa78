"""Sequences to track an object in: a video, or a folder of frames; and the writer of drawn tracks."""

import math
from pathlib import Path

import numpy as np

from common.data.refusals import bad_file
from common.errors import ConfigError
from common.vision.decode import PIXEL_LIMIT, decode_image, read_image_file
from common.vision.frame_files import frames_in, missing_frames
from common.vision.video import FrameList, VideoFile
from common.vision.writers import ImageWriter, VideoWriter

EXAMPLE = "--box x,y,width,height in pixels of the first frame, such as --box 120,80,40,60"


class Sequences:
    """One sequence: a video file, or a folder of frames.

    Args:
        path (str | None): of the video, or of the folder.

    Raises:
        ConfigError: the path is empty.
        BadSample: there is no such file, it is no video, or a frame is missing.
    """

    what, batch, many = "sequence", 1, False

    def __init__(self, path):
        if path is None or not path.strip() or path == "-":
            raise ConfigError(f"this model tracks an object: --input FILE.mp4 or a folder of frames, and {EXAMPLE}")
        self.name, self.box = path, None
        if Path(path).is_dir():
            folder_frames(path)
        else:
            VideoFile(path).close()

    def __iter__(self):
        yield {"path": self.name, "name": self.name} | ({} if self.box is None else {"box": self.box})

    def drawing(self, out):
        """The writer of drawn frames, a video or images as what was read."""
        return DrawnTracks(out)


def folder_frames(path):
    """The frames of a folder in order (list[str]); raises BadSample D104 where one is missing, or all are."""
    frames = frames_in(path)
    if not frames:
        raise bad_file("D117", path, "the folder contains no images", fix="give the folder with the frames themselves")
    for text in missing_frames(frames):
        raise bad_file("D104", path, text, fix="extract the frames again")
    return frames


def sequence_frames(sample, max_pixels=PIXEL_LIMIT):
    """The frames of a sequence one by one, RGB uint8 [H, W, 3].

    Args:
        sample (dict): its frames (`clip`), its content (`data`), or its `path`.
        max_pixels (int): maximum number of pixels of a frame.

    Raises:
        BadSample: a frame or the video cannot be read, or the frames are of several sizes.
    """
    size = None
    for place, frame in read_all(sample, max_pixels):
        size = size or frame.shape
        if frame.shape != size:
            message = f"the frame is of {frame.shape[1]}x{frame.shape[0]} pixels, the first one of {size[1]}x{size[0]}"
            raise bad_file("D111", place, message, fix="give frames of one sequence")
        yield frame


def read_all(sample, max_pixels):
    """The frames of a sequence, (name, RGB uint8 [H, W, 3]) each."""
    path = sample["path"]
    if "clip" in sample:
        yield from ((path, frame) for frame in sample["clip"])
    elif "data" not in sample and Path(path).is_dir():
        for name in folder_frames(path):
            yield name, decode_image(read_image_file(name), name, max_pixels)
    else:
        with VideoFile(sample.get("data", path), path, max_pixels) as video:
            yield from ((path, frame) for frame in video)


def parse_box(text):
    """The box x, y, width, height of a text (list[float]).

    Raises:
        ConfigError: it is not four numbers, or it has no area.
    """
    try:
        box = [float(part) for part in text.split(",")]
    except ValueError:
        box = []
    if len(box) != 4 or not all(map(math.isfinite, box)) or min(box[2:]) <= 0:
        raise ConfigError(f"--box {text}: write {EXAMPLE}")
    return box


class DrawnTracks:
    """Writes the frames of a sequence with the box of the object: a video, or images under their own names.

    Args:
        out (str): the output folder, created if missing.
    """

    def __init__(self, out):
        self.out = str(out)

    def draw(self, task, sample, records):
        """Draws one track.

        Args:
            task (Task): draws the record of a frame, `draw_at`.
            sample (dict): see :func:`sequence_frames`.
            records (list[dict]): with `frame`.
        """
        path = sample["path"]
        if "clip" not in sample and Path(path).is_dir():
            writer = ImageWriter(self.out)
            places = [{"name": name, "path": name} for name in folder_frames(path)]
        else:
            with FrameList(sample["clip"]) if "clip" in sample else VideoFile(path) as video:
                writer = VideoWriter(self.out, path, video.rate)
            places = None
        for number, frame in enumerate(sequence_frames(sample)):
            writer.add(places[number] if places else sample, task.draw_at(np.asarray(frame), records, number))
        writer.close()

    def close(self):
        """Does nothing: each track is closed when it is written."""
