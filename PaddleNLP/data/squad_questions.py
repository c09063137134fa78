"""Questions on texts in the format of SQuAD (https://arxiv.org/abs/1606.05250, https://arxiv.org/abs/1806.03822), which
CMRC 2018 and DRCD share."""

import json

from common.errors import DataError, DataIssue
from common.files import has_lone_surrogate, read_lines

from .text_dataset import TextDataset


class SquadQuestions(TextDataset):
    """A json file of articles, paragraphs and questions; CMRC's flat form (`context_id`, `context_text`) is read, too.

    A sample has `question`, `context`, `answers` (a list of texts, empty where there is none), `answer_start` and
    `answer_end` (characters of the context; -1 without an answer) and `qid`.

    Args:
        root (str): the folder.
        file (str): the file in it.
        encoding (str): of the file.
        bad_samples (str): `error`, or `skip` questions with an error, a few.
    """

    labels = None

    def __init__(self, root, file, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, None, bad_samples)
        try:
            tree = json.loads("\n".join(read_lines(self.source, encoding)))
        except ValueError as error:
            raise DataError(str(DataIssue("D112", "error", self.source, f"not JSON: {error}"))) from None
        for place, context, questions in paragraphs(tree, self.source):
            for number, question in enumerate(questions):
                self.add(f"{place}.qas[{number}]", context, question)
        if not self.samples and not self.problems.errors:
            self.problems.error("D117", "holds no question", fix="check that this is the right file")
        self.finish()

    @property
    def num_classes(self):
        """There are no classes."""
        return None

    def add(self, place, context, question):
        """Keeps one question, or notes what is wrong with it."""
        try:
            text, number, answers = read_question(question)
        except ValueError as error:
            self.problems.error("D113", str(error), place, image=place)
            return
        if not text.strip() or not context.strip():
            self.problems.error("D126", "question or text is empty", place, image=place)
            return
        if has_lone_surrogate(text) or has_lone_surrogate(context):
            self.problems.error("D123", "half of a surrogate pair is no text", place, image=place)
            return
        start, end = self.locate(place, context, answers)
        texts = [answer for answer, _ in answers]
        sample = {"question": text, "context": context, "answers": texts, "answer_start": start, "answer_end": end}
        self.samples.append(sample | {"qid": number, "path": self.source, "place": place})

    def locate(self, place, context, answers):
        """(start, end) of the first answer in the text; one that stands elsewhere than it says is found there."""
        for text, start in answers:
            if text and start is not None and start >= 0 and context[start : start + len(text)] == text:
                return start, start + len(text)
            found = context.find(text) if text else -1
            if found >= 0:
                if start is not None:
                    self.problems.warn(
                        "D129", "an answer begins elsewhere than answer_start says; it is taken from there", place
                    )
                return found, found + len(text)
        if answers:
            self.problems.warn(
                "D129", "an answer is not in its text; the question counts as one without", place, answers[0][0]
            )
        return -1, -1

    def finish(self):
        """Refuses what was noted."""
        self.labels = None
        wanted, self.wanted = self.wanted, ["answer"]
        self.settle([])
        self.wanted, self.labels = wanted, None

    def lengths(self):
        """Characters of question and text together (list[int])."""
        return [len(sample["question"]) + len(sample["context"]) for sample in self.samples]


def read_question(question):
    """(text, id, answers) of a question; an answer is (text, where it begins, None where that is not said).

    Raises:
        ValueError: with what it lacks.
    """
    if not isinstance(question, dict):
        raise ValueError("a question is no object")
    text = question.get("question", question.get("query_text"))
    number = question.get("id", question.get("query_id"))
    lacking = [key for key, value in (("question", text), ("id", number)) if not isinstance(value, str | int)]
    if lacking:
        raise ValueError(f"a question has no {', '.join(lacking)}")
    answers = [] if question.get("is_impossible") else question.get("answers", [])
    if not isinstance(answers, list):
        raise ValueError("answers is no list of texts, or of objects with text and answer_start")
    return str(text), str(number), [read_answer(answer) for answer in answers]


def read_answer(answer):
    """(text, start) of an answer, a text or an object; raises ValueError for anything else."""
    if isinstance(answer, str):
        return answer, None
    text, start = (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else (None, None)
    if not isinstance(text, str) or not isinstance(start, int | None):
        raise ValueError("an answer is a text, or an object with text and answer_start, a number")
    return text, start


def paragraphs(tree, source):
    """(place, text, questions) of each text of a parsed file.

    Raises:
        DataError: the file is of no such format.
    """

    def held(node, key, kind, place):
        if isinstance(node, dict) and isinstance(node.get(key), kind):
            return node[key]
        what = {list: "list", str: "text"}[kind]
        raise DataError(str(DataIssue("D113", "error", source, f"has no {what} '{key}': not SQuAD's format", place)))

    articles = tree if isinstance(tree, list) else held(tree, "data", list, "")
    for i, article in enumerate(articles):
        if isinstance(article, dict) and "context_text" in article:
            place = f"[{i}]"
            yield place, held(article, "context_text", str, place), held(article, "qas", list, place)
            continue
        for j, paragraph in enumerate(held(article, "paragraphs", list, f"data[{i}]")):
            place = f"data[{i}].paragraphs[{j}]"
            yield place, held(paragraph, "context", str, place), held(paragraph, "qas", list, place)
