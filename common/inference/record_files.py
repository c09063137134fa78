"""Files of the records of samples, such as the sound of a text, in the format that a task `writes`."""

from pathlib import Path

from common.errors import ConfigError
from common.inference.results import write_content
from common.vision.writers import make_output_folder, refuse_overwrite


class RecordFiles:
    """Writes a file per sample to a folder, named by its place, or one file.

    Args:
        out (str): the output folder, created if missing, or a file with one of the suffixes.
        many (bool): there may be several samples.
        suffixes (tuple[str]): those that a task `writes`, the first one for files of a folder.

    Raises:
        ConfigError: a file is named for several samples.
    """

    def __init__(self, out, many, suffixes):
        self.file, self.suffix = None, suffixes[0]
        if Path(out).suffix.lower() in suffixes and not str(out).endswith("/") and not Path(out).is_dir():
            if many:
                raise ConfigError(f"--out {out}: one file, but there are several samples; name a folder")
            self.file = Path(out)
        self.folder = make_output_folder(self.file.parent if self.file else out)

    def draw(self, task, sample, records):
        """Writes the file of a sample; one without records, such as an empty line, has no file."""
        if records:
            target = self.file or self.folder / f"{sample['place'].replace(' ', '_')}{self.suffix}"
            refuse_overwrite(target, sample["path"])
            write_content(target, task.file_of(records))

    def close(self):
        """Does nothing."""
