"""Datasets of segments in videos: annotations in ActivityNet's form, and a file of features of each video."""

import json
import os

import numpy as np

from common.data.issues import IssueList, data_error, settle
from common.errors import BadSample
from common.files import parse_json, read_lines
from common.log import counted, logger
from common.vision.feature_files import read_features


class ActivityNet:
    """The videos of a JSON file `{"database": {NAME: {"subset", "duration", "annotations": [...]}}}` with features.

    An annotation is `{"segment": [start, end], "label": NAME}`, in seconds; `database` may be left out. The features of
    a video are in `<features>/<NAME>.npz` or `.safetensors`.

    Args:
        root (str): the folder that the other paths are relative to.
        annotations (str): the JSON file.
        features (str): the folder of the feature files.
        subset (str | list[str] | None): videos of these subsets alone; all when None.
        labels (list[str] | None): class names in order; those that occur in the file, sorted, when None.
        bad_samples (str): `error`, or `skip` to leave out a few videos with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "video"
    padding = {"segments": None, "segment_labels": None}  # lists of each video

    def __init__(
        self,
        root,
        annotations="annotations.json",
        features="features",
        subset=None,
        labels=None,
        bad_samples="error",
    ):
        self.source = os.path.normpath(os.path.join(root, annotations))
        issues = IssueList(self.source)
        database = read_database(self.source, issues)
        subsets = {subset} if isinstance(subset, str) else set(subset or ())
        names = [name for name, about in database.items() if not subsets or about.get("subset") in subsets]
        self.labels = (
            list(labels) if labels else sorted({label for name in database for label in labels_of(database[name])})
        )
        ids = {label: number for number, label in enumerate(self.labels)}
        videos = []
        for name in names:
            path = next((p for p in paths_of(root, features, name) if os.path.exists(p)), None)
            if path is None:
                issues.error(
                    "D104", "has no file of features", name, paths_of(root, features, name)[0], image=len(videos)
                )
            videos.append(read_video(name, database[name], path, ids, issues, len(videos)))
        if not names:
            known = ", ".join(sorted({str(about.get("subset")) for about in database.values()})) or "none"
            issues.error("D117", f"no videos of the subset {subset!r}", value=f"subsets: {known}")
            raise data_error(issues.errors)
        self.issues = settle(issues, bad_samples, len(videos))
        stay = np.setdiff1d(np.arange(len(videos)), issues.of_images).astype(np.int64)
        self.videos = [videos[number] for number in stay]
        total = sum(len(video["segments"]) for video in self.videos)
        logger.info("%s: %s, %s", self.source, counted(len(self.videos), "video"), counted(total, "segment"))

    @property
    def num_classes(self):
        """The number of labels."""
        return len(self.labels)

    def __len__(self):
        return len(self.videos)

    def __getitem__(self, index):
        """One sample: `path`, `duration` (seconds), `segments` float64 [B, 2], shares of it, `segment_labels` [B]."""
        video = self.videos[index]
        keys = ("path", "place", "duration", "segments", "segment_labels")
        return {key: video[key].copy() if hasattr(video[key], "copy") else video[key] for key in keys}

    def paths(self):
        """The files of features, in the order of the dataset."""
        return [video["path"] for video in self.videos]

    def check(self, deep=False, cache=None):
        """The issues of the annotations and of the files of features (list[DataIssue])."""
        issues = IssueList(self.source)
        for video in self.videos:
            try:
                read_features(video["path"], video["path"])
            except BadSample as error:
                issues.error(error.issue.code, error.issue.message, video["place"], video["path"], error.issue.fix)
        return sorted(self.issues + issues.all(), key=lambda issue: issue.severity != "error")


def paths_of(root, features, name):
    """The paths that the features of a video may have."""
    return [os.path.join(root, features, f"{name}{suffix}") for suffix in (".npz", ".safetensors")]


def read_database(path, issues):
    """The videos of the annotations by name; raises DataError D104, D112 or D113."""
    text = "\n".join(read_lines(path))
    try:
        found = parse_json(text)
    except (json.JSONDecodeError, ValueError, RecursionError) as error:
        issues.error("D112", f"is not JSON: {error}")
        raise data_error(issues.errors) from None
    found = found.get("database", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(about, dict) for about in found.values()):
        issues.error("D113", "is no object of videos by name", fix='{"database": {"NAME": {"duration": ..., ...}}}')
        raise data_error(issues.errors)
    return found


def labels_of(about):
    """The labels in the annotations of a video that are texts."""
    annotations = about.get("annotations") or []
    return [one["label"] for one in annotations if isinstance(one, dict) and isinstance(one.get("label"), str)]


def read_video(name, about, path, ids, issues, number):
    """A video with its segments as shares of its duration; errors (D109, D113) are recorded."""
    duration, segments, classes = about.get("duration", about.get("duration_second")), [], []
    if not isinstance(duration, int | float) or isinstance(duration, bool) or not 0 < duration < float("inf"):
        issues.error("D113", "'duration' is missing, or is no number of seconds", name, duration, image=number)
        duration = 1.0
    for place, one in enumerate(about.get("annotations") or [], 1):
        where = f"{name}: annotation {place}"
        try:
            start, end = (float(value) for value in one["segment"])
            label = one.get("label")
        except (TypeError, KeyError, ValueError):
            issues.error("D113", "has no 'segment' [start, end] in seconds", where, one, image=number)
            continue
        if not 0 <= start < end <= duration * 1.01 + 1:
            value = f"{start:g} to {end:g} of {duration:g} s"
            issues.error("D113", "the segment is not within the video", where, value, image=number)
        elif label not in ids:
            issues.error("D109", f"label {label!r} is unknown", where, image=number)
        else:
            segments.append([start / duration, min(end / duration, 1.0)])
            classes.append(ids[label])
    return {
        "path": path or "",
        "place": f"{name}",
        "name": name,
        "duration": float(duration),
        "segments": np.array(segments, np.float64).reshape(-1, 2),
        "segment_labels": np.array(classes, np.int64),
    }
