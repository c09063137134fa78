"""Images of words with their texts: lists of the original OCR kit and lists in the manner of ICDAR.

Shapes in this file:
    C classes: the blank of CTC is 0, the characters of the alphabet are 1 to C - 1.
"""

import os
import re

from common.data.issues import IssueList, cache_issues
from common.files import has_lone_surrogate, replace_controls
from common.log import logger
from common.text.characters import Characters, token_text
from common.vision.files import image_size

from .detection_check import check_images, settle_listed
from .imagenet_list import parse_int, read_lines, warn_of_duplicates

FORMS = {
    "text": "the path of an image and its text, separated by a tab or a space",
    "sized": "width, height, path and text, separated by spaces",
    "ids": "width, height, path, and the numbers of the characters with commas, separated by spaces",
}
QUOTED = re.compile(r'^(\S+),\s*"(.*)"$')  # word_1.png, "Genaxis", the form of ICDAR 2015
NOMINAL_HEIGHT = 48


class WordList:
    """The images of a list file and their texts.

    A line has one of these forms: `text`, `path text` with a tab or a space between them (the text may have spaces),
    or ICDAR's `path, "text"`; `sized`, `width height path text`; `ids`, the original `width height path 3,17,2`, where
    the number of a character is its line in the alphabet, from 0.
    A sample has `path`, `manifest`, `place` (the line) and `text`.

    Args:
        root (str): the folder that all paths are relative to.
        list_file (str): the list, in `root`.
        vocab (str): the alphabet, one character per line, `<space>` for the space.
        form (str): of the lines: `text`, `sized` or `ids`.
        lowercase (bool): whether texts are read in lower case.
        unknown (str): the entry of the alphabet for all other characters; empty refuses them.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.

    Attributes:
        labels (list[str]): the blank and the characters, in the order of their ids.
        issues (list[DataIssue]): the problems found while reading the list.

    Raises:
        DataError: lists every error found, each with its line.
    """

    padding = {"labels": 0}
    what = "image"

    def __init__(
        self,
        root,
        list_file,
        vocab,
        form="text",
        lowercase=False,
        unknown="",
        bad_samples="error",
    ):
        if form not in FORMS:
            raise ValueError(f"form is {form!r}; it must be one of {', '.join(FORMS)}")
        if bad_samples not in ("error", "skip"):
            raise ValueError(f"bad_samples is {bad_samples!r}; it must be error or skip")
        self.root, self.form, self.lowercase = root, form, lowercase
        self.source = os.path.join(root, list_file)
        self.characters = Characters(vocab, unknown)
        self.labels = self.characters.labels
        issues, images = IssueList(self.source), []
        for number, line in enumerate(read_lines(self.source, issues), 1):
            if line.strip():
                images.append(self.read(line.strip(), f"line {number}", len(images), issues))
        warn_of_duplicates([image for image in images if image["path"]], issues)
        self.store(images, issues, bad_samples)

    def store(self, images, issues, bad_samples):
        """Validates the images and keeps those without errors."""
        self.images, self.issues = settle_listed(images, issues, bad_samples, self.source)
        logger.info("%s: %d images of words, %d characters", self.source, len(self.images), self.num_classes - 1)

    # Lines -----------------------------------------------------------------------------------------------------------

    def read(self, line, place, number, issues):
        """The image of a line; without a path and a text after recording an error."""
        image = {"path": "", "file": self.source, "place": place, "width": None, "height": None}

        def refuse(code, message, fix=""):
            issues.error(code, message, place, line[:80], fix, image=number)
            return image

        fields = fields_of(line, self.form)
        if fields is None:
            sides = " (both sizes in pixels)" if self.form != "text" else ""
            return refuse("D118", f"does not have the form '{self.form}'", f"a line is {FORMS[self.form]}{sides}")
        width, height, path, text = fields
        if width is not None:
            image["width"], image["height"] = width, height
        if self.form == "ids":
            try:
                text = self.text_of(text)
            except ValueError as error:
                count = self.num_classes - 1
                fix = f"the alphabet {self.characters.path} has {count} characters, 0 to {count - 1}"
                return refuse("D109", f"{error}", fix)
        text, changed = replace_controls(text)
        if changed:
            issues.warn("D125", "control characters are read as spaces", place)
        text = " ".join(text.split())
        text = text.lower() if self.lowercase else text
        if not text:
            return refuse("D126", "the text is empty", "remove the line, or bad_samples: skip")
        if has_lone_surrogate(text):
            return refuse("D123", "the text contains an unpaired surrogate")
        if odd := self.characters.odd(text):
            return refuse("D147", self.characters.describe_unknown(odd), "correct the text, or extend the alphabet")
        return image | {"path": os.path.join(self.root, path.replace("\\", "/")), "text": text}

    def text_of(self, numbers):
        """The text of numbers `3,17,2`; raises ValueError for one that is no character."""
        if not numbers:
            return ""
        found = []
        for part in numbers.split(","):
            try:
                number = parse_int(part)
            except ValueError:
                raise ValueError(f"has {part[:20]!r}, which is no number of a character") from None
            if not 0 <= number < self.num_classes - 1:
                raise ValueError(f"has the character number {number}, which is unknown")
            found.append(token_text(self.labels[number + 1]))
        return "".join(found)

    # Samples ---------------------------------------------------------------------------------------------------------

    @property
    def num_classes(self):
        """C, the characters and the blank."""
        return len(self.labels)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        """One sample without its pixels: `path`, `manifest`, `place`, `text`."""
        image = self.images[index]
        return {"path": image["path"], "manifest": self.source, "place": image["place"], "text": image["text"]}

    def lengths(self):
        """The width of each image at a height of 48 pixels (list[int]), so that batches need little padding."""
        found = []
        for image in self.images:
            width, height = image["width"], image["height"]
            if width is None:
                width, height, turned = image_size(image["path"])
                width, height = (height, width) if turned else (width, height)
            found.append(max(1, round(NOMINAL_HEIGHT * width / height)))
        return found

    def paths(self):
        """The image files, in the order of the dataset."""
        return [image["path"] for image in self.images]

    def check(self, deep=False, cache=None):
        """Validates the list and the images.

        Args:
            deep (bool): whether to decode every image; otherwise only the headers are read.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors before warnings.
        """
        name = f"{type(self).__name__}_{'deep' if deep else 'fast'}"
        find = lambda: check_images(self.images, deep, self.source)  # noqa: E731
        found = cache_issues(cache, name, [self.source, *self.paths()], find)
        return sorted(self.issues + found, key=lambda issue: issue.severity != "error")


def fields_of(line, form):
    """(width, height, path, text) of a line, the sizes None for `text`; None where it does not have this form."""
    if form == "text":
        quoted = QUOTED.match(line)
        if quoted:
            return None, None, quoted[1], quoted[2].replace('\\"', '"')
        path, _, text = line.partition("\t") if "\t" in line else line.partition(" ")
        return None, None, path.strip(), text.strip()
    fields = line.split(None, 3)
    try:
        width, height = (parse_int(field) for field in fields[:2])
    except ValueError:
        return None
    if len(fields) < 3 or width < 1 or height < 1:
        return None
    return width, height, fields[2], fields[3] if len(fields) > 3 else ""
