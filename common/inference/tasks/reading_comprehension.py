"""Reading comprehension: the answer to a question as a span of a text, chosen among the scores of all windows."""

import numpy as np

from common.errors import DataError
from common.files import parse_json
from common.inference.task import Task


class ReadingComprehension(Task):
    """Extractive reading comprehension: the spans of a text that answer a question best.

    Args:
        max_answer (int): pieces of an answer at most.
        n_best (int): starts and ends of each window that are tried, and answers of a question at most.
        null_threshold (float): there is no answer where the score of none is higher than the best one's by more than
            this; null always answers.
    """

    input = "text"
    columns = {"text": "answer", "score": "score", "start": "start", "end": "end"}

    def __init__(self, max_answer=30, n_best=20, null_threshold=None):
        if max_answer < 1 or n_best < 1:
            raise ValueError(f"max_answer is {max_answer}, n_best {n_best}; allowed: 1 or more")
        self.max_answer, self.n_best, self.null_threshold = max_answer, n_best, null_threshold

    def read_line(self, line):
        """The sample of one line of input: `question<tab>text`, or an object with `question` and `context`."""
        if line.lstrip().startswith("{"):
            try:
                row = parse_json(line)
                question, context = row["question"], row["context"]
            except (ValueError, KeyError, TypeError):
                question = context = None
            if not isinstance(question, str) or not isinstance(context, str):
                raise DataError('a line of JSON has the keys "question" and "context", both strings')
        else:
            question, tab, context = line.partition("\t")
            if not tab:
                raise DataError("a line is a question, a tab, and the text that may answer it")
        if not question.strip() or not context.strip():
            raise DataError(f"the {'text' if question.strip() else 'question'} is empty")
        return {"question": question, "context": context}

    def synthetic(self, inputs):
        """A question and a text of English and Chinese words."""
        sample = super().synthetic(inputs)
        return {"path": sample["path"], "question": "what jumps?", "context": sample["text_a"]}

    def records(self, outputs, samples, labels, threshold):
        """The best answers to each question, the best first; the first one may be empty: no answer.

        Args:
            outputs (dict[str, ndarray]): `start_scores`, `end_scores` float32 [N, W, T].
            samples (list[dict]): as the transforms left them: `context`, `offsets`.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each question up to `n_best` of `text`, `start`, `end`, `score` (the sum of both
                scores).
        """
        pairs = zip(np.asarray(outputs["start_scores"]), np.asarray(outputs["end_scores"]), samples)
        rest = (self.max_answer, self.n_best, self.null_threshold)
        return [answers(start, end, sample["context"], sample["offsets"], *rest) for start, end, sample in pairs]

    def line(self, sample, records):
        """The best answer and its score, with a tab between; an empty line for an empty one."""
        return f"{records[0]['text']}\t{records[0]['score']:.4f}" if records else ""


def answers(start, end, context, offsets, max_answer=30, n_best=20, null_threshold=None):
    """The best answers of one question.

    Args:
        start (ndarray): [W, T], that an answer starts at this piece.
        end (ndarray): [W, T], that it ends there.
        context (str): the text.
        offsets (list): for each window, (start, end) in the text of each piece, None outside it.
        max_answer (int): pieces of an answer at most.
        n_best (int): starts and ends that are tried, and answers that are returned.
        null_threshold (float | None): see :class:`ReadingComprehension`.
    """
    found, null = {}, np.inf
    for first, last, spots in zip(start, end, offsets):
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
