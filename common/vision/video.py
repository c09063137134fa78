"""Reading frames of video files: from a path or bytes to upright uint8 RGB frames [H, W, 3].

Frames are numbered from 0.  Only those that are asked for are converted to RGB; the others are decoded alone, or passed
over from one key frame to another where the file allows it.

Issues raised here (`BadSample`):
    D101  empty, a still image, or not a video
    D102  truncated or corrupt: frames that its header promises are not there
    D103  frames of more pixels than allowed
    D104  no such file, a folder, or no permission
"""

import contextlib
import os

import cv2
import numpy as np

from common.data.refusals import bad_file, first_bytes, unreadable_file
from common.log import logger
from common.regular import check_regular
from common.vision.decode import PIXEL_LIMIT, image_format

SUFFIXES = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".asf"}
SUFFIXES |= {".flv", ".3gp", ".3g2", ".vob", ".ogv"}
JUMP = 60  # frames that are rather decoded one by one than jumped over
MISSING_AT_MOST = 0.1  # of the frames in the header, which some containers estimate from the duration
FFMPEG_THREADS = 1  # a worker process decodes one video at a time


class VideoFile:
    """A video that is open for reading; close it, or use it as a context manager.

    Attributes:
        count (int): number of frames, by the header.
        rate (float): frames per second.

    Args:
        source (str | bytes): path of the file, or its content.
        name (str): name of the file for messages; its path if None.
        max_pixels (int): maximum number of pixels of a frame.

    Raises:
        BadSample: D101, D103 or D104.
    """

    def __init__(self, source, name=None, max_pixels=PIXEL_LIMIT):
        self.name = str(source) if name is None else name
        start = read_start(source, self.name)
        if not start:
            raise bad_file("D101", self.name, "the file is empty (0 bytes)", fix="record or download it again")
        self.source = MemoryFile(source) if isinstance(source, bytes) else None
        self.capture = open_capture(self.source or source)
        self.rate = self.capture.get(cv2.CAP_PROP_FPS) or 25.0
        self.count = int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT))
        width, height = (int(self.capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if not self.capture.isOpened() or width < 1 or height < 1:
            self.close()
            raise bad_file("D101", self.name, f"no readable video stream ({first_bytes(start)})")
        if width * height > max_pixels:
            self.close()
            message = f"frames of {width}x{height}, more than the {max_pixels} pixels allowed"
            raise bad_file("D103", self.name, message, fix="scale the video down")
        self.size, self.position, self.last = (height, width), 0, None
        if self.count < 1:  # of a stream that was written to a file, without an index
            self.count = self.count_frames(self.source or source)
        self.refuse_still(start)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Closes the file."""
        self.capture.release()
        if self.source:
            self.source.close()

    def refuse_still(self, start):
        """Raises BadSample for a still image, to OpenCV a video of one frame; `start` are its first bytes."""
        kind = image_format(start) if self.count == 1 else None
        if kind:
            self.close()
            fix = "give a video, or an animation of several frames; a still image is for a model that reads images"
            raise bad_file("D101", self.name, f"a still image ({kind}), not a video", fix=fix)

    def count_frames(self, source):
        """The number of frames, found by decoding all of them; the video is opened again."""
        count = 0
        while self.capture.grab():
            count += 1
        self.capture.release()
        self.capture = open_capture(source)
        if not count:
            raise bad_file("D102", self.name, "the video has no frames")
        return count

    def frames(self, numbers):
        """The frames of these numbers in the order given, equal numbers repeated.

        Args:
            numbers (Sequence[int]): from 0 to `count` - 1; none may be less than one that was read before.

        Returns:
            list[ndarray]: uint8 [H, W, 3].

        Raises:
            BadSample: D102, a frame cannot be decoded.
        """
        found = {number: self.read(number) for number in sorted(set(map(int, numbers)))}
        return [found[int(number)] for number in numbers]

    def read(self, number):
        """The frame of a number that is not before the last one read; raises BadSample."""
        if number - self.position > JUMP and self.capture.set(cv2.CAP_PROP_POS_FRAMES, number):
            self.position = int(self.capture.get(cv2.CAP_PROP_POS_FRAMES))
        while self.position < number and self.capture.grab():
            self.position += 1
        okay, frame = self.capture.read() if self.position == number else (False, None)
        if okay:
            self.position += 1
            self.last = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        elif self.last is None or self.position < (1 - MISSING_AT_MOST) * self.count:
            message = f"frame {number} of {self.count} cannot be decoded"
            raise bad_file("D102", self.name, message, fix="the video is damaged or cut off: remove or replace it")
        return self.last

    def __iter__(self):
        """All frames from the next one on, uint8 [H, W, 3]; a warning says where many are missing."""
        while True:
            okay, frame = self.capture.read()
            if not okay:
                break
            self.position += 1
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        if self.position < (1 - MISSING_AT_MOST) * self.count:
            text = "%s: %d of the %d frames that its header promises were decoded: the video is damaged or cut off"
            logger.warning(text, self.name, self.position, self.count)


def open_capture(source):
    """OpenCV's capture of a file, which may have failed to open; its complaints are not shown."""
    options = [cv2.CAP_PROP_N_THREADS, FFMPEG_THREADS]
    with quiet():
        try:
            return cv2.VideoCapture(str(source), cv2.CAP_FFMPEG, options)
        except cv2.error:
            return cv2.VideoCapture()


@contextlib.contextmanager
def quiet():
    """Context manager in which OpenCV logs nothing: what is wrong is said once, by name."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def read_start(source, name):
    """The first bytes of a file or of its content; raises BadSample D104."""
    if isinstance(source, bytes):
        return source[:16]
    try:
        check_regular(source)
        with open(source, "rb") as file:
            return file.read(16)
    except (OSError, ValueError) as error:
        raise unreadable_file(error, source, "a video", name) from None


class MemoryFile:
    """Bytes as a file that has a path and is on no disk: OpenCV ends the process on some objects of Python's `io`.

    Args:
        data (bytes): the content.
    """

    def __init__(self, data):
        self.number = os.memfd_create("video")
        with os.fdopen(os.dup(self.number), "wb") as file:
            file.write(data)

    def __str__(self):
        return f"/proc/{os.getpid()}/fd/{self.number}"

    def close(self):
        """Gives the memory back."""
        if self.number is not None:
            os.close(self.number)
            self.number = None


class FrameList:
    """Frames in memory, read as a `VideoFile` is.

    Args:
        frames (ndarray | list[ndarray]): uint8, each [H, W, 3].
        rate (float): frames per second.
    """

    def __init__(self, frames, rate=25.0):
        self.given, self.count, self.rate = frames, len(frames), rate
        self.size = np.shape(frames[0])[:2] if len(frames) else (0, 0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def frames(self, numbers):
        """The frames of these numbers, see :meth:`VideoFile.frames`."""
        return [self.given[int(number)] for number in numbers]

    def __iter__(self):
        return iter(self.given)
