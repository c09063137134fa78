"""Frames of a sequence as image files of a folder, in the order of the numbers in their names."""

import os
import re

import numpy as np

from common.vision.files import is_image_file

NUMBER = re.compile(r"(\d+)\D*$")


def frames_in(folder):
    """The image files of a folder in order of their numbers, or of their names (list[str])."""
    names = [entry.name for entry in os.scandir(folder) if is_image_file(entry.name)]
    numbers = {name: number_of(name) for name in names}
    key = (lambda name: (numbers[name], name)) if None not in numbers.values() else (lambda name: name)
    return [os.path.join(folder, name) for name in sorted(names, key=key)]


def number_of(name):
    """The number at the end of the name of a frame (int), or None."""
    found = NUMBER.search(os.path.splitext(os.path.basename(name))[0])
    return int(found[1]) if found else None


def missing_frames(frames):
    """Sentences that say which frames are missing by their numbers, at most one (list[str]).

    Where all steps are alike, as of every third frame, none is missing.

    Args:
        frames (list[str]): paths in order.
    """
    numbers = [number_of(frame) for frame in frames]
    if len(numbers) < 3 or None in numbers:
        return []
    steps = np.diff(numbers)
    usual = int(np.median(steps))
    gaps = np.flatnonzero(steps != usual)
    if not len(gaps) or usual < 1:
        return []
    before, after = (os.path.basename(frames[int(gaps[0]) + step]) for step in (0, 1))
    return [f"a frame is missing: {before} is followed by {after}, in {len(gaps)} places the numbers do not go on"]
