"""A dataset of recordings and their texts in the layout of LJ Speech (https://keithito.com/LJ-Speech-Dataset).

metadata.csv, a line for each recording in wavs/, not in quotation marks:
    LJ001-0001|Printing, in 1476|Printing, in fourteen seventy-six
"""

from pathlib import Path

from common.data.issues import IssueList, raise_on_errors
from common.data.transform import random_for
from common.errors import ConfigError
from common.files import has_lone_surrogate, read_lines
from common.log import counted, logger

from .audio_check import CheckedRecordings

PARTS = ("all", "train", "held_out")
SEED = 0  # of the choice of texts that are held out


class LJSpeech(CheckedRecordings):
    """Recordings, the text as it is written, and as it is spoken; in a fourth column may be the name of the speaker.

    A sample has `path`, `manifest`, `place`, `text` (as it is spoken, if that column is not empty), and `speaker`.

    Args:
        root (str): the folder.
        metadata (str): the list in it.
        wavs (str): the folder of the recordings in it.
        part (str): all, or train or held_out: all but some lines, or these.
        held_out (int): how many lines are held out, chosen evenly.
        min_characters (int): shorter texts are left out.
        speakers (list[str]): names that the fourth column may have; null where there is one speaker.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.

    Raises:
        DataError: lists every error of the lines, with its line.
        ConfigError: an argument is out of range.
    """

    what = "recording"
    labels = None
    num_classes = None

    def __init__(
        self, root, metadata="metadata.csv", wavs="wavs", part="all", held_out=100, min_characters=0, speakers=None,
        bad_samples="error",
    ):  # fmt: skip
        if part not in PARTS or held_out < 1:
            raise ConfigError(f"part is {part!r}, held_out {held_out}; part is {', '.join(PARTS)}, held_out from 1")
        self.source, self.folder = str(Path(root) / metadata), Path(root) / wavs
        self.speakers, self.problems, self.samples = speakers, IssueList(self.source), []
        seen, short = {}, 0
        for number, line in enumerate(read_lines(self.source), 1):
            if not line.strip():
                continue
            sample = self.read(line, number, seen)
            short += sample is not None and len(sample["text"]) < min_characters
            if sample is not None and len(sample["text"]) >= min_characters:
                self.samples.append(sample)
        if not self.samples and not self.problems.errors:
            self.problems.error("D117", "holds no usable recording", fix="check that this is the right file")
        raise_on_errors(self.problems.all(), bad_samples, len(self.samples) + len(self.problems.errors))
        if bad_samples == "skip":
            self.problems.errors.clear()
        self.samples = choose_part(self.samples, part, held_out)
        left = f", {short} shorter than {min_characters} characters left out" if short else ""
        logger.info("%s: %s (%s)%s", self.source, counted(len(self.samples), "recording"), part, left)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        """One sample, a new dict."""
        return dict(self.samples[index])

    def lengths(self):
        """The characters of each text, to which durations are proportional (list[int])."""
        return [len(sample["text"]) for sample in self.samples]

    def paths(self):
        """The file of each sample."""
        return [sample["path"] for sample in self.samples]

    def read(self, line, number, seen):
        """The sample of a line, or None after recording an error."""
        fields, needed = line.split("|"), 4 if self.speakers else 3
        if len(fields) != needed and not (needed == 3 and len(fields) in (2, 4)):
            form = "ID|TEXT|TEXT AS SPOKEN" + ("|SPEAKER" if self.speakers else "")
            return self.error("D118", f"{len(fields)} fields, expected {form}", number, line)
        name, text = fields[0].strip(), " ".join(((fields[2] if len(fields) > 2 else "") or fields[1]).split())
        if not name or "/" in name or "\0" in name or name in (".", ".."):
            return self.error("D113", f"{name[:40]!r} is not the name of a recording", number, line)
        if name in seen:
            return self.error("D115", f"the recording '{name}' is also at line {seen[name]}", number, fix="keep one")
        seen[name] = number
        if not text:
            return self.error("D126", "the text is empty", number, line, "remove the line, or bad_samples: skip")
        if has_lone_surrogate(text):
            return self.error("D123", "the text contains an unpaired surrogate", number)
        path = self.folder / f"{name}.wav"
        if not path.is_file():
            return self.error(
                "D104", f"there is no {path}", number, fix="extract the dataset again, or remove the line"
            )
        sample = {"path": str(path), "manifest": self.source, "line": number, "place": f"line {number}", "text": text}
        if self.speakers:
            sample["speaker"] = fields[3].strip()
            if sample["speaker"] not in self.speakers:
                known = f"the speakers are {', '.join(self.speakers)}"
                return self.error("D109", f"there is no speaker '{sample['speaker'][:40]}'", number, fix=known)
        return sample

    def error(self, code, message, number, value="", fix=""):
        """Records that a line cannot be used."""
        self.problems.error(code, message, f"line {number}", value[:60], fix, image=number)


def choose_part(samples, part, held_out):
    """The samples of a part (list), in their order; which are held out depends on their number alone.

    Raises:
        ConfigError: nothing is left to train on.
    """
    if part == "all":
        return samples
    if held_out >= len(samples):
        raise ConfigError(f"held_out is {held_out}, but there are {len(samples)} recordings")
    chosen = set(random_for(SEED).permutation(len(samples))[:held_out].tolist())
    return [sample for number, sample in enumerate(samples) if (number in chosen) == (part == "held_out")]
