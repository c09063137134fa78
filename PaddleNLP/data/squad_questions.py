"""Questions on texts in the format of SQuAD (https://arxiv.org/abs/1606.05250, https://arxiv.org/abs/1806.03822), which
CMRC 2018 and DRCD share."""

import json

from common.data.text_files import read_lines
from common.errors import DataError, DataIssue

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
        lacking = [
            key
            for key in ("question", "id")
            if not isinstance(question.get(key, question.get(f"query_{key}")), str | int)
        ]
        if lacking and "query_text" not in question:
            self.problems.error("D113", f"a question has no {', '.join(lacking)}", place, image=place)
            return
        text = str(question.get("question", question.get("query_text", "")))
        answers = [
            {"text": a, "answer_start": context.find(a)} if isinstance(a, str) else a
            for a in question.get("answers", [])
        ]
        if question.get("is_impossible"):
            answers = []
        if not text.strip() or not context.strip():
            self.problems.error("D126", "question or text is empty", place, image=place)
            return
        start, end = self.locate(place, context, answers)
        texts = [str(a["text"]) for a in answers]
        sample = {"question": text, "context": context, "answers": texts, "answer_start": start, "answer_end": end}
        sample |= {"qid": str(question.get("id", question.get("query_id"))), "path": self.source, "place": place}
        self.samples.append(sample)

    def locate(self, place, context, answers):
        """(start, end) of the first answer in the text; one that stands elsewhere than it says is found there."""
        for answer in answers:
            text, start = str(answer.get("text", "")), int(answer.get("answer_start", -1))
            if text and context[start : start + len(text)] == text and start >= 0:
                return start, start + len(text)
            found = context.find(text) if text else -1
            if found >= 0:
                self.problems.warn(
                    "D129", "an answer begins elsewhere than answer_start says; it is taken from there", place
                )
                return found, found + len(text)
        if answers:
            self.problems.warn(
                "D129", "an answer is not in its text; the question counts as one without", place, answers[0]
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


def paragraphs(tree, source):
    """(place, text, questions) of each text of a parsed file.

    Raises:
        DataError: the file is of no such format.
    """
    articles = tree.get("data") if isinstance(tree, dict) else tree
    if not isinstance(articles, list):
        raise DataError(str(DataIssue("D113", "error", source, "has no list 'data' of articles: not SQuAD's format")))
    for i, article in enumerate(articles):
        if "context_text" in article:
            yield f"[{i}]", article["context_text"], article.get("qas", [])
            continue
        for j, paragraph in enumerate(article.get("paragraphs", [])):
            if not isinstance(paragraph.get("context"), str):
                issue = DataIssue("D113", "error", source, "a paragraph has no 'context'", f"data[{i}].paragraphs[{j}]")
                raise DataError(str(issue))
            yield f"data[{i}].paragraphs[{j}]", paragraph["context"], paragraph.get("qas", [])
