"""Finding image files by name, and reading image sizes from file headers without decoding."""

import collections
import difflib
import os
import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from common.regular import check_regular
from common.vision.decode import FORMATS, PIXEL_LIMIT, exif_orientation, open_header, read_image_file

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".npy")

OF_SYSTEMS = ("thumbs.db", "desktop.ini")


def is_image_file(name):
    """True if a file name has an image suffix and is not hidden."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def describe_left_out(names):
    """The files among these names that are no images, by suffix, such as `3 files left out (2 .heic, 1 .txt)`.

    Hidden files and those that an operating system leaves in folders do not count; empty if nothing is left out.
    """
    others = [name for name in names if not name.startswith(".") and name.lower() not in OF_SYSTEMS]
    counts = collections.Counter(os.path.splitext(name)[1].lower() or "without suffix" for name in others)
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
    by_suffix = ", ".join(f"{count} {suffix}" for suffix, count in most)
    more = f", and {len(counts) - 5} more kinds" if len(counts) > 5 else ""
    return f"{len(others)} file{'s' * (len(others) > 1)} left out ({by_suffix}{more})" if others else ""


def image_size(path, max_pixels=PIXEL_LIMIT):
    """The stored size of an image, and whether its EXIF orientation swaps width and height.

    Args:
        path (str): the file.
        max_pixels (int): maximum number of pixels.

    Returns:
        tuple[int, int, bool]: width, height (both as stored), swapped.

    Raises:
        BadSample: D101 to D104, as :func:`common.vision.decode.decode_image` and `read_image_file`.
    """
    width, height, orientation = read_image_header(path, max_pixels)
    return width, height, orientation >= 5


def read_image_header(path, max_pixels=PIXEL_LIMIT):
    """The stored width and height of an image and its EXIF orientation, 1 to 8; raises like :func:`image_size`."""
    if str(path).lower().endswith((".npy", ".tif", ".tiff")) and (size := array_size(path)):
        return *size, 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images; the limit is checked below
            check_regular(path)
            with Image.open(path, formats=FORMATS) as pil_image:
                size, orientation = pil_image.size, exif_orientation(pil_image)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        pil_image = open_header(read_image_file(path), str(path), max_pixels)  # raises the specific error
        size, orientation = pil_image.size, exif_orientation(pil_image)
    if size[0] * size[1] > max_pixels:
        open_header(read_image_file(path), str(path), max_pixels)
    return *size, orientation


def array_size(path):
    """(width, height) of an array in a .npy file, or of a TIFF that only tifffile reads; None for any other file."""
    from common.vision.channels import NPY, npy_shape, read_channels, size_of_shape

    try:
        check_regular(path)
        with open(path, "rb") as file:
            if file.read(len(NPY)) == NPY:
                file.seek(0)
                return size_of_shape(npy_shape(file))
        if str(path).lower().endswith(".npy"):
            return None
        with Image.open(path, formats=FORMATS):
            return None
    except UnidentifiedImageError:
        return size_of_shape(read_channels(read_image_file(path), str(path)).shape)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None


class Listing:
    """A cache of folder listings, to test many paths for existence with one system call per folder."""

    def __init__(self):
        self.folders = {}

    def names(self, folder):
        """The names in a folder; empty if it cannot be listed."""
        folder = folder or "."
        if folder not in self.folders:
            try:
                self.folders[folder] = set(os.listdir(folder))
            except OSError:
                self.folders[folder] = set()
        return self.folders[folder]

    def __contains__(self, path):
        folder, name = os.path.split(path)
        return name in self.names(folder)

    def same_stem(self, path):
        """An image with the same stem and another suffix (`a.JPG` or `a.png` for `a.jpg`), or None."""
        folder, name = os.path.split(path)
        stem = Path(name).stem
        for suffix in IMAGE_SUFFIXES:
            for other in (stem + suffix, stem + suffix.upper()):
                if other != name and other in self.names(folder):
                    return os.path.join(folder, other)
        return None

    def nearest(self, path):
        """The most similar name to a missing file in the same folder, or None."""
        found = self.same_stem(path)
        if found:
            return os.path.basename(found)
        folder, name = os.path.split(path)
        lowered = {other.lower(): other for other in sorted(self.names(folder))[:20_000]}
        close = difflib.get_close_matches(name.lower(), list(lowered), n=1)
        return lowered[close[0]] if close else None
