"""What is said in a recording, as text."""

import functools

import numpy as np

from common.audio.ctc_beam_search import CharacterScorer, RunningBeam, WordScorer
from common.audio.labels import spelled, written
from common.audio.language_model import NgramModel
from common.data.transform import random_for

INPUT, THRESHOLD = "sound", 0.0
SCORERS = {"word": WordScorer, "character": CharacterScorer}


def made_up():
    """Two seconds of tones in noise, for models whose data are not here."""
    rate = 16000
    time = np.arange(2 * rate) / rate
    tones = 0.2 * np.sin(2 * np.pi * (300 + 200 * np.floor(4 * time)) * time)
    audio = (tones + 0.01 * random_for(0).standard_normal(2 * rate)).astype(np.float32)
    return {"path": "made-up", "audio": audio, "rate": rate}


def records(outputs, labels, threshold=THRESHOLD, samples=()):
    """The text of each recording.

    Args:
        outputs (dict[str, ndarray]): `ids` int [N, U], the numbers of the characters filled with 0, the blank, and
            `score` float32 [N]; for a beam search `log_probs` float32 [N, T, C] and `length` int [N].
        labels (list[str]): the blank and the characters, in the order of their numbers.
        threshold (float): recordings that score less get no record.
        samples (list[dict]): as the transforms left them; `decoder`, what BeamSearch set, asks for a beam search.

    Returns:
        list[list[dict]]: for each recording `text` and `score`, the geometric mean over the frames of the probability
            of the best path, or of the text that a beam search found.
    """
    rows, scores = np.asarray(outputs["ids"]).tolist(), np.asarray(outputs["score"], np.float64).reshape(-1).tolist()
    how = [sample.get("decoder") for sample in samples] + [None] * len(rows)
    found = []
    for place, (row, score) in enumerate(zip(rows, scores, strict=True)):
        text = written(row, labels)
        if how[place]:
            frames = np.asarray(outputs["log_probs"][place])[: int(outputs["length"][place])]
            text, score = search(frames, labels, how[place])
        found.append([{"text": text, "score": round(score, 4)}] if score >= threshold else [])
    return found


def search(log_probs, labels, settings):
    """(text, score) of log probabilities float [T, C].

    Args:
        log_probs (ndarray): of one recording.
        labels (list[str]): the blank and the characters.
        settings (dict): see `common.audio.decoder.BeamSearch`.
    """
    beam = beam_of(settings, labels)
    beam.feed(log_probs)
    tokens, _, heard = beam.texts()[0]
    return " ".join(written(tokens, labels).split()), float(np.exp(heard / len(log_probs)))


def beam_of(settings, labels):
    """A beam before the first frame; a language model is read once."""
    model = language_model(settings["lm"]) if settings["lm"] else None
    scorer = SCORERS[settings["unit"]](model, [spelled(label) for label in labels], settings["alpha"], settings["beta"])
    return RunningBeam(scorer, *(settings[key] for key in ("beam_size", "cutoff", "most")))


@functools.lru_cache(maxsize=4)
def language_model(path):
    """The model of an ARPA file."""
    return NgramModel(path)


def line(sample, records):
    """The name of the recording, a tab, and its text."""
    return f"{sample['name']}\t{records[0]['text'] if records else ''}"
