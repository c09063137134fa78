"""Image classification datasets in a zip file with one folder per class, read without unpacking."""

import hashlib
import os
import posixpath
import zipfile
import zlib

import numpy as np

from common.data.issues import IssueList, cache_issues, data_error
from common.data.refusals import bad_file
from common.errors import BadSample
from common.vision.decode import decode_image
from common.vision.files import is_image_file

from .classification import ClassificationDataset, find_duplicates
from .detection_check import warn_dark
from .image_folder import check_classes, warn_left_out
from .labels import read_labels
from .values import compare_names

MAX_FILE_SIZE = 1 << 28  # bytes, of one image
ENCRYPTED = 1


class ImageZip(ClassificationDataset):
    """The images of a zip file, in one folder per class, named for it.

    Args:
        root (str): the zip file.
        folder (str): the folder of the class folders, in the zip file; empty for the top level.
        labels (list[str] | str): class names in order, or a file with one per line; default the folders found, sorted.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        levels (int): folders within each other that a class is named for: 2 for `Greek/character01`.
        in_memory (bool): keeps the decoded images, of a small set that is read many times.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self, root="dataset/images.zip", folder="train", labels=None, bad_samples="error", levels=1, in_memory=False
    ):
        if levels < 1:
            raise ValueError(f"levels is {levels}; it must be 1 or more")
        self.source, self.opened, self.decoded = str(root), None, {} if in_memory else None
        issues = IssueList(self.source)
        images, found, beside, others = [], [], [], []
        for member in members_of(self.source, issues):
            path = member.filename.replace("\\", "/")  # of archives that some programs write on Windows
            parts = posixpath.relpath(path, folder or ".").split("/")
            if parts[0] == "..":
                continue  # another split
            if not is_image_file(parts[-1]):
                others += parts[-1:] * (len(parts) > 1)
            elif len(parts) <= levels:
                beside += parts[-1:]
            else:
                found.append("/".join(parts[:levels]))
                images.append({"path": f"{self.source}!{member.filename}", "member": member.filename})
        known = sorted(set(found))
        if not images:
            issues.error("D117", f"has no images in subfolders of {folder!r}", fix="set `folder`")
            raise data_error(issues.errors)
        names = read_labels(labels, os.path.dirname(self.source))
        self.labels = known if names is None else names
        check_classes(known, self.labels, issues)
        compare_names(self.labels, issues)
        warn_left_out(beside, "beside the class folders", issues)
        warn_left_out(others, "that are no images by their suffix", issues)
        order = sorted(range(len(images)), key=lambda i: (self.labels.index(found[i]), images[i]["member"]))
        targets = np.array([self.labels.index(found[i]) for i in order], np.int64)
        self.store([{**images[i], "file": self.source} for i in order], targets, issues, bad_samples)

    def __getstate__(self):
        return {**self.__dict__, "opened": None, "decoded": None if self.decoded is None else {}}

    def read(self, index):
        """The bytes of an image; raises BadSample."""
        if (
            self.opened is None or self.opened[0] != os.getpid()
        ):  # an open file shares its position with the parent process
            self.opened = (os.getpid(), zipfile.ZipFile(self.source))
        image, archive = self.images[index], self.opened[1]
        try:
            about = archive.getinfo(image["member"])
            if about.flag_bits & ENCRYPTED:
                raise bad_file("D101", image["path"], "the image is encrypted")
            if about.file_size > MAX_FILE_SIZE:
                raise bad_file("D103", image["path"], f"an image of {about.file_size} bytes")
            return archive.read(about)
        except (OSError, zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as error:
            raise bad_file("D102", image["path"], f"cannot be read: {error}") from None

    def image_of(self, path):
        """The image of a sample's `path`, uint8 [H, W, 3]."""
        return self[self.paths().index(path)]["image"]

    def __getitem__(self, index):
        """One sample: `path` (the zip file and the member), `image` uint8 [H, W, 3], `label`."""
        path, image = self.images[index]["path"], None if self.decoded is None else self.decoded.get(index)
        if image is None:
            image = decode_image(self.read(index), path)
            if self.decoded is not None:
                self.decoded[index] = image
        return {"path": path, "image": image.copy(), "label": self.target(index)}

    def digests(self):
        """A hash of the content of each image (list of bytes)."""
        return [hashlib.blake2b(self.read(i), digest_size=16).digest() for i in range(len(self))]

    def check(self, deep=False, cache=None):
        """Validates the zip file; `deep` decodes every image."""
        name = f"{type(self).__name__}_{'deep' if deep else 'fast'}"
        return self.issues + (cache_issues(cache, name, [self.source], self.check_images) if deep else [])

    def check_images(self):
        """The issues of the images."""
        issues = IssueList(self.source)
        for i in range(len(self)):
            try:
                data, path = self.read(i), self.images[i]["path"]
                warn_dark(data, decode_image(data, path), path, issues)
            except BadSample as error:
                issues.errors.append(error.issue)
        return issues.all() or find_duplicates(self)


def members_of(path, issues):
    """The files in a zip file (list[ZipInfo]).

    Raises:
        DataError: D104 if it cannot be opened, D112 if it is not a valid zip file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [member for member in archive.infolist() if not member.is_dir()]
    except OSError as error:
        issues.error("D104", f"zip file cannot be opened: {error.strerror}", fix="set `root` to the zip file")
    except zipfile.BadZipFile as error:
        issues.error("D112", f"is not a complete zip file: {error}", fix="download it again")
    raise data_error(issues.errors)
