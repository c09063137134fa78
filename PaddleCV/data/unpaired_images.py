"""Two sets of images without pairs, in list files of one path a line, as the original kit's CycleGAN reads them."""

import os

from common.data.issues import IssueList, data_error
from common.data.transform import Transform
from common.log import counted, logger

from .detection_check import settle_listed
from .image_pairs import checked
from .imagenet_list import read_lines


class UnpairedImages:
    """Images of kind A, each with an image of kind B.

    A sample has `path` and `image_b_path`; sample i has image i of A and image i of B, the shorter list starting again.
    The transform RandomPartner gives it another image of B in every epoch.

    Args:
        root (str): the folder that all paths are relative to.
        list_a (str): images of kind A, one path a line.
        list_b (str): images of kind B.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    labels = None

    def __init__(self, root="dataset/cityscapes", list_a="trainA.txt", list_b="trainB.txt", bad_samples="error"):
        self.source, self.issues, self.kinds = os.path.normpath(os.path.join(root, list_a)), [], []
        for name in (list_a, list_b):
            source = os.path.normpath(os.path.join(root, name))
            issues, images = IssueList(source), []
            for number, line in enumerate(read_lines(source, issues), 1):
                if line.strip():
                    path = os.path.join(root, line.strip().replace("\\", "/"))
                    images.append({"path": path, "file": source, "place": f"line {number}"})
            if not images:
                issues.error("D117", "lists no image", fix="a line is the path of an image")
                raise data_error(issues.errors)
            kept, remaining = settle_listed(images, issues, bad_samples, source)
            self.kinds.append(kept)
            self.issues += remaining
            logger.info("%s: %s", source, counted(len(kept), "image"))

    def __len__(self):
        return max(len(kind) for kind in self.kinds)

    def __getitem__(self, index):
        """One sample without its pixels: `path` of kind A, `image_b_path`."""
        first, second = (kind[index % len(kind)]["path"] for kind in self.kinds)
        return {"path": first, "image_b_path": second}

    def paths(self):
        """The images of kind A, in the order of the dataset."""
        return [self[index]["path"] for index in range(len(self))]

    def check(self, deep=False, cache=None):
        """The problems of the lists and of the images of both kinds (list[DataIssue]), errors before warnings."""
        return checked(self, [image for kind in self.kinds for image in kind], deep, cache)


class RandomPartner(Transform):
    """Gives a sample of UnpairedImages the image of kind B of another sample, chosen at random; comes before On."""

    extra = 1
    augments = True

    def __call__(self, sample, rng, others):
        sample["image_b_path"] = others[0]["image_b_path"]
        return sample
