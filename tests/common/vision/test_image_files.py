"""Image files are recognized by their names."""

import cv2
import numpy as np

from common.vision.files import is_image_file
from common.vision.sources import open_images


def test_image_files_have_a_known_suffix_and_are_not_hidden():
    assert all(map(is_image_file, ["a.jpg", "b.JPEG", "c.gif", "d.ppm", "e.f.Tif"]))
    assert not any(map(is_image_file, ["._a.jpg", "a.txt", "jpg", ".png"]))


def test_a_folder_to_predict_on_gives_its_images_without_hidden_files(tmp_path):
    data = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    for name in ("b.png", "deep/a.gif", "._b.png", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert open_images(str(tmp_path)).items == [str(tmp_path / "b.png"), str(tmp_path / "deep/a.gif")]
