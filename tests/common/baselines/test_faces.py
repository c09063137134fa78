"""The baseline of face detectors."""

import cv2
import numpy as np
import pytest

from common.baselines import faces
from common.errors import ConfigError, EnvironmentProblem


class Fixed:
    """A cascade that finds one face in images brighter than black."""

    def detectMultiScale3(self, image, **options):
        assert options == {"scaleFactor": 1.1, "minNeighbors": 3, "outputRejectLevels": True}
        return ([[2, 3, 10, 20]], [1], [0.5]) if image.any() else ((), (), ())


def test_the_faces_of_a_batch_are_rows_with_corners(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "load_cascade", Fixed)
    for name, value in (("a.png", 9), ("b.png", 0)):
        cv2.imwrite(str(tmp_path / name), np.full((40, 40), value, "uint8"))
    found = faces.FaceCascade(["face"]).predict({"path": [str(tmp_path / "a.png"), str(tmp_path / "b.png")]})
    assert found["boxes"].tolist() == [[0, 0.5, 2, 3, 12, 23]] and found["num_boxes"].tolist() == [1, 0]


def test_other_classes_and_an_opencv_without_cascades_are_refused(monkeypatch):
    with pytest.raises(ConfigError, match=r"labels: \[face\], not \['cat'\]"):
        faces.FaceCascade(["cat"])
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    with pytest.raises(EnvironmentProblem, match="'opencv-python-headless<5'"):
        faces.FaceCascade(["face"])
