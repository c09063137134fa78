"""Extractive question answering in the format of SQuAD (https://arxiv.org/abs/1606.05250,
https://arxiv.org/abs/1806.03822), which CMRC 2018 and DRCD share."""

from common.errors import DataError, DataIssue
from common.files import has_lone_surrogate, parse_json, read_lines

from .text_dataset import TextDataset


class SquadQuestions(TextDataset):
    """A JSON file of articles, paragraphs and questions; CMRC's flat form (`context_id`, `context_text`) is read, too.

    A sample has `question`, `context`, `answers` (a list of strings, empty for an unanswerable question),
    `answer_start` and `answer_end` (character offsets in the context; -1 without an answer) and `qid`.

    Args:
        root (str): the folder.
        file (str): the file in it.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few questions with errors.
    """

    labels = None

    def __init__(self, root, file, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, None, bad_samples)
        self.seen = set()
        for place, context, questions in self.paragraphs(encoding):
            for number, question in enumerate(questions):
                self.add(f"{place}.qas[{number}]", context, question)
        if not self.samples and not self.problems.errors:
            self.problems.error("D117", "holds no question", fix="check that this is the right file")
        self.finalize_questions()

    def paragraphs(self, encoding):
        """(place, context, questions) of each paragraph; a reader of another format replaces it."""
        return paragraphs(read_tree(self.source, encoding), self.source)

    @property
    def num_classes(self):
        """None: there are no classes."""
        return None

    def add(self, place, context, question):
        """Adds one question, or records what is wrong with it."""
        try:
            text, number, answers = read_question(question)
        except ValueError as error:
            self.problems.error("D113", str(error), place, image=place)
            return
        if not text.strip() or not context.strip():
            self.problems.error("D126", "the question or its context is empty", place, image=place)
            return
        if has_lone_surrogate(text) or has_lone_surrogate(context):
            self.problems.error("D123", "the text contains an unpaired surrogate", place, image=place)
            return
        impossible = question.get("is_impossible")
        if impossible is True and question.get("answers"):
            self.problems.warn("D129", "is_impossible is true, but there are answers; they are ignored", place)
        if impossible is False and not answers:
            self.problems.warn("D129", "is_impossible is false, but there is no answer", place)
        if number in self.seen:
            self.problems.warn("D115", "an id occurs twice", place, number)
        self.seen.add(number)
        start, end = self.locate(place, context, answers)
        texts = [answer for answer, _ in answers]
        sample = {"question": text, "context": context, "answers": texts, "answer_start": start, "answer_end": end}
        self.samples.append(sample | {"qid": number, "path": self.source, "place": place})

    def locate(self, place, context, answers):
        """(start, end) of the first answer that is in the context, at answer_start or else where it first occurs."""
        for text, start in answers:
            if text and start is not None and start >= 0 and context[start : start + len(text)] == text:
                return start, start + len(text)
            found = context.find(text) if text else -1
            if found >= 0:
                if start is None and context.find(text, found + 1) >= 0:
                    message = "an answer without answer_start occurs several times; the first occurrence is used"
                    self.problems.warn("D129", message, place, text)
                if start is not None:
                    message = "an answer is not at its answer_start; its first occurrence is used"
                    self.problems.warn("D129", message, place)
                return found, found + len(text)
        if answers:
            message = "an answer is not in its context; the question is treated as unanswerable"
            self.problems.warn("D129", message, place, answers[0][0])
        return -1, -1

    def finalize_questions(self):
        """See `finalize`; there are no labels."""
        self.labels = None
        wanted, self.wanted = self.wanted, ["answer"]
        self.finalize([])
        self.wanted, self.labels = wanted, None

    def lengths(self):
        """The characters of question and context together (list[int])."""
        return [len(sample["question"]) + len(sample["context"]) for sample in self.samples]


def read_question(question):
    """(text, id, answers) of a question; an answer is (text, start, or None where the file has no start).

    Raises:
        ValueError: a field is missing or of the wrong type.
    """
    if not isinstance(question, dict):
        raise ValueError("a question is not an object")
    text = question.get("question", question.get("query_text"))
    number = question.get("id", question.get("query_id"))
    lacking = [key for key, value in (("question", text), ("id", number)) if value is None]
    if lacking:
        raise ValueError(f"a question has no {', '.join(lacking)}")
    if not isinstance(text, str):
        raise ValueError("a question is not a string")
    if isinstance(number, bool) or not isinstance(number, str | int) or (isinstance(number, int) and number < 0):
        raise ValueError("an id is a string or a number from 0")
    if question.get("is_impossible") not in (None, True, False) or type(question.get("is_impossible")) in (int, float):
        raise ValueError("is_impossible is true or false")
    answers = [] if question.get("is_impossible") else question.get("answers", [])
    if not isinstance(answers, list):
        raise ValueError("answers is not a list of strings or of objects with text and answer_start")
    return str(text), str(number), [read_answer(answer) for answer in answers]


def read_answer(answer):
    """(text, start) of an answer, a string or an object; raises ValueError for anything else."""
    if isinstance(answer, str):
        return answer, None
    text, start = (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else (None, None)
    if not isinstance(text, str) or not isinstance(start, int | None) or isinstance(start, bool):
        raise ValueError("an answer is a string, or an object with text and answer_start, a number")
    return text, start


def read_tree(path, encoding=None):
    """The value of a JSON file; raises DataError for a file of another format."""
    try:
        return parse_json("\n".join(read_lines(path, encoding)))
    except ValueError as error:
        raise DataError(str(DataIssue("D112", "error", str(path), f"not JSON: {error}"))) from None


def lookup(source, form, node, key, kind, place):
    """The value of a key of an object, of the type `kind` (list, str or dict).

    Args:
        source (str): the file.
        form (str): its format, such as SQuAD's, for the message.
        node (object): what should be an object.
        key (str): the key.
        kind (type): of its value.
        place (str): of the node in the file.

    Raises:
        DataError: the node has no such value; names its place.
    """
    if isinstance(node, dict) and isinstance(node.get(key), kind):
        return node[key]
    what = {list: "list", str: "string", dict: "object"}[kind]
    raise DataError(str(DataIssue("D113", "error", source, f"has no {what} '{key}': not {form} format", place)))


def paragraphs(tree, source):
    """(place, context, questions) of each paragraph of a parsed file.

    Raises:
        DataError: the file is not in this format.
    """

    def look(*rest):
        return lookup(source, "SQuAD's", *rest)

    articles = tree if isinstance(tree, list) else look(tree, "data", list, "")
    for i, article in enumerate(articles):
        if isinstance(article, dict) and "context_text" in article:
            place = f"[{i}]"
            yield place, look(article, "context_text", str, place), look(article, "qas", list, place)
            continue
        for j, paragraph in enumerate(look(article, "paragraphs", list, f"data[{i}]")):
            place = f"data[{i}].paragraphs[{j}]"
            yield place, look(paragraph, "context", str, place), look(paragraph, "qas", list, place)
