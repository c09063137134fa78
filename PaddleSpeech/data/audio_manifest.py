"""A dataset of recordings and their transcripts: a manifest of JSON lines.

{"audio_filepath": "wav/0001.wav", "duration": 1.87, "text": "good morning"}
"""

import math
from pathlib import Path

from common.data.issues import IssueList, raise_on_errors
from common.files import has_lone_surrogate, parse_json, read_lines, replace_controls
from common.log import counted, logger
from common.text.characters import Characters

from .audio_check import CheckedRecordings

MOST_SECONDS = 1e9  # of a recording, and of where one begins
NEEDED = ("audio_filepath", "duration", "text")
OPTIONAL = ("id", "offset", "speaker")


class AudioManifest(CheckedRecordings):
    """One JSON object a line: `audio_filepath`, relative to the manifest, `duration` in seconds, and `text`.

    Optional keys: `offset`, the start of the recording in the file, in seconds; `id`; `speaker`.
    Control characters of a text are read as spaces, and whitespace is collapsed.
    A sample has `path`, `manifest`, `line`, `place`, `text`, `duration`, and `start` if the line has an `offset`.

    Args:
        file (str): the manifest.
        vocab (str): the vocabulary of the transcripts, see CharacterIds; null does not check them.
        unknown (str): the vocabulary entry for all other characters; empty refuses them.
        min_duration (float): shorter recordings are left out, in seconds.
        max_duration (float): longer recordings are left out, in seconds; null for no limit.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.

    Attributes:
        labels (list[str] | None): the blank and the characters, in the order of their ids.
        samples (list[dict]): the valid samples.

    Raises:
        DataError: lists every error of the lines.
    """

    what = "recording"

    def __init__(self, file, vocab=None, unknown="", min_duration=0.0, max_duration=None, bad_samples="error"):
        self.source, self.folder = str(file), Path(file).parent
        self.characters = Characters(vocab, unknown) if vocab else None
        self.labels = self.characters.labels if vocab else None
        self.problems, self.samples, dropped = IssueList(self.source), [], []
        seen = {}
        for number, line in enumerate(read_lines(file), 1):
            if not line.strip():
                continue
            row = self.read(line, number)
            if row is None or self.is_duplicate(row, number, seen):
                continue
            if min_duration <= row["duration"] <= (max_duration or math.inf):
                self.samples.append(row)
            else:
                dropped.append((number, row["duration"]))
        self.finalize(dropped, f"{min_duration:g} to {max_duration or math.inf:g} s", bad_samples)

    @property
    def num_classes(self):
        """C, the characters and the blank; None without a vocabulary."""
        return None if self.labels is None else len(self.labels)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        """One sample, a new dict."""
        return dict(self.samples[index])

    def lengths(self):
        """The duration of each sample, in seconds (list[float])."""
        return [sample["duration"] for sample in self.samples]

    def paths(self):
        """The file of each sample."""
        return [sample["path"] for sample in self.samples]

    # Lines -----------------------------------------------------------------------------------------------------------

    def read(self, line, number):
        """The sample of a line, or None after recording an error."""
        try:
            row = parse_json(line)
        except ValueError as error:
            return self.error("D118", f"not valid JSON: {error}", number, line[:60])
        lacking = [key for key in NEEDED if key not in row] if isinstance(row, dict) else list(NEEDED)
        if lacking:
            return self.error("D113", f"has no {', '.join(lacking)}", number, line[:60])
        for key in row.keys() - {*NEEDED, *OPTIONAL}:
            self.problems.warn("D113", f"nothing reads the key '{key}'", f"line {number}")
        path, text = row["audio_filepath"], row["text"]
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            return self.error("D113", "audio_filepath is not a file name", number, repr(path)[:60])
        for key in ("duration", "offset"):
            value = row.get(key, 0.0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST_SECONDS:
                return self.error("D119", f"{key} is not a number of seconds", number, repr(value)[:60])
            if value < 0 or (value == 0 and key == "duration"):
                return self.error(
                    "D119", f"{key} is {value}; allowed: {'more than 0' if key == 'duration' else '0 or more'}", number
                )
        if isinstance(row.get("id", ""), bool) or not isinstance(row.get("id", ""), str | int):
            return self.error("D113", "id is neither a string nor a whole number", number, repr(row["id"])[:60])
        text = self.clean(text, number)
        if text is None:
            return None
        sample = {"path": str(self.folder / path), "manifest": self.source, "line": number, "place": f"line {number}"}
        sample |= {"text": text, "duration": float(row["duration"])}
        if "id" in row:
            sample["id"] = str(row["id"])
        return sample | ({"start": float(row["offset"])} if "offset" in row else {})

    def clean(self, text, number):
        """The text with whitespace collapsed, or None after recording an error."""
        if not isinstance(text, str):
            return self.error("D113", "text is not a string", number, repr(text)[:60])
        text, changed = replace_controls(text)
        if changed:
            self.problems.warn("D125", "control characters are read as spaces", f"line {number}")
        text = " ".join(text.split())
        if not text:
            return self.error("D126", "the transcript is empty", number, fix="remove the line, or bad_samples: skip")
        if has_lone_surrogate(text):
            return self.error("D123", "the transcript contains an unpaired surrogate", number)
        odd = self.characters.odd(text) if self.characters else ""
        if odd:
            fix = "correct the transcript, or extend the vocabulary"
            return self.error("D147", self.characters.describe_unknown(odd), number, text[:60], fix)
        return text

    def is_duplicate(self, row, number, seen):
        """Checks whether a recording or its id is a duplicate, which is recorded as an error."""
        keys = [("id", row["id"])] if "id" in row else []
        for key in [*keys, ("recording", row["path"], row.get("start", 0.0))]:
            if key in seen:
                self.error("D115", f"the {key[0]} '{key[1]}' is also at line {seen[key]}", number, fix="keep one")
                return True
            seen[key] = number
        return False

    def error(self, code, message, number, value="", fix=""):
        """Records that a line cannot be used."""
        self.problems.error(code, message, f"line {number}", value, fix, image=number)

    def finalize(self, dropped, allowed, bad_samples):
        """Raises the recorded errors or leaves their lines out.

        Args:
            dropped (list[tuple[int, float]]): line and duration of recordings that are too short or too long.
            allowed (str): the range of allowed durations, for the message.
            bad_samples (str): `error` or `skip`.
        """
        for number, seconds in dropped:
            message = f"left out: the duration is not {allowed}"
            self.problems.warn("D145", message, f"line {number}", f"{seconds:g} s")
        if not self.samples and not self.problems.errors:
            self.problems.error("D117", "holds no usable recording", fix="check that this is the right file")
        if any("start" in sample for sample in self.samples):  # all samples of a batch have the same keys
            self.samples = [{"start": 0.0} | sample for sample in self.samples]
        total = len(self.samples) + len(self.problems.errors)
        raise_on_errors(self.problems.all(), bad_samples, total)
        if bad_samples == "skip":
            self.problems.errors.clear()
        for sample in self.samples:
            sample.pop("id", None)
        seconds = sum(self.lengths())
        logger.info("%s: %s, %.2f hours", self.source, counted(len(self.samples), "recording"), seconds / 3600)

    # Files -----------------------------------------------------------------------------------------------------------
