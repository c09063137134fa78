"""The videos of ImageNet VID: an XML file for each frame, in which each object has a number for the whole video."""

import os

import numpy as np

from common.data.issues import IssueList, data_error, settle
from common.vision.files import IMAGE_SUFFIXES, Listing

from .tracked_objects import TrackedObjects
from .voc import CORNERS, read_xml


class VideoObjects(TrackedObjects):
    """The objects (`trackid`) of folders of XML files as sequences of the frames that have them.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the folder of the XML files, `VIDEO/000000.xml` at any depth.
        images (str): the folder of the frames, `VIDEO/000000.JPEG`.
        fewest (int): objects in fewer frames are left out.
        bad_samples (str): `error`, or `skip` to leave out a few videos with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self, root, annotations="Annotations/VID/train", images="Data/VID/train", fewest=2, bad_samples="error"
    ):
        self.source = os.path.normpath(os.path.join(root, annotations))
        issues, listing, found = IssueList(self.source), Listing(), []
        videos = sorted(videos_below(self.source))
        if not videos:
            issues.error("D104", "has no XML file", fix="set `root` and `annotations` to their folder")
            raise data_error(issues.errors)
        for number, video in enumerate(videos):
            place = os.path.join(root, images, os.path.relpath(video, self.source))
            found.append(read_video(video, place, number, issues, listing))
        self.issues = settle(issues, bad_samples, len(videos))
        good = [tracks for number, tracks in enumerate(found) if number not in issues.of_images]
        self.found = [track for tracks in good for track in tracks if len(track["frames"]) >= fewest]
        if not self.found:
            issues.error("D117", f"no object is in {fewest} frames or more")
            raise data_error(issues.errors)

    def paths(self):
        """The video of each object, with its number."""
        return [one["name"] for one in self.found]


def videos_below(folder):
    """The folders at or below a folder that contain XML files."""
    for place, _, names in os.walk(folder):
        if any(name.endswith(".xml") for name in names):
            yield place


def read_video(folder, images, number, issues, listing):
    """The objects of a video, a list of sequences; errors are added to `issues`.

    Args:
        folder (str): of its XML files.
        images (str): of its frames.
        number (int): of the video, for issues.
        issues (IssueList): added to.
        listing (Listing): of the folders.
    """
    tracks = {}
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".xml")):
        path = os.path.join(folder, name)
        tree = read_xml(path, "", issues, listing, number)
        if tree is None:
            continue
        frame = frame_of(os.path.join(images, name[: -len(".xml")]), listing)
        if frame is None:
            issues.error("D104", f"its frame is not in {images}", file=path, image=number)
            continue
        for place, item in enumerate(tree.findall("object")):
            track, box = (item.findtext("trackid") or "").strip(), read_corners_of(item)
            if not track or box is None:
                text = "has no trackid" if not track else f"has no {', '.join(CORNERS)} that enclose an area"
                issues.error("D113", text, f"object[{place}]", file=path, image=number)
                continue
            frames, boxes = tracks.setdefault(track, ([], []))
            frames.append(frame)
            boxes.append(box)
    return [
        {
            "path": folder,
            "name": f"{folder}/{track}",
            "frames": frames,
            "boxes": np.array(boxes),
            "present": np.ones(len(frames), bool),
        }
        for track, (frames, boxes) in tracks.items()
    ]


def frame_of(stem, listing):
    """The image with a path without its suffix (str), or None."""
    for suffix in IMAGE_SUFFIXES:
        for path in (stem + suffix.upper(), stem + suffix):
            if path in listing:
                return path
    return None


def read_corners_of(item):
    """The box x, y, w, h of an object (list[float]), or None where its corners are no numbers or enclose no area."""
    try:
        x1, y1, x2, y2 = (float(item.findtext(f"bndbox/{key}")) for key in CORNERS)
    except (TypeError, ValueError):
        return None
    return [x1, y1, x2 - x1, y2 - y1] if np.isfinite([x1, y1, x2, y2]).all() and x2 > x1 and y2 > y1 else None
