"""The choice of two frames of a sequence, or of two sequences, to train a tracker on."""

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.vision.track_masks import box_of_mask, read_track_mask


class ChooseFrames(Transform):
    """Takes two frames of a sequence in which the object is seen, the later one often far from the first.

    Sets `frames` (two), `boxes` float64 [2, 4] and `same` int64: 0 where the second frame is that of another sequence,
    in which the object of the first is not to be found.  Where a box is NaN, it is that around the mask of the object.

    Args:
        gap (int): frames from one to the other at most.
        negatives (float): probability of two sequences.
        masks (bool): sets `mask`, that of the object in the second frame; None where the sequence has none.
    """

    augments = True
    extra = 1

    def __init__(self, gap=100, negatives=0.0, masks=False):
        if gap < 1 or not 0 <= negatives <= 1:
            raise ValueError(f"ChooseFrames got gap {gap} and negatives {negatives}; 1 or more, and 0 to 1")
        self.gap, self.negatives, self.masks = gap, negatives, masks

    def __call__(self, sample, rng, others):
        seen = np.flatnonzero(sample["present"])
        first, box = choose_frame(sample, seen, rng)
        same = rng.random() >= self.negatives
        if same:
            source = sample
            second, other = choose_frame(sample, seen[np.abs(seen - first) <= self.gap], rng)
        else:
            source = others[0]
            second, other = choose_frame(source, np.flatnonzero(source["present"]), rng)
        masks = source.get("masks") if same else None
        return {
            "path": sample["path"],
            "frames": [sample["frames"][first], source["frames"][second]],
            "boxes": np.stack([box, other]),
            "same": np.int64(same),
        } | ({"mask": masks[second] if masks else None} if self.masks else {})


def choose_frame(sample, candidates, rng):
    """The number of a frame and the box [4] of the object in it; raises BadSample where it is in none of them.

    Args:
        sample (dict): a sequence, see :mod:`PaddleCV.data.object_sequences`.
        candidates (ndarray): int64, numbers of frames.
        rng (Generator): decides.
    """
    while len(candidates):
        number = int(rng.choice(candidates))
        box = sample["boxes"][number]
        box = box if np.isfinite(box).all() else box_of_mask(read_track_mask(sample["masks"][number]))
        if box is not None:
            return number, box
        candidates = candidates[candidates != number]
    raise bad_file("D130", sample["path"], f"object {sample['name']} has no pixel in any of its masks")
