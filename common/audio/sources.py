"""Audio sources for inference: a file, a folder or standard input."""

from pathlib import Path

from common.audio.noise import AUDIO_SUFFIXES
from common.audio.reading import decode_audio, read_header
from common.errors import ConfigError
from common.files import files_below, read_standard_input


def open_recordings(path):
    """Opens an audio file, a folder or standard input.

    Args:
        path (str | None): a file, a folder, or - for standard input: the content of a file, or one path per line.

    Raises:
        ConfigError: the path is empty.
        DataError: the path is missing, is not an audio file, or is a folder without audio files.
    """
    if path is None or not path.strip():
        raise ConfigError("this model takes audio: --input FILE.wav, a folder, or - for standard input")
    if path == "-":
        return read_recordings()
    if Path(path).is_dir():
        return Recordings(files_below(path, AUDIO_SUFFIXES, "audio files"), name=path, many=True)
    read_header(path)  # raises before a model is loaded
    return Recordings([path], name=path, many=False)


def read_recordings():
    """Reads the content of an audio file, or paths, from standard input."""
    items, many = read_standard_input("an audio file")
    return Recordings(items, name="-", many=many)


class Recordings:
    """Iterates over audio files, given as paths or bytes.

    Args:
        items (list[str | bytes]): paths, or the content of a file.
        name (str): name of the source for messages.
        many (bool): continues after a file that cannot be read.
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
