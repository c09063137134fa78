"""The proposals of a video, read from the file that `PaddleCV/tools/bsn_proposals.py` wrote.

Shapes in this file:
    A proposals of F features.
"""

import os

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.vision.feature_files import read_features


class LoadProposals(Transform):
    """Sets `proposal_features` float32 [A, F] and `proposal_overlaps` float32 [A] of the sample's video.

    The file has the name of the video's features, and holds `features` [B, F] and `overlaps` [B], the best first. Of
    more than A the first ones are taken; of fewer the rest has the overlap -1.

    Args:
        folder (str): of the files.
        most (int): A.
        size (int): F.
    """

    def __init__(self, folder, most=500, size=32):
        if most < 1:
            raise ValueError(f"LoadProposals got most {most}; it is 1 or more")
        self.folder, self.most, self.size = folder, most, size

    def __call__(self, sample, rng):
        stem = os.path.splitext(os.path.basename(sample["path"]))[0]
        path = os.path.join(self.folder, f"{stem}.npz")
        arrays = read_features(path, path)
        features, overlaps = (np.asarray(arrays.get(key, np.zeros(0)), np.float32) for key in ("features", "overlaps"))
        if features.ndim != 2 or features.shape[1] != self.size or overlaps.shape != features.shape[:1]:
            found = f"features {list(features.shape)}, overlaps {list(overlaps.shape)}"
            raise bad_file("D113", path, f"holds {found}; expected [proposals, {self.size}] and as many overlaps")
        count = min(len(features), self.most)
        sample["proposal_features"] = np.zeros((self.most, self.size), np.float32)
        sample["proposal_overlaps"] = np.full(self.most, -1, np.float32)
        sample["proposal_features"][:count] = features[:count]
        sample["proposal_overlaps"][:count] = overlaps[:count]
        return sample
