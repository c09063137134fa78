"""Datasets of features and the state of every frame: archives of Kaldi, and the lists of DeepASR.

Shapes in this file:
    T frames of F features.
"""

import math
from pathlib import Path

import numpy as np

from common.audio.kaldi_files import beside, line_error, read_archive_index, read_value
from common.data.refusals import add_list_line, bad_file, unreadable_file
from common.errors import BadSample, DataError, DataIssue
from common.files import read_lines
from common.log import counted, logger
from common.regular import check_regular
from common.text.vocabulary import read_tokens


class LabeledFrames:
    """Utterances with `features` float32 [T, F], `feature_length` T, and where there are such, `labels` int32 [T].

    A sample also has `path`, `name`, and `text` if there are transcripts. Utterances that are longer than `max_frames`
    are read in equal parts, which have no text.

    Args:
        entries (list[dict]): with `name`, `features` and `labels`: functions without arguments that read an array.
        source (str): the list, for messages.
        states (str | None): names of the states, one per line.
        num_states (int | None): number of states without names.
        text (str | None): transcripts, `NAME WORD WORD ...` a line.
        max_frames (int | None): longer utterances are cut.

    Raises:
        DataError: there are no utterances, or one has no transcript.
    """

    what = "utterance"

    def __init__(self, entries, source, states, num_states, text, max_frames):
        if (states is None) == (num_states is None):
            raise ValueError("write one of states, a file of their names, and num_states, their number")
        if max_frames is not None and max_frames < 1:
            raise ValueError(f"max_frames is {max_frames}; it must be at least 1, or null")
        self.source, self.labels = source, read_tokens(states) if states else None
        self.num_classes = len(self.labels) if states else num_states
        if not entries:
            raise DataError(str(DataIssue("D117", "error", source, "holds no utterance")))
        if text:
            add_texts(entries, text)
        self.entries, self.parts = entries, [(k, 0, 1) for k in range(len(entries))]
        if max_frames:
            counts = [-(-entry["frames"]() // max_frames) for entry in entries]
            self.parts = [(k, part, count) for k, count in enumerate(counts) for part in range(count)]
            for entry, count in zip(entries, counts):
                if count > 1:
                    entry.pop("text", None)
            if any("text" not in entry for entry in entries):
                for entry in entries:
                    entry.pop("text", None)
        logger.info("%s: %s", source, counted(len(self.parts), "utterance"))

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, index):
        """One sample; raises BadSample where it cannot be read, or its labels are not those of its frames."""
        number, part, count = self.parts[index]
        entry = self.entries[number]
        try:
            return self.read(entry, part, count)
        except BadSample as error:
            raise add_list_line(error, {"manifest": self.source, "place": entry["name"]}) from None

    def read(self, entry, part, count):
        """The sample of a part of an entry, of `count` equal ones."""
        features = entry["features"]()
        sample = {"path": entry["path"], "name": entry["name"]}
        if not np.isfinite(features).all():
            raise bad_file("D119", sample["path"], "has features that are not finite")
        cut = slice(part * len(features) // count, (part + 1) * len(features) // count)
        sample |= {"features": features[cut], "feature_length": cut.stop - cut.start}
        if not sample["feature_length"]:
            raise bad_file("D145", sample["path"], "has no frames", fix="remove it")
        if "labels" in entry:
            labels = entry["labels"]()
            if len(labels) != len(features):
                message = f"has {counted(len(features), 'frame')} and {counted(len(labels), 'label')}"
                raise bad_file("D113", sample["path"], message, fix="align it again, or remove it")
            wrong = labels[(labels < 0) | (labels >= self.num_classes)]
            if len(wrong):
                message = f"has the state {wrong[0]}; allowed: 0 to {self.num_classes - 1}"
                raise bad_file("D109", sample["path"], message)
            sample["labels"] = labels[cut]
        return sample | ({"text": entry["text"]} if "text" in entry else {})

    def lengths(self):
        """The frames of each sample, for samplers by length (list[int])."""
        frames = [entry["frames"]() for entry in self.entries]
        return [math.ceil(frames[number] / count) for number, _, count in self.parts]


class KaldiFrames(LabeledFrames):
    """Features and alignments of Kaldi, by their indexes.

    Args:
        features (str): index (scp) of matrices, such as `feats.scp`.
        labels (str): index of the states of every frame, integers; null for features without labels.
        states (str): names of the states, one per line.
        num_states (int): number of states that have no names.
        text (str): transcripts, `KEY WORD WORD ...` a line.
        max_frames (int): longer utterances are cut to parts of equal length, without their text.

    Raises:
        DataError: an index or the transcripts are malformed, or lack a key.
    """

    def __init__(self, features, labels=None, states=None, num_states=None, text=None, max_frames=None):
        aligned = {key: (path, offset) for key, path, offset, _ in read_archive_index(labels)} if labels else {}
        entries = []
        for key, path, offset, number in read_archive_index(features):
            entry = {"name": key, "path": path, "features": reading(path, offset, "matrix")}
            if labels:
                if key not in aligned:
                    raise line_error(features, number, "D113", f"'{key}' has no labels in {labels}", "remove the line")
                entry["labels"] = reading(*aligned[key], "integers")
            entry["frames"] = lambda entry=entry: len(entry["labels" if "labels" in entry else "features"]())
            entries.append(entry)
        super().__init__(entries, str(features), states, num_states, text, max_frames)


class FrameLists(LabeledFrames):
    """Features and labels in the files of DeepASR's own converter.

    A list names two files for each block, one per line: numbers without a header (features float32, labels int32), and
    their description: the number of utterances is the second word of its first line, then follow for each the name, a
    word that is not read, and place, size in bytes and frames of its numbers; for features also their number.

    Args:
        features (str): list of the files of features.
        labels (str): list of the files of labels, in the same order; null for features without labels.
        states (str): names of the states, one per line.
        num_states (int): number of states that have no names.
        text (str): transcripts, `NAME WORD WORD ...` a line.
        max_frames (int): longer utterances are cut to parts of equal length, without their text.

    Raises:
        DataError: a list or a description is malformed, or both differ.
    """

    def __init__(self, features, labels=None, states=None, num_states=None, text=None, max_frames=None):
        entries = []
        for path, name, start, frames, width in described(features, 6):
            read = reading_numbers(path, start, frames, width, "<f4")
            entry = {"name": name, "path": path, "features": read, "frames": lambda frames=frames: frames}
            entries.append(entry)
        rows = described(labels, 5) if labels else []
        if labels and [row[1] for row in rows] != [entry["name"] for entry in entries]:
            message = f"its utterances are not those of {features}, in the same order"
            raise DataError(str(DataIssue("D113", "error", str(labels), message)))
        for entry, (path, _, start, frames, _) in zip(entries, rows):
            entry["labels"] = reading_numbers(path, start, frames, None, "<i4")
        super().__init__(entries, str(features), states, num_states, text, max_frames)


def described(path, words):
    """The entries that a list of FrameLists describes: (file, name, start, frames, features or None) each.

    Args:
        path (str): the list.
        words (int): of a line of a description, at least.
    """
    files, found = [(k, line.strip()) for k, line in enumerate(read_lines(path), 1) if line.strip()], []
    if len(files) % 2:
        raise line_error(path, files[-1][0], "D118", "a file of numbers without the file that describes it")
    for (_, numbers), (_, description) in zip(files[::2], files[1::2]):
        numbers, description = beside(path, numbers), beside(path, description)
        head, *rows = read_lines(description) or [""]
        count = head.split()[1] if len(head.split()) > 1 else ""
        if not count.isdecimal() or int(count) != len([row for row in rows if row.strip()]):
            message = f"'{head[:60]}': the second word must be the number of the lines that follow"
            raise line_error(description, 1, "D118", message)
        for number, row in enumerate(rows, 2):
            fields = row.split()
            if not fields:
                continue
            if len(fields) < words or not all(field.isdecimal() for field in fields[2:words]):
                message = f"'{row[:60]}': expected NAME WORD START BYTES FRAMES" + (" FEATURES" if words > 5 else "")
                raise line_error(description, number, "D118", message)
            start, size, frames, *width = map(int, fields[2:words])
            if size != 4 * frames * (width[0] if width else 1):
                message = f"{size} bytes are not those of {frames} frames" + (f" of {width[0]}" if width else "")
                raise line_error(description, number, "D113", message)
            found.append((numbers, fields[0], start, frames, width[0] if width else None))
    return found


def reading(path, offset, kind):
    """A function that reads a value of an archive."""
    return lambda: read_value(path, offset, kind)


def reading_numbers(path, start, frames, width, dtype):
    """A function that reads numbers without a header: [frames, width], or [frames] if width is None."""

    def read():
        try:
            check_regular(path)
            with open(path, "rb") as file:
                file.seek(start)
                data = file.read(4 * frames * (width or 1))
        except (OSError, ValueError) as error:
            raise unreadable_file(error, path, "a file of numbers") from None
        if len(data) < 4 * frames * (width or 1):
            raise bad_file("D102", path, f"ends before the {frames} frames from byte {start}")
        return np.frombuffer(data, dtype).reshape((frames,) if width is None else (frames, width)).copy()

    return read


def add_texts(entries, path):
    """Gives each entry its `text`; raises DataError for one that has none."""
    texts = {}
    for number, line in enumerate(read_lines(path), 1):
        key, *words = line.split() or [""]
        if key and not words:
            raise line_error(path, number, "D126", f"the transcript of '{key}' is empty")
        texts[key] = " ".join(words)
    for entry in entries:
        if entry["name"] not in texts:
            message = f"has no transcript of '{entry['name']}'"
            raise DataError(str(DataIssue("D113", "error", str(Path(path)), message)))
        entry["text"] = texts[entry["name"]]
