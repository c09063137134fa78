"""Video classification datasets: a list of videos with classes, or of parts of videos with classes."""

import csv
import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.errors import BadSample
from common.files import read_lines
from common.vision.video import VideoFile

from .classification import ClassificationDataset, class_names
from .detection_check import check_files
from .imagenet_list import ImageNetList

COLUMNS = ("video", "start", "end", "label")


class VideoList(ImageNetList):
    """The videos of a list file: a path, whitespace, the class id; as the lists of the original video kit.

    Args:
        root (str): the folder that all paths are relative to.
        list_file (str): the list.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the class ids.
        num_classes (int): number of classes if there are no labels; default those that occur in the list.
        bad_samples (str): `error`, or `skip` to leave out a few videos with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "video"
    image_of = staticmethod(lambda path: middle_frame(path))

    def __init__(self, root, list_file="train_list.txt", labels=None, num_classes=None, bad_samples="error"):
        super().__init__(root, list_file, labels, num_classes, "class", bad_samples)

    def __getitem__(self, index):
        """One sample without its frames: `path`, `place` in the list, and `label` int."""
        return {"path": self.images[index]["path"], "place": place_of(self, index), "label": self.target(index)}

    def check_files(self, deep):
        """The issues of the video files."""
        return check_videos(self, deep)


class VideoSegments(ClassificationDataset):
    """Parts of videos: the rows of a csv file with the columns video, start, end (frame numbers), label, perhaps split.

    Args:
        root (str): the folder that the paths of videos are relative to.
        list_file (str): the csv file.
        split (str): rows of this split alone; all rows when None.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the labels that occur in the file, sorted. Rows with other labels are left out if
            `only_labels`, otherwise an error.
        only_labels (bool): leaves out rows with other labels.
        bad_samples (str): `error`, or `skip` to leave out a few rows with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "video"
    image_of = staticmethod(lambda path: middle_frame(path))

    def __init__(self, root, list_file="segments.csv", split=None, labels=None, only_labels=False, bad_samples="error"):
        self.source = os.path.normpath(os.path.join(root, list_file))
        issues, names = IssueList(self.source), class_names(labels, root)
        rows = read_rows(self.source, issues)
        self.labels = names or sorted({row["label"] for row in rows})
        ids = {label: number for number, label in enumerate(self.labels)}
        images, targets = [], []
        for row in rows:
            if (split is not None and row.get("split") != split) or (only_labels and row["label"] not in ids):
                continue
            span = read_span(row, issues)
            if row["label"] not in ids:
                known = f"labels are {', '.join(self.labels[:12])}"
                issues.error("D109", f"label {row['label']!r} is unknown", row["place"], fix=known, image=len(images))
            path = os.path.join(root, row["video"])
            images.append({"path": path, "file": self.source, "place": row["place"], "start": span[0], "end": span[1]})
            targets.append(ids.get(row["label"], 0))
        if not images:
            given = f" of the split {split!r}" if split is not None else ""
            issues.error("D117", f"the list has no rows{given}", fix="correct `split` or `list_file`")
            raise data_error(issues.errors)
        check_files(images, issues, self.what)
        self.store(images, np.array(targets, np.int64), issues, bad_samples)

    def __getitem__(self, index):
        """One sample without its frames: `path`, `start`, `end`, `place` in the list, and `label` int."""
        image = self.images[index]
        span = {key: image[key] for key in ("start", "end")}
        return {"path": image["path"], "place": place_of(self, index), **span, "label": self.target(index)}

    def check_files(self, deep):
        """The issues of the video files."""
        return check_videos(self, deep)


def middle_frame(path):
    """The frame in the middle of a video, uint8 [H, W, 3], for plots; raises BadSample."""
    with VideoFile(path) as video:
        return video.frames([video.count // 2])[0]


def place_of(dataset, index):
    """The line of a sample's list, for messages."""
    return f"{dataset.source}: {dataset.images[index]['place']}"


def read_rows(path, issues):
    """The rows of a csv file with these columns, dicts with `place`; raises DataError D104, D112 or D118."""
    reader = csv.DictReader(read_lines(path))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        issues.error("D118", f"lacks the columns {', '.join(missing)}", "line 1", fix=f"columns: {','.join(COLUMNS)}")
        raise data_error(issues.errors)
    return [{**row, "place": f"line {reader.line_num}"} for row in reader]


def read_span(row, issues):
    """The frame numbers `start` and `end` of a row; after an error (D118), 0 and 1."""
    try:
        start, end = int(row["start"]), int(row["end"])
    except (TypeError, ValueError):
        start, end = 0, -1
    if not 0 <= start < end:
        value, fix = f"start {row['start']}, end {row['end']}", "frame numbers, the end after the last frame"
        issues.error("D118", "start and end are not frame numbers in order", row["place"], value, fix)
        return 0, 1
    return start, end


def check_videos(dataset, deep):
    """The issues of the files of a dataset: each is opened, and with `deep` all of its frames are decoded."""
    issues, longest = IssueList(dataset.source), {}
    for image in dataset.images:
        end, place = longest.get(image["path"], (0, image["place"]))
        longest[image["path"]] = (max(end, image.get("end", 0)), place)
    for path, (end, place) in longest.items():
        try:
            with VideoFile(path) as video:
                if end > video.count:
                    issues.error("D118", f"a part ends at frame {end} of {video.count}", place, path)
                found = sum(1 for _ in video) if deep else video.count
                if found < video.count:
                    issues.warn("D102", "fewer frames can be decoded than the header says", place, path, file=path)
        except BadSample as error:
            issues.error(error.issue.code, error.issue.message, place, path, error.issue.fix)
    return issues.all()
