"""The answer to a question as a part of the text, chosen among the scores of all windows."""

import json

import numpy as np

from common.errors import DataError

INPUT, THRESHOLD = "text", 0.5


def read_line(line):
    """The sample of one line of input: `question<tab>text`, or an object with `question` and `context`."""
    if line.lstrip().startswith("{"):
        try:
            row = json.loads(line)
            return {"question": str(row["question"]), "context": str(row["context"])}
        except (ValueError, KeyError, TypeError):
            raise DataError('a line of JSON has the keys "question" and "context"') from None
    question, tab, context = line.partition("\t")
    if not tab or not context.strip():
        raise DataError("a line is a question, a tab, and the text that may answer it")
    return {"question": question, "context": context}


def made_up():
    """A question for models whose data are not here."""
    return {"path": "made-up", "question": "what jumps?", "context": "the quick brown fox 敏捷的棕色狐狸"}


def records(outputs, labels, threshold=THRESHOLD, samples=()):
    """The best answers to each question, best first; the first one may be empty: there is none.

    Args:
        outputs (dict[str, ndarray]): `start_scores`, `end_scores` float32 [N, W, T].
        labels (list[str] | None): not used.
        threshold (float): not used.
        samples (list[dict]): as the transforms left them: `context`, `places`, `choice`.

    Returns:
        list[list[dict]]: for each question up to `n_best` of `text`, `start`, `end`, `score` (the sum of both scores).
    """
    pairs = zip(np.asarray(outputs["start_scores"]), np.asarray(outputs["end_scores"]), samples)
    return [
        answers(start, end, sample["context"], sample["places"], **sample["choice"]) for start, end, sample in pairs
    ]


def answers(start, end, context, places, max_answer=30, n_best=20, null_threshold=None):
    """The best answers of one question.

    Args:
        start (ndarray): [W, T], that an answer begins at this piece.
        end (ndarray): [W, T], that it ends there.
        context (str): the text.
        places (list): for each window, (start, end) in the text of each piece, None outside it.
        max_answer (int): pieces of an answer at most.
        n_best (int): beginnings and ends that are tried, and answers that are given.
        null_threshold (float): see `common.text.windows.QuestionWindows`.
    """
    found, null = {}, np.inf
    for first, last, spots in zip(start, end, places):
        null = min(null, float(first[0] + last[0]))
        allowed = [k for k, spot in enumerate(spots) if spot is not None]
        begins = sorted(allowed, key=lambda k: -first[k])[:n_best]
        ends = sorted(allowed, key=lambda k: -last[k])[:n_best]
        for a in begins:
            for b in ends:
                if a <= b < a + max_answer:
                    span = (spots[a][0], spots[b][1])
                    found[span] = max(found.get(span, -np.inf), float(first[a] + last[b]))
    best = sorted(found.items(), key=lambda item: -item[1])[:n_best]
    rows = [{"text": context[a:b], "start": a, "end": b, "score": round(score, 4)} for (a, b), score in best]
    if not rows or (null_threshold is not None and null - rows[0]["score"] > null_threshold):
        rows.insert(0, {"text": "", "start": 0, "end": 0, "score": round(null, 4)})
    return rows


def line(sample, records):
    """The best answer and its score, with a tab between; an empty line for an empty one."""
    return f"{records[0]['text']}\t{records[0]['score']:.4f}" if records else ""
