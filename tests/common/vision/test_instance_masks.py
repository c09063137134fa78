"""Run-length codes of masks, and the masks of boxes in their image."""

import base64

import cv2
import numpy as np
import pytest
from faster_coco_eval.core import mask as library

from common.vision.instance_masks import (
    check_runs,
    decode_masks,
    decode_runs,
    encode_mask,
    encode_runs,
    mask_as_png,
    paste_mask,
)


def test_codes_are_those_of_the_library():
    rng = np.random.default_rng(0)
    for k in range(60):
        height, width = (int(side) for side in rng.integers(1, 90, 2))
        mask = rng.random((height, width)) < rng.random()
        if k % 3 == 0:
            mask = np.indices((height, width)).sum(0) > k  # long runs
        code = encode_mask(mask)
        assert code["counts"] == library.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
        assert encode_runs(decode_runs(code["counts"])) == code["counts"]
        assert (decode_masks([code], height, width)[0] == mask).all()
    assert decode_masks([], 3, 4).shape == (0, 3, 4)


@pytest.mark.parametrize("text", ["0:1W10YO0]2", "\x00", "é", "oooooooooo", "P", "0" * 40])
def test_an_invalid_code_is_refused(text):
    with pytest.raises(ValueError, match="run"):
        check_runs(decode_runs(text), 3, 4)


def test_the_mask_of_a_box_in_its_image():
    whole = paste_mask(np.ones((4, 4)), (2, 1, 6, 4), 6, 8)
    assert np.argwhere(whole).min(0).tolist() == [1, 2] and np.argwhere(whole).max(0).tolist() == [3, 5]
    assert whole.sum() == 3 * 4
    left = paste_mask(np.array([[1.0, 0.0]] * 2), (0, 0, 8, 8), 8, 8)
    assert (left[2:6] == (np.arange(8) < 4)).all()  # the edge lies between the centers of the cells
    outside = paste_mask(np.ones((4, 4)), (-3, -2, 2, 3), 6, 8)
    assert outside.sum() == 2 * 3 and outside[:3, :2].all()
    for box in ((9, 1, 12, 4), (3, 3, 3, 5), (4, 4, 2, 6)):
        assert not paste_mask(np.ones((4, 4)), box, 6, 8).any()


def test_a_mask_as_png_has_its_pixels_exactly():
    mask = np.random.default_rng(1).random((7, 13)) < 0.4
    found = mask_as_png(encode_mask(mask))
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(found["png"]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert found["size"] == [7, 13] and (pixels == mask * 255).all()
