"""Image sources for inference: a file, a folder, a video, a stream, a camera or standard input."""

import re
from pathlib import Path

from common.errors import ConfigError, DataError
from common.files import read_standard_input
from common.log import logger
from common.vision.decode import decode_image
from common.vision.files import IMAGE_SUFFIXES, describe_left_out, image_size, is_image_file
from common.vision.video import SUFFIXES as VIDEOS
from common.vision.writers import ImageWriter, VideoWriter

ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://", re.IGNORECASE)
STREAMS = ("rtsp", "rtsps", "rtmp", "rtp", "udp", "tcp", "srt", "http", "https")
PATIENCE = 10_000  # milliseconds until a stream is given up


def open_images(path):
    """Opens an image file, a folder, a video or standard input.

    Args:
        path (str | None): a file, a folder, a video, the address of a stream such as rtsp://..., the number of a
            camera, or - for standard input: the content of a file, or one path per line.

    Raises:
        ConfigError: the path is empty.
        DataError: the path is missing, is not an image, or is a folder without images; a stream cannot be opened.
    """
    if path is None:
        raise ConfigError("this model takes images: --input IMAGE, a folder, a video, or -")
    if is_stream(path):
        return Stream(path)
    if path == "-":
        return read_images()
    if not path.strip():
        raise ConfigError("--image: the path is empty; give an image, a folder or a video, or - for standard input")
    place = Path(path)
    if place.is_dir():
        found = [p for p in place.rglob("*") if p.is_file()]
        files = sorted(p for p in found if is_image_file(p.name))
        if not files:
            raise DataError(f"{path}: the folder contains no images ({', '.join(IMAGE_SUFFIXES)})")
        if text := describe_left_out([p.name for p in found if not is_image_file(p.name)]):
            logger.warning("%s: %s that are no images by their suffix", path, text)
        return Images([str(p) for p in files], name=path, many=True)
    if place.suffix.lower() in VIDEOS:
        return Video(path)
    image_size(path)  # raises before a model is loaded
    return Images([path], name=path, many=False)


def is_stream(path):
    """True for the address of a stream, the number of a camera or its device, unless a file has this name.

    Raises:
        ConfigError: the address is of a kind that is not read, or is that of an image.
    """
    address = ADDRESS.match(path)
    if address is None:
        return path.startswith("/dev/video") or (path.isdecimal() and not Path(path).exists())
    scheme = address["scheme"].lower()
    if scheme not in STREAMS or is_image_file(path.split("?")[0].rsplit("/", 1)[-1]):
        what = "an image, which is not downloaded" if scheme in STREAMS else f"no stream: {', '.join(STREAMS)} are read"
        raise ConfigError(f"--input {path}: the address is {what}\n  fix: download it, and give the file")
    return True


def read_images():
    """Reads the content of an image file, or paths, from standard input."""
    items, many = read_standard_input("an image")
    return Images(items, name="-", many=many)


class Images:
    """Iterates over image files, given as paths or bytes.

    Args:
        items (list[str | bytes]): paths, or the content of a file.
        name (str): name of the source for messages.
        many (bool): continues after an image that cannot be read.
    """

    what, batch = "image", 1

    def __init__(self, items, name, many):
        self.items = [item.strip() if isinstance(item, str) else item for item in items]
        self.name, self.many = name, many

    def __iter__(self):
        for item in self.items:
            if isinstance(item, bytes):
                yield {"path": "-", "image": decode_image(item, "standard input"), "name": "stdin.png"}
            elif item:
                yield {"path": item, "name": item}

    def drawing(self, out):
        """The writer of annotated images, to a folder or, of a single image, to a file."""
        return ImageWriter(out, self.many)


class SampleFiles:
    """Iterates over files that stand for a sample each; `known` is what all samples have beside their file (dict).

    Args:
        paths (list[str]): of the files.
        name (str): name of the source for messages.
        many (bool): continues after a file that cannot be read.
    """

    batch = 1

    def __init__(self, paths, name, many):
        self.paths, self.name, self.many, self.known = paths, name, many, {}

    def __iter__(self):
        for path in self.paths:
            yield {"path": path, "name": path, **self.known}


class VideoFiles(SampleFiles):
    """Files of videos, or of their features."""

    what = "video"


class Video:
    """Iterates over the frames of a video file.

    Args:
        path (str): any container and codec that OpenCV supports.

    Raises:
        DataError: the file is missing, has no readable video stream, or no frames.
    """

    what, many, batch = "image", True, 1

    def __init__(self, path):
        import cv2

        self.name = path
        if not Path(path).is_file():
            raise DataError(f"{path}: no such file")
        if Path(path).stat().st_size == 0:
            raise DataError(f"{path}: the file is empty (0 bytes)")
        self.capture = cv2.VideoCapture(path)
        if not self.capture.isOpened():
            raise DataError(f"{path}: no readable video stream")
        self.rate = self.capture.get(cv2.CAP_PROP_FPS) or 25.0
        self.expected = int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def __iter__(self):
        import cv2

        count = 0
        while True:
            ok, frame = self.capture.read()
            if not ok:
                break
            image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            yield {"path": self.name, "name": f"{self.name}#{count}", "image": image}
            count += 1
        self.capture.release()
        if count == 0:
            raise DataError(f"{self.name}: the video has no frames")
        if self.expected > count:
            logger.warning("%s: %d of %d frames could be read", self.name, count, self.expected)

    def drawing(self, folder):
        """The writer of annotated frames."""
        return VideoWriter(folder, self.name, self.rate)


class Stream(Video):
    """Iterates over the frames of a stream or a camera, until it ends or the command is interrupted.

    Args:
        path (str): an address, the number of a camera, or its device.

    Raises:
        DataError: it cannot be opened.
    """

    def __init__(self, path):
        import cv2

        self.name, self.expected = f"camera {path}" if path.isdecimal() else path, 0
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the message below is enough
        try:
            if ADDRESS.match(path):
                limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, PATIENCE, cv2.CAP_PROP_READ_TIMEOUT_MSEC, PATIENCE]
                self.capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, limits)
            else:
                self.capture = cv2.VideoCapture(int(path) if path.isdecimal() else path)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self.capture.isOpened():
            what, fix = "camera", "ls /dev/video* lists the cameras"
            if ADDRESS.match(path):
                what, fix = "stream", "check the address, the network and the password"
            raise DataError(f"error[D104] {self.name}: the {what} cannot be opened by OpenCV\n  fix: {fix}")
        self.rate = self.capture.get(cv2.CAP_PROP_FPS) or 25.0
