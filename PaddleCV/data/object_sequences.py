"""Sequences of frames with the box of one object, as trackers are trained and evaluated on.

A sequence is a sample: `path` and `name`, `frames` (paths, in order), `boxes` float64 [F, 4] (x, y, width, height in
pixels of the frame) and `present` bool [F], False where the object is hidden or outside of the frame.  Where masks are
known, `masks` has one of every frame, see :func:`common.vision.track_masks.read_track_mask`.
"""

import os
import re

import numpy as np

from common.data.issues import IssueList, data_error, settle
from common.errors import DataError
from common.files import read_lines
from common.vision.frame_files import frames_in, missing_frames

from .tracked_objects import LARGEST, TrackedObjects

FRAME_FOLDER, MASK_FOLDER = "img", "mask"
TRUTH = ("groundtruth_rect.txt", "groundtruth.txt")
SEPARATORS = re.compile(r"[,;\s]+")
HIDDEN = ("absence.label", "full_occlusion.txt", "out_of_view.txt")  # of GOT-10k; of LaSOT, both in one line


class ObjectSequences(TrackedObjects):
    """The folders of OTB, LaSOT and GOT-10k: frames in `img/` or beside `groundtruth_rect.txt` or `groundtruth.txt`.

    A line of the ground truth is x, y, width and height of a frame; OTB counts pixels from 1 and the others from 0, the
    difference is below what annotators agree on and is left.  A box without area, or one with NaN, is that of a hidden
    object; so are frames that `absence.label` (GOT-10k), `full_occlusion.txt` and `out_of_view.txt` (LaSOT) mark.  A
    folder `mask/` beside `img/` has the mask of the object in each frame, a PNG that is 0 elsewhere.

    Args:
        root (str): a folder of sequences.
        sequences (list[str] | None): folders below root to read; all that have a ground truth when None.
        bad_samples (str): `error`, or `skip` to leave out a few sequences with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "sequence"

    def __init__(self, root, sequences=None, bad_samples="error"):
        self.source, issues = os.path.normpath(root), IssueList(os.path.normpath(root))
        folders = (
            find_sequences(root, issues) if sequences is None else [os.path.join(root, name) for name in sequences]
        )
        if not folders:
            issues.error("D117", "has no sequence", fix=f"a sequence is a folder with {' or '.join(TRUTH)}")
            raise data_error(issues.errors)
        found = [read_sequence(folder, number, issues) for number, folder in enumerate(folders)]
        self.issues = settle(issues, bad_samples, len(found))
        self.found = [one for number, one in enumerate(found) if one and number not in issues.of_images]


class SequenceMix:
    """Sequences of several readers, each as often as its weight says.

    Args:
        sources (list[Dataset]): readers of sequences.
        weights (list[float] | None): of the readers; by their numbers of sequences when None.
        length (int): pairs of an epoch: `ChooseFrames` takes other frames of a sequence each time.
        seed (int): of the order.
    """

    what = "pair of frames"

    def __init__(self, sources, weights=None, length=1000, seed=0):
        if weights is not None and (len(weights) != len(sources) or min(weights) <= 0):
            raise ValueError(f"SequenceMix got {len(sources)} sources and the weights {weights}; one above 0 for each")
        if length < 1 or not sources:
            raise ValueError("SequenceMix takes one source or more, and a length of 1 or more")
        rng = np.random.default_rng(seed)
        share = np.array([len(source) for source in sources] if weights is None else weights, np.float64)
        self.sources, self.source = sources, " and ".join(source.source for source in sources)
        self.part = rng.choice(len(sources), length, p=share / share.sum())
        self.row = [int(rng.integers(len(sources[part]))) for part in self.part]

    def __len__(self):
        return len(self.row)

    def __getitem__(self, index):
        """A sequence of one of the readers."""
        return self.sources[self.part[index]][self.row[index]]


def find_sequences(root, issues):
    """The folders at or below `root`, up to three levels, that have a ground truth, sorted by name (list[str]).

    Args:
        root (str): the folder.
        issues (IssueList): a folder with `img/` and no ground truth is added as a warning.

    Raises:
        DataError: there is no such folder.
    """
    if not os.path.isdir(root):
        issues = IssueList(root)
        issues.error("D104", "there is no such folder")
        raise data_error(issues.errors)
    found, level = [], [root]
    for _ in range(4):
        there = [folder for folder in level if any(os.path.exists(os.path.join(folder, name)) for name in TRUTH)]
        found += there
        for folder in sorted(set(level) - set(there)):
            if os.path.isdir(os.path.join(folder, FRAME_FOLDER)):
                issues.warn("D104", f"has frames and no {' or '.join(TRUTH)}: it is left out", file=folder)
        level = [
            entry.path for folder in level if folder not in there for entry in os.scandir(folder) if entry.is_dir()
        ]
    return sorted(found)


def read_sequence(folder, number, issues):
    """The sequence of a folder, or None where it has errors, which are added to `issues`.

    Args:
        folder (str): its path.
        number (int): of the sequence, for issues.
        issues (IssueList): added to.
    """
    truth = next((p for p in (os.path.join(folder, name) for name in TRUTH) if os.path.exists(p)), None)
    if truth is None:
        issues.error("D104", f"has no {' or '.join(TRUTH)}", file=folder, image=number)
        return None
    before = len(issues.errors)
    images = os.path.join(folder, FRAME_FOLDER)
    images = images if os.path.isdir(images) else folder
    frames = frames_in(images)
    for text in missing_frames(frames):
        issues.error("D104", text, file=images, fix="extract the frames again", image=number)
    boxes = read_boxes_of(truth, number, issues)
    if len(boxes) != len(frames):
        message = f"{len(boxes)} boxes, but {images} has {len(frames)} frames"
        issues.error("D116", message, file=truth, fix="a line for each frame", image=number)
    if len(issues.errors) > before:
        return None
    present = np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1)
    for name in HIDDEN:
        if os.path.exists(path := os.path.join(folder, name)):
            present &= ~read_marks(path, len(frames), number, issues)
    if not len(frames) or not present[0]:
        what = "has no frames" if not len(frames) else "the first box has no area, or its object is marked as hidden"
        issues.error("D106" if len(frames) else "D117", what, file=truth, image=number)
        return None
    name = os.path.basename(os.path.normpath(folder))
    found = {"path": folder, "name": name, "frames": frames, "boxes": boxes, "present": present}
    return found | read_mask_folder(os.path.join(folder, MASK_FOLDER), frames, number, issues)


def read_mask_folder(folder, frames, number, issues):
    """`masks` of the PNGs of a folder, one for each frame; nothing where there is no such folder."""
    if not os.path.isdir(folder):
        return {}
    found = frames_in(folder)
    if len(found) != len(frames):
        message = f"{len(found)} masks for {len(frames)} frames"
        issues.error("D116", message, file=folder, fix="a PNG for each frame, or no such folder", image=number)
    return {"masks": [{"path": path} for path in found]}


def read_boxes_of(path, number, issues):
    """The boxes of a ground truth, float64 [F, 4]; lines with errors are added to `issues`."""
    boxes, lines = [], read_truth(path, number, issues)
    for line, text in lines:
        parts = [part for part in SEPARATORS.split(text.strip()) if part]
        try:
            box = [float(part) for part in parts]
        except ValueError:
            box = []
        if len(box) != 4:
            fix = "x, y, width and height, with commas, tabs or spaces between"
            issues.error("D118", "is not a box", f"line {line}", text[:60], fix, path, number)
            box = [np.nan] * 4
        elif min(box[2:]) < 0 or any(abs(value) > LARGEST for value in box):
            message = "has a negative size" if min(box[2:]) < 0 else f"reaches beyond {LARGEST:g} pixels"
            issues.error("D113", message, f"line {line}", text[:60], "x, y, width and height in pixels", path, number)
        boxes.append(box)
    return np.array(boxes, np.float64).reshape(-1, 4)


def read_marks(path, count, number, issues):
    """Frames that a file of 0 and 1 marks, bool [F]; all False, with an issue, where it is not one number a frame."""
    text = " ".join(line for _, line in read_truth(path, number, issues))
    parts = [part for part in SEPARATORS.split(text) if part]
    if len(parts) != count or not set(parts) <= {"0", "1"}:
        issues.error("D118", f"is not 0 or 1 for each of {count} frames", file=path, image=number)
        return np.zeros(count, bool)
    return np.array([part == "1" for part in parts])


def read_truth(path, number, issues):
    """The lines of a text file that are not blank, with their numbers; an unreadable file is added to `issues`."""
    try:
        return [(line, text) for line, text in enumerate(read_lines(path), 1) if text.strip()]
    except DataError as error:
        issues.error("D112", str(error).splitlines()[0], file=path, image=number)
        return []
