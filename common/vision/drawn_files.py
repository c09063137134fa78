"""Writes drawn pictures and videos."""

from pathlib import Path

from common.errors import ConfigError, DataError, EnvironmentProblem


def made(folder):
    """The folder, made if it is not there.

    Raises:
        EnvironmentProblem: it cannot be.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(f"--out {folder}: cannot be made: {error.strerror}") from error
    return folder


def keep_source(target, source):
    """Refuses to draw over what is read.

    Raises:
        ConfigError: both are the same file.
    """
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise ConfigError(f"--out {target.parent}: would write over {source}; name another folder")


class PictureDrawing:
    """Writes drawn pictures into a folder, under the names they came with.

    Args:
        folder (str): made if it is not there.
    """

    def __init__(self, folder):
        self.folder = made(folder)
        self.names = set()

    def add(self, sample, image):
        """Writes one RGB picture."""
        import cv2

        name = Path(sample["name"]).name
        stem, suffix = Path(name).stem, Path(name).suffix.lower()
        suffix = suffix if suffix in (".jpg", ".jpeg", ".png", ".bmp", ".webp") else ".png"
        target, number = f"{stem}{suffix}", 1
        while target in self.names:
            target, number = f"{stem}_{number}{suffix}", number + 1
        self.names.add(target)
        keep_source(self.folder / target, sample["path"])
        ok, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if not ok:
            raise DataError(f"cannot encode {target}")
        try:
            (self.folder / target).write_bytes(data.tobytes())
        except OSError as error:
            raise EnvironmentProblem(f"--out: {self.folder / target} cannot be written: {error.strerror}") from error

    def close(self):
        """Nothing is left to do."""


class VideoDrawing:
    """Writes drawn frames as one video.

    Args:
        folder (str): made if it is not there.
        name (str): the video the frames came from.
        rate (float): frames a second.
    """

    def __init__(self, folder, name, rate):
        self.path, self.rate, self.writer = made(folder) / f"{Path(name).stem}.mp4", rate, None
        keep_source(self.path, name)

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
