"""The base class of datasets of keypoints: a sample is a person, whom a box crops out of the image.

Shapes in this file:
    I images, P people of all images, K keypoints.
Boxes are (x1, y1, x2, y2), keypoints (x, y, visibility), in pixels of the upright image; the center of the first pixel
is at (0.5, 0.5). Visibility is 0 for not labeled, 1 for hidden and 2 for visible.
"""

import dataclasses

import numpy as np

from common.data.issues import cache_issues, settle
from common.log import logger

from .detection_check import CLIP_SILENTLY, check_files, check_images, fill_sizes

CATEGORY = {"id": 1, "name": "person"}


@dataclasses.dataclass
class People:
    """The people of a whole dataset; every array has P rows.

    Args:
        image (ndarray): int64, index of the image.
        box (ndarray): float64 [P, 4].
        points (ndarray): float64 [P, K, 3].
        crowd (ndarray): bool, the box encloses a group of people; not a sample.
        area (ndarray): float64, of the person in pixels, by which OKS is scaled.
        score (ndarray): float64, of a box that a detector found; 1 for an annotated one.
        head (ndarray): float64, size of the head in pixels where the file has it, else NaN.
        position (ndarray): int64, index in the annotation file.
    """

    image: np.ndarray
    box: np.ndarray
    points: np.ndarray
    crowd: np.ndarray
    area: np.ndarray
    score: np.ndarray
    head: np.ndarray
    position: np.ndarray

    def select(self, chosen):
        """The people selected by a mask or an index array."""
        return People(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))


class KeypointDataset:
    """People with keypoints; a child class reads them and calls :meth:`store` once.

    Attributes:
        labels (list[str]): names of the keypoints, in their order.
        people (People): all that are annotated.
        rows (ndarray): int64, the people that are samples; those of `found` where a detector gave the boxes.
        found (People | None): boxes of a detector, which are samples in place of the annotated people.
        issues (list[DataIssue]): the problems found while reading the annotations.
    """

    padding = {"boxes": 0, "keypoints": 0}
    what = "person"
    found = None
    shift = 0.0  # from the coordinates of keypoints in the file to those of samples
    boxes_are_annotated = True  # else they are guesses, which may exceed the image

    def store(self, images, people, place, issues, bad_keypoints, bad_samples):
        """Validates images and people and stores them.

        Args:
            images (list[dict]): `id`, `file_name`, `path`, `width`, `height` (0 if unknown), `file` (that lists it).
            people (People): in any order.
            place (Callable): index of a person -> (file, place), for a message.
            issues (IssueList): collects the problems.
            bad_keypoints (str): `error`, or `drop`: labeled keypoints outside their image count as not labeled.
            bad_samples (str): `error`, or `skip` to leave out a few images with errors.

        Raises:
            DataError: lists every error found.
            ValueError: an option has an invalid value.
        """
        if bad_keypoints not in ("error", "drop"):
            raise ValueError(f"bad_keypoints is {bad_keypoints!r}; it must be error or drop")
        check_files(images, issues)
        fill_sizes(images, issues)
        self.check_people(images, people, place, issues, bad_keypoints)
        labeled = (people.points[:, :, 2] > 0).any(1)
        if images and not (labeled & ~people.crowd).any() and not issues.errors:
            fix = "check that this is the right file: nobody in it has a labeled keypoint"
            issues.error("D117", f"none of the {len(images)} images has a person with keypoints", fix=fix)
        self.issues = settle(issues, bad_samples, len(images))
        good = ~np.isin(people.image, [number for number in issues.of_images if number is not None])
        self.images, self.people = images, people.select(good)
        labeled = (self.people.points[:, :, 2] > 0).any(1)
        self.rows = np.flatnonzero(labeled & ~self.people.crowd)
        logger.info(
            "%s: %d people in %d images, %d of them without keypoints or in crowds; %d keypoints",
            *(self.source, len(good), len(images), int(good.sum()) - len(self.rows), len(self.labels)),
        )

    def check_people(self, images, people, place, issues, bad_keypoints):
        """Reports wrong boxes (D106, D107, D119) and keypoints outside their image (D107), or drops such keypoints."""
        size = np.array([(image["width"], image["height"]) for image in images], np.float64).reshape(-1, 2)
        size = np.where(size > 0, size, np.inf)[people.image]
        box, points = people.box, people.points
        known = np.isfinite(points).all(2)
        finite = np.isfinite(box).all(1) & known.all(1)
        empty = finite & (box[:, 2:] <= box[:, :2]).any(1)
        away = finite & ~empty & ((box[:, 2:] <= 0).any(1) | (box[:, :2] >= size).any(1))
        outside = (points[:, :, 2] > 0) & ((points[:, :, :2] < 0) | (points[:, :, :2] > size[:, None])).any(2)

        def report(k, code, message, value, fix, drop=False):
            file, where = place(k)
            image = images[people.image[k]]
            value = f"{value} in {image['file_name']} ({image['width']}x{image['height']})"
            if drop:
                issues.warn(code, message, where, value, fix, file)
            else:
                issues.error(code, message, where, value, fix, file, int(people.image[k]))

        def named(k, joint):
            x, y = (points[k, joint, :2] - self.shift).round(2).tolist()
            return f"{self.labels[joint]} ({x:.10g}, {y:.10g})"

        for which, code, message in (
            (~np.isfinite(box).all(1), "D119", "a coordinate is not a finite number"),
            (empty, "D106", "box has no area: its width or height is not positive"),
            (away, "D107", "box lies outside the image"),
        ):
            for k in np.flatnonzero(which):
                report(k, code, message, f"box {people.box[k].round(2).tolist()}", "correct the annotation")
        for k, joint in np.argwhere(~known):
            message = "a coordinate of a keypoint is not a finite number"
            report(k, "D119", message, named(k, joint), "correct the annotation")
        over = np.maximum(-box, 0).max(1, initial=0), np.maximum(box[:, 2:] - size, 0).max(1, initial=0)
        exceeds = finite & ~empty & ~away & (np.maximum(*over) > CLIP_SILENTLY) & self.boxes_are_annotated
        for k in np.flatnonzero(exceeds):
            report(k, "D107", "box exceeds the image", f"box {people.box[k].round(2).tolist()}", "", drop=True)
        drop = bad_keypoints == "drop"
        fix = "correct it" if drop else "correct it, or set `bad_keypoints: drop`"
        for k, joint in np.argwhere(outside & finite[:, None]):
            message = "labeled keypoint lies outside the image" + "; taken as not labeled" * drop
            report(k, "D107", message, named(k, joint), fix, drop)
        points[outside] = 0

    @property
    def num_classes(self):
        """K, the number of keypoints."""
        return len(self.labels)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        """One person.

        Returns:
            dict: `path`, `image_id`, `person` int (its row), `boxes` float32 [1, 4], `box_score` float32, and of
            annotated people `keypoints` float32 [1, K, 3].
        """
        people, row = self.people if self.found is None else self.found, self.rows[index]
        image = self.images[people.image[row]]
        sample = {
            "path": image["path"],
            "image_id": image["id"],
            "person": int(row),
            "boxes": people.box[row][None].astype(np.float32),
            "box_score": np.float32(people.score[row]),
        }
        if self.found is None:
            sample["keypoints"] = people.points[row][None].astype(np.float32)
        return sample

    def annotations(self):
        """All people in COCO's format of keypoints: `images`, `annotations`, `categories`."""
        found = []
        for k, (x1, y1, x2, y2) in enumerate(self.people.box.tolist()):
            points = self.people.points[k]
            found.append(
                {
                    "id": k + 1,
                    "image_id": self.images[self.people.image[k]]["id"],
                    "category_id": CATEGORY["id"],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": float(self.people.area[k]),
                    "iscrowd": int(self.people.crowd[k]),
                    "num_keypoints": int((points[:, 2] > 0).sum()),
                    "keypoints": points.ravel().tolist(),
                }
            )
        images = [{key: image[key] for key in ("id", "file_name", "width", "height")} for image in self.images]
        return {"images": images, "annotations": found, "categories": [CATEGORY | {"keypoints": self.labels}]}

    def paths(self):
        """The image file of each sample, in the order of the dataset."""
        people = self.people if self.found is None else self.found
        return [self.images[number]["path"] for number in people.image[self.rows]]

    def check(self, deep=False, cache=None):
        """Validates the annotations and the image files.

        Args:
            deep (bool): whether to decode every image; otherwise only the headers are read.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors before warnings.
        """
        paths = [self.source, *(image["path"] for image in self.images)]
        name = f"{type(self).__name__}_{'deep' if deep else 'fast'}"
        found = cache_issues(cache, name, paths, lambda: check_images(self.images, deep, self.source))
        return sorted(self.issues + found, key=lambda issue: issue.severity != "error")
