"""Every operator of the pre-processing in C++ against Python's, on images of many sizes and kinds.

Tolerances, in levels of 255: decoding 0 (CMYK 1), bilinear, area and lanczos 0, cubic 1, nearest 0 but where the centre
of a new pixel lies between two old ones, and Python's OpenCV takes the one or the other.
"""

import io

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from common.data.pipeline import Pipeline
from common.errors import BadSample
from common.vision import (
    batch as image_batch,
)
from common.vision import (
    color as image_color,
)
from common.vision import (
    crop as image_crop,
)
from common.vision import (
    decode as image_io,
)
from common.vision import (
    person_crop,
)
from common.vision import (
    resize as image_resize,
)
from tests.bad_inputs.images import FINE, REFUSED

CLASSES = {
    name: vars(module)[name]
    for module, names in (
        (image_io, ["Decode"]),
        (image_resize, ["Resize", "ResizeShort", "ResizeLong", "ResizeLimits", "ResizeHeight", "Pad", "LetterBox"]),
        (image_crop, ["CenterCrop"]),
        (person_crop, ["PersonCrop"]),
        (image_color, ["Normalize"]),
        (image_batch, ["PadBatch"]),
    )
    for name in names
}
SIZES = [(96, 96), (37, 53), (1, 1), (480, 640), (333, 500), (7, 300)]
UNTOUCHED = {  # transforms that must agree bit for bit
    "resize up": [{"type": "Resize", "size": [320, 320]}],
    "resize down": [{"type": "Resize", "size": [31, 17]}],
    "keep ratio": [{"type": "Resize", "size": [224, 160], "keep_ratio": True}],
    "area": [{"type": "Resize", "size": [33, 20], "interp": "area"}],
    "area, halved and enlarged": [{"type": "Resize", "size": [240, 320], "interp": "area"}],
    "lanczos": [{"type": "Resize", "size": [99, 150], "interp": "lanczos"}],
    "short": [{"type": "ResizeShort", "size": 64}],
    "short, limited": [{"type": "ResizeShort", "size": 80, "max_size": 100}],
    "long": [{"type": "ResizeLong", "size": 77}],
    "limits": [{"type": "ResizeLimits", "short": 64, "long": 400}],
    "height": [{"type": "ResizeHeight", "height": 48, "max_width": 90}],
    "pad": [{"type": "Pad", "size": [100, 90], "divisor": 32, "fill": [1, 2, 3]}],
    "pad all around": [{"type": "Pad", "size": [101, 90], "fill": 7.5, "center": True}],
    "letter box": [{"type": "LetterBox", "size": 128}],
    "letter box in the middle": [{"type": "LetterBox", "size": [120, 96], "center": True, "fill": 3}],
    "crop": [{"type": "CenterCrop", "size": [50, 40]}],
    "crop of the small": [{"type": "CenterCrop", "size": [51, 41], "fill": [9, 8, 7]}],
    "crop of a person": [{"type": "PersonCrop", "size": [64, 48], "fill": [9, 8, 7]}],
    "normalize": [{"type": "Normalize"}],
    "normalize, blue first": [
        {"type": "Normalize", "mean": [104, 117, 123], "std": [1, 2, 3], "scale": 1, "bgr": True}
    ],
    "gray": [{"type": "Decode", "color": "gray"}],
    "normalize to grey": [{"type": "Normalize", "mean": [0.5], "std": [0.5]}],
    "pad a batch": [{"type": "Normalize"}, {"type": "PadBatch", "divisor": 32, "fill": 0.5}],
    "classification": [
        {"type": "ResizeShort", "size": 36},
        {"type": "CenterCrop", "size": 32},
        {"type": "Normalize"},
    ],
}


def made_image(height, width):
    """An image of blocks and noise, which shows what a filter does at edges."""
    rng = np.random.default_rng(height * 1000 + width)
    blocks = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), "uint8").repeat(8, 0).repeat(8, 1)
    noise = rng.integers(0, 256, (height, width, 3), "uint8")
    return np.where(rng.random((height, width, 1)) < 0.5, blocks[:height, :width], noise)


@pytest.fixture(scope="module")
def in_cpp(program, tmp_path_factory):
    """(transforms, bytes of an image) -> its sample, or the words of the refusal; in one process a list."""
    place = tmp_path_factory.mktemp("ops")

    def run(cases):
        lines = []
        for number, (transforms, data) in enumerate(cases):
            (place / f"{number}.yml").write_text(yaml.safe_dump(transforms))
            (place / f"{number}.bin").write_bytes(data)
            lines.append("\t".join(str(place / f"{number}.{end}") for end in ("yml", "bin", "npz")))
        (place / "list").write_text("\n".join(lines) + "\n")
        answer = program(place / "list", name="kit_ops")
        assert answer.code == 0, answer.err
        said = answer.out.splitlines()
        assert len(said) == len(cases)
        return [dict(np.load(place / f"{i}.npz")) if word == "ok" else word for i, word in enumerate(said)]

    return run


def in_python(transforms, data):
    """The sample of the same transforms, or the message of the refusal."""
    listed = (
        [{"type": "Decode"}, *transforms] if transforms[:1] != [{"type": "Decode", "color": "gray"}] else transforms
    )
    made = [CLASSES[t["type"]](**{k: v for k, v in t.items() if k != "type"}) for t in listed]
    decode = made[0]
    try:
        sample = {"path": "x", "image": image_io.decode_image(data, "x", decode.max_pixels)}
    except BadSample as error:
        return str(error)
    pipeline = Pipeline(made)
    return pipeline.batch([pipeline.sample([sample], 0, 0)], 0, 0)[0]


def png(image):
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


@pytest.mark.parametrize("name", UNTOUCHED)
def test_an_operator_gives_the_bits_that_python_gives(name, in_cpp):
    cases = [(UNTOUCHED[name], png(made_image(*size))) for size in SIZES]
    for (transforms, data), got in zip(cases, in_cpp(cases), strict=True):
        expected = in_python(transforms, data)
        assert got["image"].dtype == expected["image"].dtype
        for key in ("image", "im_shape", "scale_factor", "original_size", *({"crop"} & set(expected))):
            np.testing.assert_array_equal(got[key], expected[key], err_msg=key)


def test_cubic_resizing_is_at_most_one_level_off(in_cpp):
    transforms = [{"type": "Resize", "size": [112, 131], "interp": "cubic"}]
    cases = [(transforms, png(made_image(*size))) for size in SIZES]
    for (_, data), got in zip(cases, in_cpp(cases), strict=True):
        apart = np.abs(got["image"].astype(int) - in_python(transforms, data)["image"])
        assert apart.max() <= 1 and (apart > 0).mean() < 0.1


@pytest.mark.parametrize("size", [(112, 131), (48, 20), (240, 320)])
def test_nearest_resizing_differs_only_where_a_centre_lies_between_two_pixels(size, in_cpp):
    transforms = [{"type": "Resize", "size": list(size), "interp": "nearest"}]
    cases = [(transforms, png(made_image(*old))) for old in SIZES]
    for (_, data), got, old in zip(cases, in_cpp(cases), SIZES, strict=True):
        apart = (got["image"] != in_python(transforms, data)["image"]).any(2)
        tied = [((2 * np.arange(new) + 1) * before) % (2 * new) == 0 for new, before in zip(size, old, strict=True)]
        assert not (apart & ~tied[0][:, None] & ~tied[1][None]).any()


def test_a_jpeg_is_decoded_to_the_same_pixels(in_cpp):
    cases = []
    for size in SIZES:
        for options in ({}, {"quality": 40}, {"subsampling": 0}, {"subsampling": 1}, {"progressive": True}):
            file = io.BytesIO()
            Image.fromarray(made_image(*size)).save(file, "JPEG", **options)
            cases.append(([], file.getvalue()))
    for (_, data), got in zip(cases, in_cpp(cases), strict=True):
        np.testing.assert_array_equal(got["image"], in_python([], data)["image"])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_turned_upright(form, orientation, in_cpp):
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(made_image(16, 24)).save(file, form, exif=exif, lossless=True)
    (got,) = in_cpp([([], file.getvalue())])
    np.testing.assert_array_equal(got["image"], in_python([], file.getvalue())["image"])


def modes():
    """Images of every kind of pixel, by name."""
    base = Image.fromarray(made_image(20, 30))
    png = [("PNG", mode) for mode in ("L", "LA", "RGBA", "P", "1")]
    others = [("BMP", "RGB"), ("BMP", "P"), ("GIF", "P"), ("PPM", "RGB"), ("PPM", "L"), ("WEBP", "RGBA")]
    for form, mode in (*png, ("JPEG", "L"), ("JPEG", "CMYK"), *others):
        file = io.BytesIO()
        base.convert(mode).save(file, form, **({"lossless": True} if form == "WEBP" else {}))
        yield f"{form} {mode}", file.getvalue()
    for bits in (1, 2, 4):
        file = io.BytesIO()
        base.quantize(2**bits).save(file, "PNG", bits=bits)
        yield f"PNG palette of {bits} bits", file.getvalue()
    yield "PNG 16 bits grey", cv2.imencode(".png", made_image(20, 30)[..., 0].astype("uint16") * 251)[1].tobytes()
    yield "PNG 16 bits colour", cv2.imencode(".png", made_image(20, 30).astype("uint16") * 251)[1].tobytes()


def test_every_kind_of_pixel_becomes_the_rgb_that_python_makes_of_it(in_cpp):
    kinds = dict(modes())
    for (name, data), got in zip(kinds.items(), in_cpp([([], data) for data in kinds.values()]), strict=True):
        assert not isinstance(got, str), f"{name}: {got}"
        expected = in_python([], data)["image"]
        apart = np.abs(got["image"].astype(int) - expected)
        assert apart.max() <= (1 if "CMYK" in name else 0), name


TIFF = (b"II*\0", b"MM\0*")


def test_odd_files_that_work_in_python_work_here_and_look_the_same(in_cpp):
    files = {name: data for name, data in FINE.items() if not data.startswith(TIFF)}
    for (name, data), got in zip(files.items(), in_cpp([([], data) for data in files.values()]), strict=True):
        if isinstance(got, str):
            assert "animated WebP" in got, f"{name}: {got}"
            continue
        apart = np.abs(got["image"].astype(int) - in_python([], data)["image"])
        assert apart.max() <= (1 if name == "CMYK" else 0), name


def test_files_that_python_refuses_are_refused_with_the_same_code(in_cpp):
    found = in_cpp([([], data) for data, _ in REFUSED.values()])
    for (name, (data, code)), got in zip(REFUSED.items(), found, strict=True):
        assert isinstance(got, str) and got.startswith("3 "), name
        assert f"error[{'D101' if data.startswith(TIFF) else code}]" in got, f"{name}: {got}"
