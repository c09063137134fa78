"""Sources of samples for inference, by the input that a task reads.

A source iterates over samples, dicts with a `name`; it has `name` and `what` for messages, `batch`, how many samples
are usually run together, and `many`, whether the others are still predicted when one cannot be read.  One of images has
`drawing(folder)` too.
"""

from common.errors import ConfigError, DataError


def open_source(path, task, text=None):
    """The source that `path` names.

    Args:
        path (str | None): a file, a folder, a video, or - for standard input, which texts also come from when None.
        task (Task): its `input` says what is read.
        text (str | None): a text of the command line, in place of a path, or what the task asks with.

    Raises:
        ConfigError: the path is empty, or the task reads what no command can give.
        DataError: nothing is there, or it cannot be read.
    """
    if task.input not in SOURCES:
        reads = "images, videos, clouds of points, texts, recordings and rows of tables"
        raise ConfigError(f"tools/infer.py reads {reads}; this model takes {task.input}, see Predictor.run")
    if text is not None and task.input != "text" and not task.asks:
        raise ConfigError(f"--text is for models of texts; this model takes {task.input}: {OPTIONS[task.input]}")
    return SOURCES[task.input](path, task, text)


def images(path, task, text):
    """Image files, a folder of them, or the frames of a video."""
    from common.vision.sources import open_images

    return open_images(path)


def videos(path, task, text):
    """Video files, a folder of them, or the pieces of a stream; for a tracker one video or the folder of its frames."""
    if task.sequential:
        from common.vision.track_sources import Sequences

        return Sequences(path)
    from common.vision.video_sources import open_videos

    return open_videos(path)


def features(path, task, text):
    """Files of features of videos, or a folder of them, with the text that the task asks with."""
    from common.vision.feature_files import open_features

    source = open_features(path)
    if text is not None:
        if not text.strip():
            raise DataError("error[D126] the text is empty")
        source.known = {task.asks: text}
    return source


def points(path, task, text):
    """Clouds of points, or a folder of them."""
    from common.vision.point_files import open_points

    return open_points(path)


def texts(path, task, text):
    """The lines of a file, of standard input, or of the command line."""
    from common.text.sources import open_texts

    return open_texts(path, task, text)


def recordings(path, task, text):
    """Sound files, or a folder of them."""
    from common.audio.sources import open_recordings

    return open_recordings(path)


def rows(path, task, text):
    """The rows of a table."""
    if path is None:
        raise ConfigError("--input: write which file of rows, .csv or .jsonl")
    return Rows(path)


class Rows:
    """The rows of a file, by their numbers from 1.

    Args:
        path (str): .csv, .tsv or .jsonl; - is JSON lines on standard input.

    Raises:
        DataError: the file is missing or holds no rows.
    """

    what, many, batch = "row", True, 256

    def __init__(self, path):
        self.name = path

    def __iter__(self):
        from common.table.sources import open_table

        number, header = 0, self.name.lower().endswith((".csv", ".tsv"))
        for number, row in enumerate(open_table(self.name), 1):
            sample = {"path": self.name, "name": number, "header": header}
            yield sample | ({"error": row} if isinstance(row, DataError) else {"row": row})
        if not number:
            raise DataError(f"error[D117] {self.name}: no rows")


SOURCES = {  # by the input of the task
    "image": images,
    "video": videos,
    "features": features,
    "points": points,
    "text": texts,
    "audio": recordings,
    "table": rows,
}
OPTIONS = {  # how a command is given such an input
    "image": "--image PATH",
    "video": "--input PATH",
    "features": "--input PATH",
    "points": "--input PATH",
    "text": "--text TEXT",
    "table": "--input PATH",
    "audio": "--input PATH",
}
