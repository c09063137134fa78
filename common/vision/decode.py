"""Image decoding: from a file or bytes to an upright uint8 RGB image [H, W, 3], with specific errors for bad files.

Issues raised here (`BadSample`):
    D101  empty, not an image, or an unsupported format
    D102  truncated or corrupt file
    D103  more pixels than allowed, according to the header, before decoding
    D104  no such file, a folder, or no permission
    D105  floating-point or other pixels without a defined 8-bit scale
    D110  mask with colors instead of class ids
    D111  mask and image differ in size
"""

import functools
import io
import warnings

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from common.data.refusals import bad_file, first_bytes, unreadable_file
from common.data.transform import Transform
from common.log import logger
from common.regular import check_regular

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
PIXEL_LIMIT = 178_956_970  # Pillow's own limit
JPEG_FLAGS = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
EXIF_ORIENTATION = 0x0112


class Decode(Transform):
    """Reads and decodes the image at `path` as upright RGB.

    An existing `image` (RGB) of a sample is kept. A sample with a `mask_path` also gets its `mask`, whose size must be
    that of the image. Sets `image` uint8 [H, W, 3], `original_size` int64 (h, w), `im_shape` float32 (h, w) and
    `scale_factor` float32 (1, 1).
    :func:`decode_image` describes the conversion of other color modes.

    Args:
        max_pixels (int): maximum number of pixels, checked against the header; at most 178956970.
        color (str): `rgb`, or `gray` for three equal channels of luma.
    """

    alike = ("color",)

    def __init__(self, max_pixels=PIXEL_LIMIT, color="rgb"):
        check_max_pixels(max_pixels)
        if color not in ("rgb", "gray"):
            raise ValueError(f"color is '{color}'; it must be 'rgb' or 'gray'")
        self.max_pixels = max_pixels
        self.color = color

    def __call__(self, sample, rng):
        if "image" not in sample:
            path = sample["path"]
            sample["image"] = decode_image(read_image_file(path), path, self.max_pixels)
        if self.color == "gray":
            sample["image"] = to_gray(sample["image"])
        return complete_sample(sample, self.max_pixels)

    @staticmethod
    def examine(transforms, inputs):
        """See :func:`common.vision.inverse.examine_pipeline`."""
        from common.vision.inverse import examine_pipeline

        return examine_pipeline(transforms, inputs)


def complete_sample(sample, max_pixels):
    """The sample with what belongs to its decoded `image`: its size, and the mask at `mask_path` if there is one."""
    height, width = sample["image"].shape[:2]
    check_pixel_count(width, height, sample.get("path", "an image"), max_pixels)
    if "mask_path" in sample:
        sample["mask"] = decode_mask(read_image_file(sample["mask_path"]), sample["mask_path"], max_pixels)
    if "mask" in sample:
        check_mask_size(sample["mask"], sample.get("mask_path", sample.get("path", "a mask")), height, width)
    sample["original_size"] = np.array([height, width], np.int64)
    sample["im_shape"] = np.array([height, width], np.float32)
    sample["scale_factor"] = np.ones(2, np.float32)
    return sample


def decode_image(data, name="<bytes>", max_pixels=PIXEL_LIMIT):
    """Decodes an image file to uint8 RGB [H, W, 3], with its EXIF orientation applied.

    Grayscale, palette, bilevel and CMYK images are converted to RGB; transparency is dropped; of 16-bit samples the
    high byte is used; of an animation or a multi-page file the first frame. The format is detected from the content,
    never from the file name.

    Args:
        data (bytes): content of the file.
        name (str): name of the file for messages.
        max_pixels (int): maximum number of pixels, checked against the header.

    Raises:
        BadSample: D101, D102, D103 or D105.
    """
    check_max_pixels(max_pixels)
    pil_image = open_header(data, name, max_pixels)
    orientation = exif_orientation(pil_image)
    image = None
    if data[:2] == b"\xff\xd8" and pil_image.mode in ("RGB", "L"):
        image = decode_jpeg(data)
    if image is None:
        image = decode_with_pillow(pil_image, name)
    return apply_orientation(image, orientation)


def image_format(start):
    """The format of an image, such as PNG, by the first 16 bytes of its file (str); None for anything else."""
    Image.init()
    known = {name: accepts for name, (_, accepts) in Image.OPEN.items() if accepts and name != "MPEG"}
    return next((name for name, accepts in known.items() if accepts(start)), None)


def to_gray(image):
    """Converts an image uint8 [H, W, 3] to grayscale with three equal channels, its luma."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def decode_mask(data, name="<bytes>", max_pixels=PIXEL_LIMIT):
    """Decodes a segmentation mask to class ids uint8 [H, W]; palette indexes are class ids.

    Raises:
        BadSample: as :func:`decode_image`, and D110 if the mask contains colors instead of class ids.
    """
    mask = decode_ids(data, name, max_pixels)
    if mask.size and mask.max() > 255:
        raise bad_file("D110", name, f"the mask has the class id {mask.max()}; the maximum is 255, which is ignored")
    return mask.astype(np.uint8)


def decode_ids(data, name="<bytes>", max_pixels=PIXEL_LIMIT):
    """Decodes an image of ids, such as the numbers of instances, to int32 [H, W]; palette indexes are ids.

    Raises:
        BadSample: as :func:`decode_image`, and D110 if it contains colors or negative numbers.
    """
    pil_image = open_header(data, name, max_pixels)
    orientation = exif_orientation(pil_image)
    if pil_image.mode not in ("P", "L", "1", "I;16", "I"):
        raise bad_file("D110", name, *describe_colors(load_pixels(pil_image, name), pil_image.mode))
    ids = load_pixels(pil_image, name)
    if ids.size and ids.min() < 0:
        raise bad_file("D110", name, f"the mask has the id {ids.min()}")
    return apply_orientation(ids.astype(np.int32), orientation)


def describe_colors(pixels, mode):
    """Explains what is wrong with a mask that has channels [H, W, D], and how to correct it (tuple of two texts)."""
    message = f"the mask has colors ({mode}) instead of one class id per pixel"
    fix = "convert it to a grayscale or palette PNG of class ids"
    colors = pixels[..., :3] if pixels.ndim == 3 and pixels.shape[2] >= 3 else None
    if colors is None or not colors.size:
        return message, fix
    found = np.unique(colors.reshape(-1, 3), axis=0)
    differ = (colors != colors[..., :1]).any(2)
    if not differ.any():
        return message, "its channels are equal: save one of them"
    row, column = np.argwhere(differ)[0]
    first = tuple(int(value) for value in colors[row, column])
    message += f": {len(found)} colors, the first one {first} in row {row}, column {column}"
    many = "" if len(found) <= 256 else "; more than 256 colors are no classes: is this the image itself, or a JPEG?"
    return message, f"{fix}: a palette that was read as RGB loses the ids{many}"


def read_image_file(path):
    """Reads the bytes of an image file.

    Raises:
        BadSample: D104, with the most similar existing name if there is no such file.
    """
    try:
        check_regular(path)
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise unreadable_file(error, path, "an image") from None


def open_header(data, name, max_pixels, formats=FORMATS):
    """Opens an image with Pillow, which decodes lazily, and checks its format and size; raises D101 to D103."""
    if not data:
        raise bad_file(
            "D101", name, "the file is empty (0 bytes)", fix="download it again, or remove it from the annotations"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pil_image = Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        code = "D102" if data[:3] == b"\xff\xd8\xff" else "D101"
        message = "the image header is truncated" if code == "D102" else f"not an image ({first_bytes(data)})"
        raise bad_file(code, name, message, fix=f"supported formats: {', '.join(formats)}") from None
    except Image.DecompressionBombError as error:
        raise bad_file("D103", name, str(error).split(",")[0]) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise bad_file("D102", name, f"the image header is damaged: {error}") from None
    check_pixel_count(*pil_image.size, name, max_pixels)
    return pil_image


def check_pixel_count(width, height, name, max_pixels):
    """Raises D103 for an image with more pixels than allowed."""
    if width * height > max_pixels:
        message = f"{width}x{height} is {width * height} pixels, more than the {max_pixels} allowed"
        raise bad_file("D103", name, message, fix="downscale the image, or increase max_pixels of Decode")


def decode_jpeg(data):
    """Decodes a JPEG to uint8 RGB [H, W, 3], twice as fast as Pillow; None if it is damaged."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), JPEG_FLAGS)
    except cv2.error:
        return None


def decode_with_pillow(pil_image, name):
    """Decodes a Pillow image to uint8 RGB [H, W, 3]."""
    if pil_image.mode.startswith("I"):
        values = load_pixels(pil_image, name)
        if values.size and not 0 <= values.min() <= values.max() <= 65535:
            raise bad_file("D105", name, f"32-bit pixels from {values.min()} to {values.max()} have no 8-bit scale")
        if 0 < values.max(initial=0) < 4096:
            warn_of_low_bits()
        return cv2.cvtColor((values >> 8).astype(np.uint8), cv2.COLOR_GRAY2RGB)
    if pil_image.mode == "F":
        raise bad_file("D105", name, "floating-point pixels have no defined 8-bit scale", fix="save it as 8 or 16 bits")
    return load_pixels(pil_image, name, "RGB")


def stores_16_bits(data):
    """True for a PNG, TIFF or PPM with more than 8 bits per channel; of JPEG and the like always False."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return data[24:25] == b"\x10"
    return open_header(data, "an image", PIXEL_LIMIT).mode.startswith("I")


@functools.cache
def warn_of_low_bits():
    """Warns once per process of 16-bit images that hold 12 bits or fewer, whose high byte is nearly black."""
    logger.warning(
        "16-bit images with no value above 4095 become nearly black, because the high byte is used; "
        "if they hold 12 bits, multiply the pixels by 16 and save them again"
    )


def load_pixels(pil_image, name, mode=None):
    """Decodes a Pillow image, optionally converted to a mode, to an array."""
    try:
        return np.array(pil_image.convert(mode) if mode else pil_image)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise bad_file(
            "D102", name, f"the image is damaged: {error}", fix="download it again, or remove it from the dataset"
        ) from None


def exif_orientation(pil_image):
    """The EXIF orientation, 1 to 8, from the header; 1 (upright) if missing or unreadable."""
    if pil_image.format == "TIFF":  # Pillow applies the orientation of TIFF files itself
        return 1
    try:
        # the method of the base class: that of PNG images decodes the image to find metadata after it
        value = Image.Image.getexif(pil_image).get(EXIF_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, EOFError):
        return 1
    return value if value in range(1, 9) else 1


def apply_orientation(image, orientation):
    """Applies the EXIF orientation (1 to 8) to an array [H, W] or [H, W, 3]."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    if orientation in (2, 3, 6, 7):
        image = cv2.flip(image, 1)
    if orientation in (3, 4, 7, 8):
        image = cv2.flip(image, 0)
    return image


def check_mask_size(mask, name, height, width):
    """Refuses a mask [h, w] whose size differs from its image."""
    if mask.shape != (height, width):
        message = f"the mask is {mask.shape[1]}x{mask.shape[0]}, its image {width}x{height}"
        raise bad_file("D111", name, message, fix="create the mask in the size of the upright image")


def check_max_pixels(max_pixels):
    """Refuses a pixel limit out of range."""
    if not 0 < max_pixels <= PIXEL_LIMIT:
        raise ValueError(f"max_pixels is {max_pixels}; it must be between 1 and {PIXEL_LIMIT}")
