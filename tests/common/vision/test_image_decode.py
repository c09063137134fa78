"""Decoding of all supported image formats, and the errors for other files."""

import builtins
import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from common.data.transform import random_for
from common.errors import BadSample
from common.vision.decode import Decode, decode_image, decode_mask, read_image_file

RED = (220, 40, 30)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def image_of(height=6, width=9):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def smooth_image(height=48, width=64):
    """An image that survives JPEG compression almost unchanged."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([across, down, 255 - across], -1).astype(np.uint8)


def issue_of(call, *arguments):
    with pytest.raises(BadSample) as caught:
        call(*arguments)
    assert str(caught.value).count("\n") < 12
    return caught.value.issue


def decode(sample):
    return Decode()(sample, random_for(0))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_images_are_decoded_exactly(kind):
    image = image_of()
    assert np.array_equal(decode_image(encoded(Image.fromarray(image), kind)), image)


def test_lossless_webp_is_decoded_exactly():
    image = image_of()
    assert np.array_equal(decode_image(encoded(Image.fromarray(image), "WEBP", lossless=True)), image)


def test_jpeg_is_rgb_and_agrees_with_pillow():
    data = encoded(Image.fromarray(smooth_image()), "JPEG", quality=95)
    image = decode_image(data)
    assert image.dtype == np.uint8 and image.flags.c_contiguous and image.flags.writeable
    assert np.abs(image.astype(int) - np.asarray(Image.open(io.BytesIO(data)))).max() <= 3
    assert image[0, -1, 0] > 240 and image[0, -1, 2] < 15  # red on the right, no blue


def test_gray_and_bilevel_become_three_equal_channels():
    gray = np.arange(54, dtype=np.uint8).reshape(6, 9)
    for kind in ("PNG", "JPEG"):
        image = decode_image(encoded(Image.fromarray(gray), kind))
        assert image.shape == (6, 9, 3) and (image[..., :1] == image).all()
    assert np.array_equal(decode_image(encoded(Image.fromarray(gray)))[..., 0], gray)
    assert set(np.unique(decode_image(encoded(Image.fromarray(gray > 20))))) == {0, 255}


def test_palette_becomes_its_colors():
    image = Image.new("P", (4, 3), 1)
    image.putpalette([0, 0, 0, *RED])
    assert (decode_image(encoded(image)) == RED).all()
    assert (decode_image(encoded(image, "GIF")) == RED).all()


def test_transparency_is_dropped():
    assert (decode_image(encoded(Image.new("RGBA", (4, 3), (*RED, 7)))) == RED).all()
    assert (decode_image(encoded(Image.new("LA", (4, 3), (90, 0)))) == 90).all()


def test_cmyk_jpeg_becomes_rgb():
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")
    assert np.abs(decode_image(data).astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_keep_their_high_byte(kind):
    deep = np.array([[0, 255, 256, 0x1234, 0xFFFF]], np.uint16)
    image = decode_image(encoded(Image.fromarray(deep), kind))
    assert image[0, :, 0].tolist() == [0, 0, 1, 0x12, 0xFF]


def test_sixteen_bit_rgb_keeps_its_high_byte():
    deep = (np.arange(48).reshape(4, 4, 3) * 1300).astype(np.uint16)
    data = cv2.imencode(".png", deep[..., ::-1])[1].tobytes()
    assert np.array_equal(decode_image(data), deep >> 8)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_gives_its_first_frame(kind):
    frames = [Image.new("RGB", (8, 6), RED), Image.new("RGB", (8, 6), (0, 0, 255))]
    data = encoded(
        frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
    )
    assert np.abs(decode_image(data).astype(int) - RED).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_orientation_turns_the_image_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(smooth_image()), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    image = decode_image(data)
    assert image.shape == expected.shape == ((64, 48, 3) if orientation > 4 else (48, 64, 3))
    assert np.abs(image.astype(int) - expected).max() <= (3 if kind == "JPEG" else 0)


def test_the_preview_of_a_camera_image_is_ignored():
    large, small = Image.fromarray(smooth_image()), Image.new("RGB", (8, 8))
    data = encoded(large, "MPO", save_all=True, append_images=[small])
    assert np.abs(decode_image(data).astype(int) - smooth_image()).max() <= 20


def test_an_invalid_orientation_means_upright():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decode_image(encoded(Image.fromarray(smooth_image()), "JPEG", exif=exif)).shape == (48, 64, 3)
    broken = encoded(Image.fromarray(smooth_image()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert decode_image(broken).shape == (48, 64, 3)


@pytest.mark.parametrize("held", [False, True], ids=["a file", "an image of a zip file, a request or a video"])
def test_gray_on_request_has_three_equal_channels_of_luma(held, tmp_path):
    data = encoded(Image.new("RGB", (4, 3), (100, 50, 200)))
    (tmp_path / "a.png").write_bytes(data)
    sample = {"path": str(tmp_path / "a.png"), **({"image": decode_image(data)} if held else {})}
    image = Decode(color="gray")(sample, None)["image"]
    assert image.shape == (3, 4, 3) and (image == round(0.299 * 100 + 0.587 * 50 + 0.114 * 200)).all()


@pytest.mark.parametrize("name", ["a b.png", "图片.png", "🙂 é.png", "100%20.png", "shout.PNG", "really_a_png.jpg"])
def test_any_file_name_works_and_the_content_decides(tmp_path, name):
    image = image_of()
    (tmp_path / name).write_bytes(encoded(Image.fromarray(image)))
    assert np.array_equal(decode({"path": str(tmp_path / name)})["image"], image)


def test_decode_sets_the_sizes(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(image_of(6, 9))))
    sample = decode({"path": str(tmp_path / "a.png")})
    assert sample["original_size"].tolist() == [6, 9] and sample["original_size"].dtype == np.int64
    assert sample["im_shape"].tolist() == [6, 9] and sample["im_shape"].dtype == np.float32
    assert sample["scale_factor"].tolist() == [1, 1] and sample["scale_factor"].dtype == np.float32


def test_an_existing_image_is_kept():
    image = image_of()
    assert decode({"image": image})["image"] is image


def test_an_empty_file_is_refused_by_name():
    issue = issue_of(decode_image, b"", "x/empty.jpg")
    assert issue.code == "D101" and issue.file == "x/empty.jpg" and "empty" in issue.message


def test_text_in_a_jpg_is_refused_with_its_first_characters():
    issue = issue_of(decode_image, b"<html><body>404 not found", "a.jpg")
    assert issue.code == "D101" and "starts with '<html><body>" in issue.message


def test_unknown_content_is_refused_with_its_first_bytes():
    assert "00 01 02" in issue_of(decode_image, bytes(range(50))).message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
def test_a_truncated_file_is_refused(kind, part):
    data = encoded(Image.fromarray(np.tile(image_of(60, 80), (2, 2, 1))), kind)
    assert issue_of(decode_image, data[: int(len(data) * part)]).code in ("D101", "D102")


def test_a_truncated_jpeg_or_png_is_reported_as_damaged():
    for kind in ("JPEG", "PNG"):
        data = encoded(Image.fromarray(image_of(60, 80)), kind)
        assert issue_of(decode_image, data[: len(data) // 2]).code == "D102"


def test_floating_point_pixels_are_refused():
    assert issue_of(decode_image, encoded(Image.new("F", (4, 4), 0.5), "TIFF")).code == "D105"


def test_the_pixel_limit_can_be_lowered():
    data = encoded(Image.new("RGB", (100, 50)))
    assert decode_image(data, max_pixels=5000).shape == (50, 100, 3)
    issue = issue_of(decode_image, data, "a.png", 4999)
    assert issue.code == "D103" and "100x50" in issue.message and "4999" in issue.message
    held = {"path": "a.zip!b.png", "image": decode_image(data)}
    assert issue_of(Decode(max_pixels=4999), held, None).code == "D103"


def test_invalid_options_are_refused():
    with pytest.raises(ValueError, match="max_pixels"):
        Decode(max_pixels=10**10)
    with pytest.raises(ValueError, match="cmyk"):
        Decode(color="cmyk")


def bomb(side):
    """A PNG of side x side one-bit pixels, all black: about 100 KiB for 30000."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    body = b"".join(packer.compress(row * 1000) for _ in range(side // 1000)) + packer.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@pytest.mark.parametrize("side", [14000, 30000])  # above Pillow's own limit, and twice that
def test_a_decompression_bomb_is_refused_quickly_and_without_allocating_memory(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(bomb(side))
    program = """
import resource, sys, time
from common.vision.decode import Decode, decode_image
from common.errors import BadSample
from PIL import Image
import io
stream = io.BytesIO(); Image.new("RGB", (8, 8)).save(stream, "PNG"); decode_image(stream.getvalue())
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    Decode()({"path": sys.argv[1]}, None)
except BadSample as error:
    seconds = time.process_time() - start
    print(error.issue.code, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "bomb.png")]
    code, seconds, mebibytes = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.split()
    assert code == "D103" and float(seconds) < 0.5 and float(mebibytes) < 50


def test_a_missing_file_is_refused_with_a_suggestion(tmp_path):
    (tmp_path / "cat_01.JPG").write_bytes(b"")
    assert "cat_01.JPG" in issue_of(read_image_file, str(tmp_path / "cat_01.jpg")).fix
    assert "cat_01.JPG" in issue_of(read_image_file, str(tmp_path / "cat_02.JPG")).fix
    assert "1 other file" in issue_of(read_image_file, str(tmp_path / "zzzzzzzz")).fix
    issue = issue_of(read_image_file, str(tmp_path / "train" / "cat.jpg"))
    assert issue.code == "D104" and "has no 'train'" in issue.fix


def test_a_folder_is_refused(tmp_path):
    issue = issue_of(decode, {"path": str(tmp_path)})
    assert issue.code == "D104" and "folder" in issue.message


def test_a_file_without_permission_is_refused(monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", refuse)
    issue = issue_of(read_image_file, "a.jpg")
    assert issue.code == "D104" and "permission" in issue.message


def test_a_path_with_a_nul_byte_is_refused():
    assert issue_of(read_image_file, "a\0b.jpg").code == "D104"


def test_a_mask_gives_its_class_ids():
    ids = np.array([[0, 1, 2], [19, 255, 3]], np.uint8)
    palette = Image.fromarray(ids, "L").convert("P")
    palette.putdata(ids.ravel().tolist())
    assert np.array_equal(decode_mask(encoded(Image.fromarray(ids))), ids)
    assert np.array_equal(decode_mask(encoded(palette)), ids)
    assert np.array_equal(decode_mask(encoded(Image.fromarray(ids.astype(np.uint16)))), ids)


def test_a_mask_of_colors_or_large_ids_is_refused():
    assert issue_of(decode_mask, encoded(Image.new("RGB", (3, 3), RED)), "m.png").code == "D110"
    assert "300" in issue_of(decode_mask, encoded(Image.fromarray(np.full((2, 2), 300, np.uint16)))).message


def test_a_mask_is_read_beside_its_image_and_must_have_its_size(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(image_of(6, 9))))
    (tmp_path / "m.png").write_bytes(encoded(Image.new("L", (9, 6), 4)))
    (tmp_path / "n.png").write_bytes(encoded(Image.new("L", (6, 9), 4)))
    paths = {"path": str(tmp_path / "a.png"), "mask_path": str(tmp_path / "m.png")}
    assert (decode(dict(paths))["mask"] == np.full((6, 9), 4)).all()
    issue = issue_of(decode, {**paths, "mask_path": str(tmp_path / "n.png")})
    assert issue.code == "D111" and "6x9" in issue.message and "9x6" in issue.message
