"""YouTube-VOS: the masks of objects in frames of videos (https://arxiv.org/abs/1809.03327)."""

import json
import os

import numpy as np

from common.data.issues import IssueList, data_error, settle
from common.errors import DataError
from common.files import DuplicateKey, decode_text, parse_json
from common.vision.files import Listing

from .tracked_objects import TrackedObjects

FRAMES, MASKS = "JPEGImages", "Annotations"


class YouTubeVOS(TrackedObjects):
    """The objects of `meta.json` as sequences: `JPEGImages/VIDEO/00000.jpg` and `Annotations/VIDEO/00000.png`.

    A PNG has the number of the object as the value of its pixels.  The box of a frame is that around the mask, which is
    read when the frame is chosen; until then it is NaN.

    Args:
        root (str): the folder with meta.json.
        bad_samples (str): `error`, or `skip` to leave out a few objects with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(self, root, bad_samples="error"):
        self.source = os.path.normpath(os.path.join(root, "meta.json"))
        issues, listing, found = IssueList(self.source), Listing(), []
        for video, about in read_videos(self.source, issues).items():
            objects = about.get("objects") if isinstance(about, dict) else None
            if not isinstance(objects, dict):
                issues.error("D113", "has no 'objects'", f"videos.{video}", image=len(found))
                found.append(None)
                continue
            for name, one in objects.items():
                found.append(read_object(root, video, name, one, issues, listing, len(found)))
        if not found:
            issues.error("D117", "has no object")
            raise data_error(issues.errors)
        self.issues = settle(issues, bad_samples, len(found))
        self.found = [one for one in found if one]

    def paths(self):
        """The first mask of each object."""
        return [one["path"] for one in self.found]


def read_videos(path, issues):
    """The value of `videos` in a file (dict); raises DataError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            content = parse_json(decode_text(file.read(), path))
    except OSError as error:
        issues.error("D104", f"cannot be opened: {error.strerror}", fix="set `root` to the folder with meta.json")
    except (DuplicateKey, json.JSONDecodeError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        issues.error("D112", f"is not JSON: {getattr(error, 'msg', error)}", place)
    except DataError as error:
        issues.error("D112", str(error).splitlines()[0])
    else:
        videos = content.get("videos") if isinstance(content, dict) else None
        if isinstance(videos, dict):
            return videos
        issues.error("D113", "has no 'videos', a dict of each video by its name")
    raise data_error(issues.errors)


def read_object(root, video, name, about, issues, listing, number):
    """The sequence of an object, or None where it has errors, which are added to `issues`.

    Args:
        root (str): of the dataset.
        video (str): name of its video.
        name (str): its number, as meta.json writes it.
        about (dict): its `frames`.
        issues (IssueList): added to.
        listing (Listing): of the folders.
        number (int): of the sequence, for issues.
    """
    place = f"videos.{video}.objects.{name}"
    frames = about.get("frames") if isinstance(about, dict) else None
    if not (isinstance(frames, list) and frames and all(isinstance(frame, str) for frame in frames)):
        issues.error("D113", "has no 'frames', a list of their names", place, image=number)
        return None
    if not name.isdecimal() or not 0 < int(name) < 256:
        issues.error("D113", "is not the number of an object, 1 to 255", place, name, image=number)
        return None
    images = [os.path.join(root, FRAMES, video, f"{frame}.jpg") for frame in frames]
    masks = [os.path.join(root, MASKS, video, f"{frame}.png") for frame in frames]
    missing = [path for path in (*images, *masks) if path not in listing]
    if missing:
        near = listing.nearest(missing[0])
        fix = f"did you mean {near!r}?" if near else "extract the archives again"
        issues.error("D104", f"has no {missing[0]} ({len(missing)} files are missing)", place, fix=fix, image=number)
        return None
    return {
        "path": masks[0],
        "name": f"{video}/{name}",
        "frames": images,
        "boxes": np.full((len(frames), 4), np.nan),
        "present": np.ones(len(frames), bool),
        "masks": [{"path": path, "value": int(name)} for path in masks],
    }
