"""Pairs of images in list files, as the original kit's Pix2Pix reads them: `source<tab>target`, one pair a line."""

import os

from common.data.issues import IssueList, cache_issues, data_error
from common.log import counted, logger

from .detection_check import check_images, settle_listed
from .imagenet_list import read_lines


class ImagePairs:
    """Images and what they are to become.

    A sample has `path` and `target_path`; `{type: On, key: [image, target], same_random: true}` transforms both alike.

    Args:
        root (str): the folder that all paths are relative to.
        list_file (str): two paths a line, separated by a tab or by spaces.
        direction (str): `AtoB`, the first path is the source; `BtoA`, the second one.
        bad_samples (str): `error`, or `skip` to leave out a few pairs with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    labels = None

    def __init__(
        self, root="dataset/cityscapes", list_file="pix2pix_train_list", direction="AtoB", bad_samples="error"
    ):
        if direction not in ("AtoB", "BtoA"):
            raise ValueError(f"direction is {direction!r}; it must be AtoB or BtoA")
        self.source = os.path.normpath(os.path.join(root, list_file))
        issues, pairs = IssueList(self.source), []
        for number, line in enumerate(read_lines(self.source, issues), 1):
            if not line.strip():
                continue
            fields = line.strip().split("\t") if "\t" in line.strip() else line.split()
            fields = [os.path.join(root, field.strip().replace("\\", "/")) for field in fields]
            place = f"line {number}"
            if len(fields) != 2:
                fix = "a line is the path of the source and that of its target, separated by a tab"
                issues.error(
                    "D118", f"has {len(fields)} fields, not 2", place, line.strip()[:80], fix, image=len(pairs)
                )
                fields = ["", ""]
            if direction == "BtoA":
                fields.reverse()
            pairs.append({"path": fields[0], "target_path": fields[1], "file": self.source, "place": place})
        if not pairs:
            issues.error("D117", "lists no pair", fix="a line is `source<tab>target`")
            raise data_error(issues.errors)
        for number, pair in enumerate(pairs):
            if pair["target_path"] and not os.path.isfile(pair["target_path"]):
                place = pair["place"]
                issues.error("D104", f"target is missing: {pair['target_path']}", place, image=number)
        self.pairs, self.issues = settle_listed(pairs, issues, bad_samples, self.source)
        logger.info("%s: %s", self.source, counted(len(self.pairs), "pair"))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        """One sample without its pixels: `path`, `target_path`."""
        return {key: self.pairs[index][key] for key in ("path", "target_path")}

    def paths(self):
        """The source images, in the order of the dataset."""
        return [pair["path"] for pair in self.pairs]

    def check(self, deep=False, cache=None):
        """The problems of the list and of the images of both kinds (list[DataIssue]), errors before warnings."""
        both = [{**pair, "path": pair[key]} for pair in self.pairs for key in ("path", "target_path")]
        return checked(self, both, deep, cache)


def checked(dataset, images, deep, cache):
    """The problems of a list and of its image files, errors before warnings.

    Args:
        dataset (object): with `source` and `issues`.
        images (list[dict]): `path`, `file` and `place` of each.
        deep (bool): whether to decode every image; otherwise only the headers are read.
        cache (str | None): a folder that keeps the result until a file changes.
    """
    name = f"{type(dataset).__name__}_{'deep' if deep else 'fast'}"
    listed = [{**image, "width": None, "height": None} for image in images]
    paths = [dataset.source, *(image["path"] for image in images)]
    found = cache_issues(cache, name, paths, lambda: check_images(listed, deep, dataset.source))
    return sorted(dataset.issues + found, key=lambda issue: issue.severity != "error")
