"""Images of any number of channels and of 8 or 16 bits: gray, multispectral and depth images, and arrays in .npy files.

In a sample such an image is uint16 [H, W, C], whose 65535 is what 255 is in an image of 8 bits: transforms of geometry
and `Normalize` count in units of 0 to 255 for both.

Issues raised here (`BadSample`): D101 to D105 as in `common.vision.decode`.
"""

import io

import cv2
import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.errors import EnvironmentProblem
from common.vision.decode import PIXEL_LIMIT, Decode, check_pixel_count, complete_sample, open_header, read_image_file

NPY = b"\x93NUMPY"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WHITE = 65535


class DecodeChannels(Transform):
    """Reads the image at `path` with all its channels and bits, in the place of `Decode`.

    PNG, TIFF and the like of 8 or 16 bits, TIFF of many channels or of floats (with the package tifffile), and arrays
    [H, W], [H, W, C] or [C, H, W] in .npy files. Sets `image` uint16 [H, W, C] and what `Decode` sets.

    Args:
        channels (int): C; a file with another number is an error.
        low (float): the value that becomes black (0); lower ones too.
        high (float | None): the value that becomes white (255 in the units of all transforms); higher ones too. None is
            the largest value of the type of the pixels; floats need a number.
        max_pixels (int): maximum number of pixels.
    """

    alike = ("channels", "low", "high")

    def __init__(self, channels, low=0.0, high=None, max_pixels=PIXEL_LIMIT):
        if channels < 1 or (high is not None and high <= low):
            raise ValueError(
                f"DecodeChannels got channels {channels}, low {low}, high {high}; 1 or more, low below high"
            )
        self.channels, self.low, self.high, self.max_pixels = channels, low, high, max_pixels

    def __call__(self, sample, rng):
        name = sample.get("path", "an image")
        if "image" not in sample:
            pixels = read_channels(read_image_file(name), name, self.max_pixels)
            sample["image"] = to_16_bits(with_channels(pixels, self.channels, name), self.low, self.high, name)
        elif sample["image"].dtype != np.uint16:  # decoded before, such as a frame of a video
            sample["image"] = to_16_bits(with_channels(sample["image"], self.channels, name), 0.0, None, name)
        return complete_sample(sample, self.max_pixels)

    @staticmethod
    def examine(transforms, inputs):
        """See :func:`common.vision.inverse.examine_pipeline`; its synthetic images have three channels."""
        from common.vision.color import Normalize
        from common.vision.inverse import examine_pipeline

        places = {DecodeChannels: Decode, Normalize: Normalize}
        return examine_pipeline([places.get(type(one), lambda one=one: one)() for one in transforms], inputs)


def read_channels(data, name="<bytes>", max_pixels=PIXEL_LIMIT):
    """The pixels of a file as they are stored, [H, W] or [H, W, C], RGB in this order; nothing is unpickled.

    Raises:
        BadSample: D101, D102 or D103.
        EnvironmentProblem: the file needs the package tifffile, which is not installed.
    """
    if data[:6] == NPY:
        return read_npy(data, name, max_pixels)
    if data[:4] in TIFF:
        return read_tiff(data, name, max_pixels)
    open_header(data, name, max_pixels)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise bad_file("D102", name, "the image is damaged", fix="download it again, or remove it from the dataset")
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]] if pixels.ndim == 3 and pixels.shape[2] > 2 else pixels


def read_npy(data, name, max_pixels):
    """The array of numbers of a .npy file, see :func:`read_channels`."""
    try:
        shape = npy_shape(io.BytesIO(data))
        check_pixel_count(*size_of_shape(shape), name, max_pixels)
        return np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise bad_file("D102", name, f"not an array of an image: {str(error)[:100]}") from None


def npy_shape(file):
    """The shape of an image in an open .npy file, from its header; raises ValueError for anything but an image."""
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = header(file)
    if kind.kind not in "uif" or len(shape) not in (2, 3):
        raise ValueError(f"{kind}{list(shape)} is no array of numbers [H, W] or [H, W, C]")
    return shape


def size_of_shape(shape):
    """(width, height) of an image [H, W], [H, W, C] or, where the first axis is the shortest one, [C, H, W]."""
    planar = len(shape) == 3 and shape[0] < min(shape[1:])
    height, width = shape[1:3] if planar else shape[:2]
    return width, height


def read_tiff(data, name, max_pixels):
    """The pixels of the first image of a TIFF file, see :func:`read_channels`."""
    try:
        import tifffile
    except ImportError:
        raise EnvironmentProblem(f"{name}: TIFF files with all channels need tifffile: pip install tifffile") from None
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.series[0]
            check_pixel_count(*size_of_shape(page.shape), name, max_pixels)
            return page.asarray()
    except (tifffile.TiffFileError, ValueError, IndexError, KeyError, OSError, TypeError) as error:
        raise bad_file("D102", name, f"the image is damaged: {str(error)[:100]}") from None


def with_channels(pixels, channels, name):
    """Pixels as [H, W, C]; raises BadSample D105 for another number of channels."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim == 3 and pixels.shape[2] != channels and pixels.shape[0] == channels:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim != 3 or pixels.shape[2] != channels:
        has = f"pixels {list(pixels.shape)}"
        raise bad_file("D105", name, f"the image has {has}; `channels` of DecodeChannels is {channels}")
    return pixels


def to_16_bits(pixels, low, high, name):
    """Pixels of any type as uint16, `low` as 0 and `high` as 65535; raises BadSample D105 for floats without `high`."""
    if high is None:
        if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
            message = f"pixels of {pixels.dtype} have no largest value"
            raise bad_file("D105", name, message, fix="set `low` and `high` of DecodeChannels")
        high = np.iinfo(pixels.dtype).max
    if (low, high) == (0, WHITE) and pixels.dtype == np.uint16:
        return np.ascontiguousarray(pixels)
    scaled = (np.nan_to_num(pixels.astype(np.float64), nan=low) - low) * (WHITE / (high - low))
    return np.rint(np.clip(scaled, 0, WHITE)).astype(np.uint16)


def as_rgb(image):
    """An image for display, RGB uint8 [H, W, 3]: the first three channels of others, or their first one thrice."""
    if image.dtype == np.uint8 and image.shape[2:] == (3,):
        return image
    image = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image
    return np.ascontiguousarray(image[..., :3] if image.shape[2] >= 3 else image[..., :1].repeat(3, 2))
