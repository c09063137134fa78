"""Unusual and damaged image files."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIDE = 96


def scene():
    """An image with coarse structure, uint8 [96, 96, 3]."""
    blocks = np.random.default_rng(3).integers(0, 256, (6, 6, 3), dtype="uint8")
    return blocks.repeat(SIDE // 6, 0).repeat(SIDE // 6, 1)


def noise():
    """An incompressible image."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), "uint8"))


def encoded(form, mode="RGB", image=None, **keywords):
    """The bytes of an image in a format (`JPEG`, `PNG`, ...) and a Pillow mode."""
    file = io.BytesIO()
    (image or Image.fromarray(scene()).convert(mode)).save(file, form, **keywords)
    return file.getvalue()


def damaged(data):
    """The bytes with zeros in the middle, which decoders fill with gray, at best with a warning."""
    middle = len(data) // 2
    return data[:middle] + bytes(200) + data[middle + 200 :]


def bomb(side=30000):
    """A 1-bit PNG that would decode to gigabytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes((side // 8 + 1) * 64)))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def rotated():
    """A JPEG with EXIF orientation 6, rotated by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded("JPEG", exif=exif)


def sixteen_bits():
    """A 16-bit grayscale PNG."""
    return encoded("PNG", image=Image.fromarray(scene()[..., 0].astype("uint16") * 257))


def animation(form):
    """Two frames."""
    return encoded(form, save_all=True, append_images=[Image.new("RGB", (SIDE, SIDE))])


# (what, bytes): files that cannot be used, with the code of the refusal
REFUSED = {
    "empty": (b"", "D101"),
    "html": (b"<html><body>Not found</body></html>", "D101"),
    "half a header": (encoded("JPEG")[:20], "D102"),
    "half an image": (encoded("PNG", image=noise())[:9000], "D102"),
    "a bomb": (bomb(), "D103"),
    "zeros": (bytes(5000), "D101"),
    "a program": (b"\x7fELF" + bytes(100), "D101"),
    "floats": (encoded("TIFF", image=Image.fromarray(scene()[..., 0].astype("float32"))), "D105"),
}
# files that must work
FINE = {
    "PNG called jpg": encoded("PNG"),
    "rotated": rotated(),
    "CMYK": encoded("JPEG", "CMYK"),
    "16 bits": sixteen_bits(),
    "RGBA": encoded("PNG", "RGBA"),
    "palette": encoded("PNG", "P"),
    "gray and alpha": encoded("PNG", "LA"),
    "one bit": encoded("PNG", "1"),
    "GIF": animation("GIF"),
    "WebP": animation("WEBP"),
    "progressive": encoded("JPEG", progressive=True),
}
