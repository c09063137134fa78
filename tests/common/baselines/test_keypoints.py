"""The mean pose, in crops and in pixels of the original images."""

import numpy as np

from common.baselines.keypoints import MeanPose


def test_the_mean_pose_is_that_of_the_labeled_keypoints_in_their_crops():
    baseline = MeanPose(3)
    points = np.array([[[[8, 4, 2], [0, 0, 0], [0, 0, 0]]], [[[0, 8, 1], [4, 4, 2], [0, 0, 0]]]], "float32")
    baseline.see({"keypoints": points, "image": np.zeros((2, 3, 8, 16), "float32")})
    baseline.fit()
    (found,) = baseline.predict({"crop": np.array([[10, 20, 42, 36]], "float32")})["keypoints"]
    # places (0.25, 0.75), (0.25, 0.5) and, never labeled, the middle, of 32 x 16 pixels
    np.testing.assert_allclose(found, [[18, 32, 1], [18, 28, 0.5], [26, 28, 0]])
