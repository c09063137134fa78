"""Images of any number of channels and of 16 bits: files, scaling, geometry, normalization, refusals."""

import io
import pickle

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from common.data.transform import random_for
from common.errors import BadSample
from common.vision.affine import RandomAffine, RandomFlip, RandomScale
from common.vision.channels import DecodeChannels, as_rgb, read_channels
from common.vision.color import GaussianBlur, Normalize, RandomDistort
from common.vision.crop import CenterCrop, RandomCropToSize
from common.vision.files import image_size
from common.vision.geometry import crop_or_pad, resize_sample, warp_sample
from common.vision.resize import LetterBox, Resize

RNG = np.random.default_rng(0)
FIVE = RNG.integers(0, 65536, (12, 17, 5), np.uint16)


def save(path, pixels):
    """Writes pixels as .npy, or as TIFF or PNG by the suffix (str)."""
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".tif":
        planes = "contig" if pixels.shape[2] == 5 else "separate"
        tifffile.imwrite(path, pixels, photometric="minisblack", planarconfig=planes)
    else:
        Image.fromarray(pixels).save(path)
    return str(path)


def decode(path, channels, **options):
    return DecodeChannels(channels, **options)({"path": path}, random_for(0))["image"]


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_channels_and_bits_of_arrays_and_tiffs_are_kept(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", FIVE)
    assert (decode(path, 5) == FIVE).all() and image_size(path) == (17, 12, False)
    planar = save(tmp_path / f"b{suffix}", np.ascontiguousarray(FIVE.transpose(2, 0, 1)))
    assert (decode(planar, 5) == FIVE).all() and image_size(planar) == (17, 12, False)


def test_gray_and_color_files_of_8_and_16_bits_are_read_with_all_their_bits(tmp_path):
    gray = RNG.integers(0, 65536, (4, 5), np.uint16)
    assert (decode(save(tmp_path / "a.png", gray), 1)[..., 0] == gray).all()
    small = RNG.integers(0, 256, (4, 5, 4), np.uint8)
    assert (decode(save(tmp_path / "b.png", small), 4) == small.astype(np.uint16) * 257).all()  # RGBA, in this order
    rgb = np.ascontiguousarray(small[..., :3])
    assert (decode(save(tmp_path / "c.png", rgb), 3) == rgb.astype(np.uint16) * 257).all()
    cv2.imwrite(str(tmp_path / "d.png"), FIVE[..., :3])
    assert (decode(str(tmp_path / "d.png"), 3) == FIVE[..., 2::-1]).all()


def test_floats_are_scaled_between_low_and_high(tmp_path):
    values = np.float32([[[-1.0], [0.0]], [[0.5], [np.nan]]])
    path = save(tmp_path / "a.npy", values)
    assert decode(path, 1, low=0, high=0.5).ravel().tolist() == [0, 0, 65535, 0]
    with pytest.raises(BadSample, match=r"(?s)D105.*float32 have no largest value.*set `low` and `high`"):
        decode(path, 1)


def test_what_is_no_image_of_these_channels_is_refused_by_file(tmp_path):
    with pytest.raises(BadSample, match=r"(?s)D105.*pixels \[12, 17, 5\]; `channels` of DecodeChannels is 4.*a\.npy"):
        decode(save(tmp_path / "a.npy", FIVE), 4)
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    for data in (file.getvalue(), b"\x93NUMPY\x01\0", b"II*\0" + bytes(20)):
        with pytest.raises(BadSample, match="D102"):
            read_channels(data)
    with pytest.raises(BadSample, match="D101"):
        read_channels(pickle.dumps([1]))
    with pytest.raises(BadSample, match="D103"):
        read_channels((tmp_path / "a.npy").read_bytes(), max_pixels=100)
    with pytest.raises(ValueError, match="low below high"):
        DecodeChannels(3, low=1, high=1)


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 7])
def test_each_channel_moves_as_it_would_alone(channels):
    image = RNG.integers(0, 65536, (12, 17, channels), np.uint16)
    moves = [
        RandomScale([0.5, 2.0]),
        RandomAffine(20, fill=99),
        RandomFlip(1.0),
        RandomCropToSize([20, 9], fill=3),
        Resize([7, 9]),
        LetterBox([20, 20], fill=7),
        GaussianBlur(prob=1),
    ]
    size = {"im_shape": np.float32([12, 17]), "scale_factor": np.ones(2, np.float32)}
    for move in moves:
        whole = move({"image": image, **size}, random_for(3))["image"]
        assert whole.dtype == np.uint16 and whole.shape[2] == channels
        for k in range(channels):
            three = np.ascontiguousarray(image[..., k : k + 1].repeat(3, 2))
            alone = move({"image": three, **size}, random_for(3))["image"][..., 0]
            assert np.abs(alone.astype(int) - whole[..., k]).max() <= 1  # interpolation may round otherwise


def test_new_pixels_have_a_color_in_units_of_0_to_255():
    assert crop_or_pad(FIVE, 0, 0, 13, 17, [1, 2, 3, 4, 5])[12, 0].tolist() == [257, 514, 771, 1028, 1285]
    assert crop_or_pad(FIVE, 50, 50, 2, 2, 255).min() == 65535
    away = warp_sample({"image": FIVE}, [[1, 0, 99], [0, 1, 0]], 12, 17, fill=10)["image"]
    assert (away == 2570).all()
    with pytest.raises(ValueError, match="fill has 3 values for images of 5 channels"):
        crop_or_pad(FIVE, 0, 0, 13, 17, (123.7, 116.3, 103.5))


def test_normalization_counts_white_as_255_and_takes_any_number_of_channels():
    image = np.uint16([[[0, 65535, 257, 0, 0]]])
    sample = Normalize([0, 0.5, 0, 0, 0], [1, 0.5, 1, 1, 1])({"image": image}, random_for(0))
    assert sample["image"].dtype == np.float32 and sample["image"].shape == (5, 1, 1)
    assert sample["image"].ravel().tolist() == pytest.approx([0, 1, 1 / 255, 0, 0])
    for means in (1, 3, 4):
        with pytest.raises(TypeError, match=f"{means} means for an image of 5 channels"):
            Normalize([0.5] * means, [0.5] * means)({"image": image}, random_for(0))
    with pytest.raises(TypeError, match="4 means for an image of 3 channels; see DecodeChannels"):
        Normalize([0.5] * 4, [0.5] * 4)({"image": np.zeros((2, 2, 3), np.uint8)}, random_for(0))
    assert Normalize([0.5] * 2, [0.5] * 2).restore(np.zeros((2, 3, 4), np.float32)).shape == (3, 4, 3)


def test_transforms_of_rgb_colors_refuse_other_images_and_say_so():
    with pytest.raises(TypeError, match=r"RandomDistort changes colors of RGB.*uint16\[12, 17, 5\]; leave it out"):
        RandomDistort()({"image": FIVE}, random_for(0))


def test_images_are_shown_as_rgb():
    assert (as_rgb(FIVE) == FIVE[..., :3] >> 8).all() and as_rgb(FIVE[..., :1]).shape == (12, 17, 3)
    rgb = np.zeros((2, 2, 3), np.uint8)
    assert as_rgb(rgb) is rgb
    assert resize_sample({"image": FIVE[..., :1]}, 3, 4)["image"].shape == (3, 4, 1)


def test_evaluation_transforms_that_cannot_be_undone_are_found_as_behind_decode():
    five = [DecodeChannels(5), Resize([64, 96]), Normalize([0.5] * 5, [0.5] * 5)]
    assert DecodeChannels.examine(five, ["image", "scale_factor"]) == (None, None)
    five.insert(1, CenterCrop(20))
    assert DecodeChannels.examine(five, ["image", "scale_factor"]) == (None, 1)
    five[1] = RandomFlip()
    assert DecodeChannels.examine(five, ["image"]) == (1, None)
