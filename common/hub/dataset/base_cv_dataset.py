"""The base class of datasets of images: lists of `path label`, in the format of ImageNet's."""

from pathlib import Path

from common.config.yaml import display_path
from common.errors import ConfigError
from common.files import read_lines

PHASES = ("train", "dev", "test", "predict")


class BaseCVDataset:
    """Images with labels in list files: a path relative to the folder, a space, the number of the label.

    Args:
        base_path (str | Path): the folder.
        train_list_file (str): list of the training images.
        validate_list_file (str): list of the validation images.
        test_list_file (str): list of the test images.
        predict_file (str): list of images without labels.
        label_list_file (str): the labels, one per line.
        label_list (list[str]): the labels.

    Raises:
        ConfigError: the folder is not there, or the labels are given twice or not at all.
    """

    def __init__(
        self, base_path, train_list_file=None, validate_list_file=None, test_list_file=None, predict_file=None,
        label_list_file=None, label_list=None,
    ):  # fmt: skip
        self.base_path = Path(base_path)
        if not self.base_path.is_dir():
            raise ConfigError(f"{type(self).__name__}: {display_path(self.base_path)}: there is no such folder")
        if bool(label_list_file) == bool(label_list):
            raise ConfigError(f"{type(self).__name__}: give label_list or label_list_file")
        self.files = dict(zip(PHASES, (train_list_file, validate_list_file, test_list_file, predict_file), strict=True))
        self.label_list = list(label_list or read_lines(self.base_path / label_list_file))

    def has(self, phase):
        """True if there is a list of a phase: train, dev, test or predict."""
        return bool(self.files.get(phase))

    def get_labels(self):
        """The labels in the order of their numbers (list[str])."""
        return list(self.label_list)

    @property
    def num_labels(self):
        """The number of labels."""
        return len(self.label_list)

    def split_of(self, phase, folder):
        """The place of the images of a phase in a configuration (dict): `root`, `list_file`; `folder` is not used."""
        return {"root": str(self.base_path), "list_file": self.files[phase]}
