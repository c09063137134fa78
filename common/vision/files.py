"""Finds image files by their names, and reads their sizes from their headers without decoding a pixel."""

import difflib
import os
import warnings
from pathlib import Path

from PIL import Image

from common.vision.decode import FORMATS, PIXEL_LIMIT, open_header, orientation_of, read_file

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm")


def is_picture(name):
    """Whether a file's name is that of a picture; hidden ones, which some systems put beside others, are none."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def image_size(path, max_pixels=PIXEL_LIMIT):
    """The size of an image as stored, and whether its EXIF orientation turns it on its side.

    Args:
        path (str): the file.
        max_pixels (int): an image with more pixels is refused.

    Returns:
        tuple[int, int, bool]: width, height (both as stored), turned.

    Raises:
        BadSample: D101 to D104, as :func:`common.vision.decode.decode_image` and `read_file`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images; the cap decides
            with Image.open(path, formats=FORMATS) as picture:
                size, orientation = picture.size, orientation_of(picture)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        picture = open_header(read_file(path), str(path), max_pixels)  # says what is wrong
        size, orientation = picture.size, orientation_of(picture)
    if size[0] * size[1] > max_pixels:
        open_header(read_file(path), str(path), max_pixels)
    return *size, orientation >= 5


class Listing:
    """Which files exist, from one listing a folder instead of one look a file."""

    def __init__(self):
        self.folders = {}

    def names(self, folder):
        """The names in a folder; none when it cannot be listed."""
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
        """An image of the same name with another ending (`a.JPG` or `a.png` for `a.jpg`), or None."""
        folder, name = os.path.split(path)
        stem = Path(name).stem
        for suffix in IMAGE_SUFFIXES:
            for other in (stem + suffix, stem + suffix.upper()):
                if other != name and other in self.names(folder):
                    return os.path.join(folder, other)
        return None

    def nearest(self, path):
        """The name most like a missing one in the same folder, or None."""
        found = self.same_stem(path)
        if found:
            return os.path.basename(found)
        folder, name = os.path.split(path)
        lowered = {other.lower(): other for other in sorted(self.names(folder))[:20_000]}
        close = difflib.get_close_matches(name.lower(), list(lowered), n=1)
        return lowered[close[0]] if close else None
