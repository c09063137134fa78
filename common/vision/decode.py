"""From a file or a request's bytes to an upright uint8 RGB picture [H, W, 3], and refusals that name what is wrong.

Issues raised here (`BadSample`):
    D101  empty, not a picture, or a format that is not read
    D102  the file ends early or its content is damaged
    D103  more pixels than allowed, told from the header before anything is decoded
    D104  no such file, a folder, or no permission
    D105  floating-point or other pixels without a defined 8-bit scale
    D110  a mask with colours where class ids should be
    D111  a mask whose size is not its picture's
"""

import io
import warnings

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from common.data.refusals import bad_file, first_bytes, unreadable_file
from common.data.transform import Transform

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
PIXEL_LIMIT = 178_956_970  # Pillow refuses more than this by itself
JPEG_FLAGS = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
EXIF_ORIENTATION = 0x0112


class Decode(Transform):
    """Reads the picture at `path` as upright RGB and notes its size.

    A sample that already holds an `image`, RGB, keeps it. A sample with a `mask_path` also gets its `mask`.
    Sets `image` uint8 [H, W, 3], `original_size` int64 (h, w), `im_shape` float32 (h, w) and
    `scale_factor` float32 (1, 1). See :func:`decode_image` for what becomes of the kinds of pictures.

    Args:
        max_pixels (int): a picture with more pixels is refused from its header; at most 178956970.
        colour (str): `rgb`, or `gray` for three equal channels of luma.
    """

    def __init__(self, max_pixels=PIXEL_LIMIT, colour="rgb"):
        check_max_pixels(max_pixels)
        if colour not in ("rgb", "gray"):
            raise ValueError(f"colour is '{colour}'; it must be 'rgb' or 'gray'")
        self.max_pixels = max_pixels
        self.colour = colour

    def __call__(self, sample, rng):
        if "image" not in sample:
            path = sample["path"]
            sample["image"] = decode_image(read_file(path), path, self.max_pixels)
        if self.colour == "gray":
            sample["image"] = without_colour(sample["image"])
        height, width = sample["image"].shape[:2]
        refuse_large(width, height, sample.get("path", "a picture"), self.max_pixels)
        if "mask_path" in sample:
            sample["mask"] = decode_mask(read_file(sample["mask_path"]), sample["mask_path"], self.max_pixels)
            check_mask_size(sample["mask"], sample["mask_path"], height, width)
        sample["original_size"] = np.array([height, width], np.int64)
        sample["im_shape"] = np.array([height, width], np.float32)
        sample["scale_factor"] = np.ones(2, np.float32)
        return sample


def decode_image(data, name="<bytes>", max_pixels=PIXEL_LIMIT):
    """Decodes the bytes of a picture file into uint8 RGB [H, W, 3], turned upright by its EXIF orientation.

    Grey, palette, bilevel and CMYK pictures become RGB; transparency is dropped; 16-bit samples keep their high
    byte; of an animation or a multi-page file the first frame is taken. The format is told from the content,
    never from the name.

    Args:
        data (bytes): the whole file.
        name (str): what messages call it.
        max_pixels (int): a picture with more pixels is refused from its header.

    Raises:
        BadSample: D101, D102, D103 or D105.
    """
    check_max_pixels(max_pixels)
    picture = open_header(data, name, max_pixels)
    orientation = orientation_of(picture)
    image = None
    if data[:2] == b"\xff\xd8" and picture.mode in ("RGB", "L"):
        image = jpeg_pixels(data)
    if image is None:
        image = pillow_pixels(picture, name)
    return upright(image, orientation)


def without_colour(image):
    """A picture uint8 [H, W, 3] with three equal channels, its luma."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def decode_mask(data, name="<bytes>", max_pixels=PIXEL_LIMIT):
    """Decodes a segmentation mask into class ids, uint8 [H, W]; the indexes of a palette are the ids.

    Raises:
        BadSample: as :func:`decode_image`, and D110 when the mask holds colours instead of ids.
    """
    picture = open_header(data, name, max_pixels)
    orientation = orientation_of(picture)
    if picture.mode not in ("P", "L", "1", "I;16", "I"):
        message = f"the mask has colours ({picture.mode}) instead of one class id a pixel"
        raise bad_file("D110", name, message, fix="convert it to a grey or palette PNG whose values are the class ids")
    mask = load(picture, name)
    if mask.size and (mask.max() > 255 or mask.min() < 0):
        raise bad_file("D110", name, f"the mask has the id {mask.max()}; ids end at 255, which is ignored")
    return upright(mask.astype(np.uint8), orientation)


def read_file(path):
    """The bytes of a file, under any name the file system allows.

    Raises:
        BadSample: D104, with the nearest existing name when there is no such file.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise unreadable_file(error, path, "a picture") from None


def open_header(data, name, max_pixels, formats=FORMATS):
    """Opens a picture without decoding it (Pillow is lazy) and checks its format and size; raises D101 to D103."""
    if not data:
        raise bad_file(
            "D101", name, "the file is empty (0 bytes)", fix="fetch it again, or remove it from the annotations"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        code = "D102" if data[:3] == b"\xff\xd8\xff" else "D101"
        message = "the picture's header is cut off" if code == "D102" else f"not a picture ({first_bytes(data)})"
        raise bad_file(code, name, message, fix=f"formats read: {', '.join(formats)}") from None
    except Image.DecompressionBombError as error:
        raise bad_file("D103", name, str(error).split(",")[0]) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise bad_file("D102", name, f"the picture's header is damaged: {error}") from None
    refuse_large(*picture.size, name, max_pixels)
    return picture


def refuse_large(width, height, name, max_pixels):
    """Raises D103 of a picture with more pixels than allowed."""
    if width * height > max_pixels:
        message = f"{width}x{height} is {width * height} pixels, more than the {max_pixels} allowed"
        raise bad_file("D103", name, message, fix="scale the picture down, or raise Decode's max_pixels")


def jpeg_pixels(data):
    """Decodes a JPEG into uint8 RGB [H, W, 3], twice as fast as Pillow; None when it is damaged."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), JPEG_FLAGS)
    except cv2.error:
        return None


def pillow_pixels(picture, name):
    """Decodes an opened picture into uint8 RGB [H, W, 3]."""
    if picture.mode.startswith("I"):
        values = load(picture, name)
        if values.size and not 0 <= values.min() <= values.max() <= 65535:
            raise bad_file("D105", name, f"32-bit pixels from {values.min()} to {values.max()} have no 8-bit scale")
        return cv2.cvtColor((values >> 8).astype(np.uint8), cv2.COLOR_GRAY2RGB)
    if picture.mode == "F":
        raise bad_file(
            "D105", name, "floating-point pixels have no defined 8-bit scale", fix="save it with 8 or 16 bits"
        )
    return load(picture, name, "RGB")


def load(picture, name, mode=None):
    """The pixels of an opened picture as an array, converted to a Pillow mode first."""
    try:
        return np.array(picture.convert(mode) if mode else picture)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise bad_file(
            "D102", name, f"the picture is damaged: {error}", fix="fetch it again, or leave it out"
        ) from None


def orientation_of(picture):
    """The EXIF orientation, 1 to 8, from the header; 1 (upright) when there is none or it cannot be read."""
    if picture.format == "TIFF":  # Pillow gives its size and its pixels upright already
        return 1
    try:
        # the method of the class itself: the one for PNG decodes the picture to look behind it
        value = Image.Image.getexif(picture).get(EXIF_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, EOFError):
        return 1
    return value if value in range(1, 9) else 1


def upright(image, orientation):
    """Turns an array [H, W] or [H, W, 3] as EXIF's `Orientation` (1 to 8) asks for."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    if orientation in (2, 3, 6, 7):
        image = cv2.flip(image, 1)
    if orientation in (3, 4, 7, 8):
        image = cv2.flip(image, 0)
    return image


def check_mask_size(mask, name, height, width):
    """Refuses a mask [h, w] that does not cover its picture pixel for pixel."""
    if mask.shape != (height, width):
        message = f"the mask is {mask.shape[1]}x{mask.shape[0]}, its picture {width}x{height}"
        raise bad_file("D111", name, message, fix="make the mask from the upright picture, in its size")


def check_max_pixels(max_pixels):
    """Refuses a pixel cap that cannot be honoured."""
    if not 0 < max_pixels <= PIXEL_LIMIT:
        raise ValueError(f"max_pixels is {max_pixels}; it must be between 1 and {PIXEL_LIMIT}")
