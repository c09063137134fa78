"""Datasets of images that are known by name: a folder with the list files of the original archives."""

from common.hub.dataset.base_cv_dataset import BaseCVDataset
from common.hub.dataset.places import find_folder

LISTS = {f"{name}_list_file": f"{name}_list.txt" for name in ("train", "validate", "test")}
LABELS = "label_list.txt"


class KnownImages(BaseCVDataset):
    """Base class: `train_list.txt`, `validate_list.txt`, `test_list.txt` and `label_list.txt` in a folder.

    Args:
        base_path (str | Path): the folder; looked for below `dataset/`, `data/` and `HUB_HOME/dataset/` when None.
    """

    folder = ""

    def __init__(self, base_path=None):
        place = find_folder(self.folder, base_path, ["train_list.txt", LABELS])
        lists = {key: name for key, name in LISTS.items() if (place / name).is_file()}
        super().__init__(place, **lists, label_list_file=LABELS)


class DogCat(KnownImages):
    """Dogs and cats."""

    folder = "dog-cat"


class Flowers(KnownImages):
    """Five kinds of flowers."""

    folder = "flower_photos"


class Food101(KnownImages):
    """A hundred and one dishes."""

    folder = "food-101"


class Indoor67(KnownImages):
    """Sixty-seven kinds of rooms."""

    folder = "Indoor67"


class StanfordDogs(KnownImages):
    """A hundred and twenty breeds of dogs."""

    folder = "StanfordDogs-120"
