"""The questions of the MRQA 2019 shared task (Fisch et al. 2019, https://arxiv.org/abs/1910.09753)."""

from common.errors import DataError, DataIssue
from common.files import parse_json, read_packed_lines

from .squad_questions import SquadQuestions, lookup


class MrqaQuestions(SquadQuestions):
    """Lines of JSON (`.jsonl`, or `.jsonl.gz`), each with a context and its questions. Headers are left out,
    so that files that were put one behind the other are read, packed ones too.

    A sample is one of SquadQuestions. Where a question has `detected_answers`, the first of these is the span to learn.

    Args:
        root (str): the folder.
        file (str): the file in it.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few questions with errors.
    """

    def paragraphs(self, encoding):
        """(place, context, questions) of each line."""
        for number, line in enumerate(read_packed_lines(self.source, encoding), 1):
            place = f"line {number}"
            try:
                row = parse_json(line)
            except ValueError as error:
                raise DataError(str(DataIssue("D112", "error", self.source, f"not JSON: {error}", place))) from None
            if isinstance(row, dict) and "header" in row:
                continue
            context = lookup(self.source, "MRQA's", row, "context", str, place)
            questions = lookup(self.source, "MRQA's", row, "qas", list, place)
            yield place, context, [question_of_line(question) for question in questions]


def question_of_line(row):
    """A question of a line as one of SQuAD; what is no question is left for the reader to refuse."""
    if not isinstance(row, dict):
        return row
    found = {"question": row["question"]} if "question" in row else {}
    answers, detected = row.get("answers", []), row.get("detected_answers", [])
    try:
        spans = [{"text": one["text"], "answer_start": first} for one in detected for first, _ in one["char_spans"]]
    except (KeyError, TypeError, ValueError):
        spans = [None]  # refused as an invalid answer
    return found | {"id": row.get("qid"), "answers": spans + answers if isinstance(answers, list) else answers}
