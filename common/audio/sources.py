"""Where the recordings of an inference come from: a file, a folder, standard input."""

from pathlib import Path

from common.audio.noise import SOUNDS
from common.audio.reading import decode_audio, read_header
from common.errors import ConfigError, DataError
from common.files import read_standard_input


def open_sounds(path):
    """The recordings that `path` names.

    Args:
        path (str | None): a file, a folder, or - for standard input: the bytes of a recording, or one path a line.

    Raises:
        ConfigError: the path is empty.
        DataError: nothing is there, it is no sound, or a folder holds none.
    """
    if path is None or not path.strip():
        raise ConfigError("this model takes recordings: --input FILE.wav, a folder, or - for standard input")
    if path == "-":
        return standard_input()
    if Path(path).is_dir():
        files = sorted(str(found) for found in Path(path).rglob("*") if found.suffix.lower() in SOUNDS)
        if not files:
            raise DataError(f"{path}: the folder holds no recording ({', '.join(sorted(SOUNDS))})")
        return Recordings(files, name=path, many=True)
    read_header(path)  # what can be refused from the header, is before a model is loaded
    return Recordings([path], name=path, many=False)


def standard_input():
    """A recording's bytes, or one path a line."""
    items, many = read_standard_input("a recording")
    return Recordings(items, name="-", many=many)


class Recordings:
    """Sound files, or the bytes of one.

    Args:
        items (list[str | bytes]): paths, or an encoded recording.
        name (str): for messages.
        many (bool): whether a recording that cannot be read leaves the rest to go on.
    """

    what, batch = "recording", 1

    def __init__(self, items, name, many):
        self.items, self.name, self.many = items, name, many

    def __iter__(self):
        for item in self.items:
            if isinstance(item, bytes):
                audio, rate = decode_audio(item, "standard input", channel=None)
                yield {"path": "-", "name": "standard input", "audio": audio, "rate": rate}
            else:
                yield {"path": item, "name": item}
