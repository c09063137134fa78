"""Dataset of events in videos with a sentence each: annotations in the form of ActivityNet Captions, and features."""

import os

import numpy as np

from common.data.issues import IssueList, settle
from common.data.refusals import bad_file
from common.errors import BadSample
from common.log import counted, logger
from common.vision.feature_files import read_features

from .activity_net import paths_of, read_database

FIX = '{"NAME": {"duration": 12.5, "timestamps": [[0, 4.2]], "sentences": ["..."]}}'


class VideoCaptions:
    """The events of a JSON file `{NAME: {"duration", "timestamps": [[start, end]], "sentences": [...]}}`.

    Times are in seconds. The features of a video are in `<features>/<NAME>.npz` or `.safetensors`, the vectors of its
    sentences, where they were written by another program, as `vectors` [sentences, S] in such a file of `<vectors>`.

    Args:
        root (str): the folder that the other paths are relative to.
        annotations (str): the JSON file.
        features (str): the folder of the feature files.
        vectors (str | None): the folder of the vectors of sentences.
        lowercase (bool): converts sentences to lowercase, without full stops and commas.
        bad_samples (str): `error`, or `skip` to leave out a few events with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "event"
    padding = {"features": 0.0, "target_ids": 1, "clips": 0.0, "spans": None}
    labels = ()
    num_classes = 0

    def __init__(
        self,
        root,
        annotations="train.json",
        features="features",
        vectors=None,
        lowercase=True,
        bad_samples="error",
    ):
        self.source, self.lowercase = os.path.normpath(os.path.join(root, annotations)), lowercase
        issues, events = IssueList(self.source), []
        for name, about in read_database(self.source, issues).items():
            files = [existing(root, folder, name) for folder in (features, vectors) if folder]
            events += self.read_video(name, about, files, issues, len(events))
        self.issues = settle(issues, bad_samples, len(events))
        stay = np.setdiff1d(np.arange(len(events)), issues.of_images)
        self.events = [events[number] for number in stay]
        videos = len({event["path"] for event in self.events})
        logger.info("%s: %s, %s", self.source, counted(videos, "video"), counted(len(self.events), "event"))

    def read_video(self, name, about, files, issues, first):
        """The events of a video (list[dict]); errors (D104, D113, D126) are recorded under their numbers."""
        duration, times, sentences = (about.get(key) for key in ("duration", "timestamps", "sentences"))
        if not is_number(duration) or not duration > 0:
            issues.error("D113", "'duration' is missing, or is no number of seconds", name, duration, fix=FIX)
            return []
        lists = isinstance(times, list) and isinstance(sentences, list)
        if not lists or len(times) != len(sentences):
            found = f"{len(times)} and {len(sentences)}" if lists else "missing"
            issues.error("D113", "needs as many 'timestamps' as 'sentences'", name, found, FIX)
            return []
        found = []
        for number, (segment, sentence) in enumerate(zip(times, sentences)):
            where = f"{name}: event {number + 1}"
            for path in (path for path in files if not os.path.exists(path)):
                issues.error("D104", "has no file of features", where, path, image=first + number)
            if not is_segment(segment, duration):
                said = f"{segment} of {duration:g} s"
                issues.error("D113", "the segment is not within the video", where, said, image=first + number)
                segment = [0, duration]
            if not isinstance(sentence, str) or not self.clean(sentence):
                issues.error("D126", "the sentence is empty, or no text", where, sentence, image=first + number)
                sentence = ""
            event = {"path": files[0], "place": where, "number": number, "duration": float(duration)}
            event |= {"vectors": files[1]} if len(files) > 1 else {}
            shares = np.clip(np.array(segment, np.float64) / duration, 0, 1)
            found.append(event | {"segment": shares, "target": self.clean(sentence)})
        return found

    def clean(self, sentence):
        """A sentence as words with blanks between."""
        return clean_sentence(sentence) if self.lowercase else " ".join(sentence.split())

    def __len__(self):
        return len(self.events)

    def __getitem__(self, index):
        """One event: `path`, `duration`, `segment` float64 [2] (shares), its sentence as `target` and `sentence`."""
        event = dict(self.events[index])
        number, path = event.pop("number"), event.pop("vectors", None)
        if path is not None:
            event["sentence_vector"] = read_vector(path, number)
        return event | {"segment": event["segment"].copy(), "sentence": event["target"]}

    def paths(self):
        """The files of features, in the order of the dataset."""
        return [event["path"] for event in self.events]

    def check(self, deep=False, cache=None):
        """The issues of the annotations and of the files of features and of vectors (list[DataIssue])."""
        issues, read = IssueList(self.source), set()
        for event in self.events:
            try:
                if event["path"] not in read:
                    read_features(event["path"], event["path"])
                if "vectors" in event:
                    read_vector(event["vectors"], event["number"])
            except BadSample as error:
                issues.error(error.issue.code, error.issue.message, event["place"], error.issue.file, error.issue.fix)
            read.add(event["path"])
        return sorted(self.issues + issues.all(), key=lambda issue: issue.severity != "error")


def read_sentences(path):
    """The sentences of a file of annotations (list[str])."""
    videos = read_database(path, IssueList(path)).values()
    lists = [about.get("sentences") for about in videos]
    return [text for found in lists if isinstance(found, list) for text in found if isinstance(text, str)]


def clean_sentence(sentence):
    """A sentence in lowercase, without full stops and commas, as words with blanks between."""
    return " ".join(sentence.lower().replace(".", " ").replace(",", " ").split())


def existing(root, folder, name):
    """The path of a video's file in a folder: the one that exists, or else the usual one."""
    paths = paths_of(root, folder, name)
    return next((path for path in paths if os.path.exists(path)), paths[0])


def is_number(value):
    """True for a finite number that is no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def is_segment(segment, duration):
    """True for a pair of times (start, end) within a video, but for a second of rounding."""
    pair = isinstance(segment, list) and len(segment) == 2 and all(is_number(value) for value in segment)
    return pair and 0 <= segment[0] < segment[1] <= duration * 1.01 + 1 and segment[0] < duration


def read_vector(path, number):
    """The vector of sentence `number` of a file of `vectors` [sentences, S]; raises BadSample."""
    vectors = read_features(path, path).get("vectors")
    if vectors is None or vectors.ndim != 2 or len(vectors) <= number:
        found = "none" if vectors is None else list(vectors.shape)
        raise bad_file("D113", path, f"'vectors' is {found}; sentence {number + 1} needs [{number + 1} or more, S]")
    return vectors[number]
