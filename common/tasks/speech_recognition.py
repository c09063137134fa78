"""What is said in a recording, as text."""

import numpy as np

from common.data.speech_labels import written
from common.data.transform import random_for

INPUT, THRESHOLD = "sound", 0.0


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
            `score` float32 [N].
        labels (list[str]): the blank and the characters, in the order of their numbers.
        threshold (float): recordings that score less get no record.

    Returns:
        list[list[dict]]: for each recording `text` and `score`.
    """
    rows, scores = np.asarray(outputs["ids"]).tolist(), np.asarray(outputs["score"], np.float64).reshape(-1).tolist()
    return [
        [{"text": written(row, labels), "score": round(score, 4)}] if score >= threshold else []
        for row, score in zip(rows, scores, strict=True)
    ]


def line(sample, records):
    """The name of the recording, a tab, and its text."""
    return f"{sample['name']}\t{records[0]['text'] if records else ''}"
