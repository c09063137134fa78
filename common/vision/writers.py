"""Writers of annotated images and videos."""

from pathlib import Path

from common.errors import ConfigError, DataError, EnvironmentProblem
from common.vision.channels import as_rgb

DRAWN = (".jpg", ".jpeg", ".png")  # files that --out may name


def make_output_folder(folder):
    """Creates the output folder if it is missing; returns its path.

    Raises:
        EnvironmentProblem: the folder cannot be created.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(f"--out {folder}: cannot be created: {error.strerror}") from error
    return folder


def refuse_overwrite(target, source):
    """Refuses to overwrite the input file.

    Raises:
        ConfigError: target and source are the same file.
    """
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise ConfigError(f"--out {target.parent}: would overwrite {source}; choose another folder")


def encode_jpeg(image, quality=90):
    """An image RGB uint8 [H, W, 3] as the bytes of a JPEG file."""
    import cv2

    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


class Drawings:
    """Base class of what writes images with predictions drawn, one by one; a subclass has `add`."""

    def draw(self, task, sample, records):
        """Draws the predictions of a sample and writes them; an image that a text led to is named by its place.

        Args:
            task (Task): draws the records on an image, or makes one of them.
            sample (dict): decoded.
            records (list[dict]): of the sample.
        """
        if "image" in sample:
            self.add(sample, task.draw(as_rgb(sample["image"]), records))
        else:
            self.add(sample | {"name": f"{sample['place'].replace(' ', '_')}.png"}, task.draw(None, records))


class ImageWriter(Drawings):
    """Writes annotated images to a folder under the names of the input files, or one image to a file.

    Args:
        out (str): the output folder, created if missing, or a .jpg or .png file.
        many (bool): there may be several images.

    Raises:
        ConfigError: a file is named for several images.
    """

    def __init__(self, out, many=True):
        self.names, self.file = set(), None
        if Path(out).suffix.lower() in DRAWN and not str(out).endswith("/") and not Path(out).is_dir():
            if many:
                raise ConfigError(f"--out {out}: an image, but there are several; name a folder")
            self.file = Path(out)
        self.folder = make_output_folder(self.file.parent if self.file else out)

    def add(self, sample, image):
        """Writes one RGB image."""
        import cv2

        name = Path(sample["name"]).name
        stem, suffix = Path(name).stem, Path(name).suffix.lower()
        suffix = suffix if suffix in (".jpg", ".jpeg", ".png", ".bmp", ".webp") else ".png"
        target, number = f"{stem}{suffix}", 1
        while target in self.names:
            target, number = f"{stem}_{number}{suffix}", number + 1
        if self.file:
            suffix, target = self.file.suffix.lower(), self.file.name
        self.names.add(target)
        refuse_overwrite(self.folder / target, sample["path"])
        ok, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if not ok:
            raise DataError(f"cannot encode {target}")
        try:
            (self.folder / target).write_bytes(data.tobytes())
        except OSError as error:
            raise EnvironmentProblem(f"--out: {self.folder / target} cannot be written: {error.strerror}") from error

    def close(self):
        """Does nothing."""


class VideoWriter(Drawings):
    """Writes annotated frames as one video.

    Args:
        folder (str): the output folder, created if missing.
        name (str): the input video.
        rate (float): frames per second.
    """

    def __init__(self, folder, name, rate):
        self.path, self.rate, self.writer = make_output_folder(folder) / f"{Path(name).stem}.mp4", rate, None
        refuse_overwrite(self.path, name)

    def add(self, sample, image):
        """Writes one RGB frame."""
        import cv2

        if self.writer is None:
            size = (image.shape[1], image.shape[0])
            self.writer = cv2.VideoWriter(str(self.path), cv2.VideoWriter_fourcc(*"mp4v"), self.rate, size)
            if not self.writer.isOpened():
                raise EnvironmentProblem(f"--out: {self.path} cannot be written")
        self.writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def close(self):
        """Finishes the file."""
        if self.writer is not None:
            self.writer.release()
