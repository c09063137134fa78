"""Where the images of an inference come from: a file, a folder, a video, standard input."""

from pathlib import Path

from common.errors import ConfigError, DataError
from common.files import read_standard_input
from common.log import logger
from common.vision.decode import decode_image
from common.vision.files import IMAGE_SUFFIXES, image_size, is_image_file
from common.vision.writers import ImageWriter, VideoWriter

VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"}


def open_images(path):
    """The images that `path` names.

    Args:
        path (str | None): a file, a folder, a video, or - for standard input: an image's bytes, or one path a line.

    Raises:
        ConfigError: the path is empty.
        DataError: nothing is there, it is no image, or a folder holds none.
    """
    if path is None:
        raise ConfigError("this model takes images: --input IMAGE, a folder, a video, or -")
    if path == "-":
        return read_images()
    if not path.strip():
        raise ConfigError("--image: write which image, folder or video; - is standard input")
    place = Path(path)
    if place.is_dir():
        files = sorted(p for p in place.rglob("*") if is_image_file(p.name))
        if not files:
            raise DataError(f"{path}: the folder holds no image ({', '.join(IMAGE_SUFFIXES)})")
        return Images([str(p) for p in files], name=path, many=True)
    if place.suffix.lower() in VIDEOS:
        return Video(path)
    image_size(path)  # what can be refused from the header, is before a model is loaded
    return Images([path], name=path, many=False)


def read_images():
    """An image's bytes, or one path a line."""
    items, many = read_standard_input("an image")
    return Images(items, name="-", many=many)


class Images:
    """Image files, or the bytes of one.

    Args:
        items (list[str | bytes]): paths, or encoded images.
        name (str): for messages.
        many (bool): whether the others are still predicted when an image cannot be read.
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

    def drawing(self, folder):
        """Where drawn images go."""
        return ImageWriter(folder)


class Video:
    """The frames of a video file.

    Args:
        path (str): any container and codec that OpenCV reads.

    Raises:
        DataError: the file is not there, has no stream that can be read, or not one frame.
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
            raise DataError(f"{path}: no video stream that OpenCV can read")
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
            raise DataError(f"{self.name}: the video has no frame")
        if self.expected > count:
            logger.warning("%s: %d of %d frames could be read", self.name, count, self.expected)

    def drawing(self, folder):
        """Where drawn frames go."""
        return VideoWriter(folder, self.name, self.rate)
