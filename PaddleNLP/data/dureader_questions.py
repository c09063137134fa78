"""DuReader (https://arxiv.org/abs/1711.05073): questions, each with the documents found for it, in JSON lines."""

from collections import Counter

from common.files import has_lone_surrogate, parse_json, read_lines

from .text_dataset import TextDataset


class DuReaderQuestions(TextDataset):
    """Lines of DuReader's preprocessed format: `segmented_question`, `documents` with `segmented_paragraphs`, and
    `segmented_answers` of the questions that people have answered.

    Of each document one paragraph is read, the one with the highest recall of the answers' words (in training,
    `select: answer`) or of the question's; among equals the shorter one. A sample has `question` and `context`, words
    with blanks between, `paragraphs` (where each paragraph is in the context), `answers`, `answer_start`, `answer_end`
    (the span of the context with the highest F1 of an answer's words; -1 without an answer) and `qid`.

    Args:
        root (str): the folder.
        file (str): the file in it.
        select (str): answer or question, by whose words paragraphs are chosen.
        documents (int): the first documents that are read.
        least (float): F1 of a span that an answer is trained on.
        max_answer (int): words of a span at most.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few questions with errors.
    """

    def __init__(
        self, root, file, select="question", documents=5, least=0.3, max_answer=200, encoding="utf-8",
        bad_samples="error",
    ):  # fmt: skip
        super().__init__(root, file, None, bad_samples)
        if select not in ("answer", "question") or documents < 1:
            raise ValueError(f"select is {select!r}, documents {documents}; answer or question, and 1 or more")
        self.select, self.documents, self.least, self.max_answer = select, documents, least, max_answer
        for number, line in enumerate(read_lines(self.source, encoding), 1):
            try:
                row = parse_json(line)
                parts = question_of(row)
            except ValueError as error:
                self.error("D113", str(error), number, line[:60])
                continue
            if has_lone_surrogate(line):
                self.error("D123", "the text contains an unpaired surrogate", number)
                continue
            self.samples.append(self.sample(*parts, str(row.get("question_id", number)), number))
        self.wanted = ["answer"]
        self.finalize([])
        self.labels = None

    @property
    def num_classes(self):
        """None: there are no classes."""
        return None

    def sample(self, question, documents, answers, qid, number):
        """One sample of lists of words."""
        wanted = answers if self.select == "answer" and answers else [question]
        chosen = [best_paragraph(paragraphs, wanted) for paragraphs in documents[: self.documents]]
        paragraphs, place, words = [], 0, []
        for found in chosen:
            size = len(" ".join(found))
            paragraphs.append((place, place + size))
            words.append(" ".join(found))
            place += size + 1
        context = " ".join(words)
        start, end = self.span(chosen, paragraphs, answers) if answers else (-1, -1)
        texts = ["".join(answer) for answer in answers]
        return {
            "question": " ".join(question), "context": context, "paragraphs": paragraphs, "answers": texts, "qid": qid,
            "answer_start": start, "answer_end": end, "path": self.source, "place": f"line {number}",
        }  # fmt: skip

    def span(self, chosen, paragraphs, answers):
        """The characters (start, end) of the context that are most like an answer; (-1, -1) where nothing is."""
        best = (self.least, -1, -1)
        for words, (first, _) in zip(chosen, paragraphs, strict=True):
            begins = [first]
            for word in words:
                begins.append(begins[-1] + len(word) + 1)
            for answer in answers:
                f1, a, b = best_span(words, answer, self.max_answer)
                if f1 > best[0]:
                    best = (f1, begins[a], begins[b] - 1)
        return best[1:]

    def lengths(self):
        """The characters of question and context together (list[int])."""
        return [len(sample["question"]) + len(sample["context"]) for sample in self.samples]


def question_of(row):
    """(question, documents, answers), lists of words, of a line; raises ValueError for anything else."""

    def words(value, name):
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise ValueError(f"{name} is not a list of words")
        return [word for word in (part.strip() for part in value) if word]

    if not isinstance(row, dict):
        raise ValueError("a question is not an object")
    question = words(row.get("segmented_question"), "segmented_question")
    documents = row.get("documents")
    if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
        raise ValueError("documents is not a list of objects")
    found = []
    for document in documents:
        paragraphs = document.get("segmented_paragraphs")
        if not isinstance(paragraphs, list):
            raise ValueError("a document has no list of segmented_paragraphs")
        found.append([part for part in (words(one, "a paragraph") for one in paragraphs) if part])
    found = [paragraphs for paragraphs in found if paragraphs]
    answers = row.get("segmented_answers", [])
    if not isinstance(answers, list):
        raise ValueError("segmented_answers is not a list")
    if not question or not found:
        raise ValueError("the question is empty" if found else "no document has a paragraph with words")
    return question, found, [answer for answer in (words(one, "an answer") for one in answers) if answer]


def recall(found, wanted):
    """The share of the words of `wanted` that are in `found` (lists of words)."""
    return sum((Counter(found) & Counter(wanted)).values()) / len(wanted)


def best_paragraph(paragraphs, wanted):
    """The paragraph with the highest recall of one of several lists of words; among equals the shortest."""
    return max(paragraphs, key=lambda words: (max(recall(words, one) for one in wanted), -len(words)))


def best_span(words, answer, most):
    """(F1, start, end) of the words of a paragraph that share most with an answer, begin and end with one of its words,
    and are `most` at most; F1 is 0 where none is shared."""
    known, best = Counter(answer), (0.0, 0, 0)
    places = [k for k, word in enumerate(words) if word in known]
    for number, first in enumerate(places):
        shared, left = 0, Counter(known)
        for last in places[number:]:
            size = last + 1 - first
            if size > most or 2 * len(answer) / (size + len(answer)) <= best[0]:
                break
            if left[words[last]] > 0:
                left[words[last]] -= 1
                shared += 1
            f1 = 2 * shared / (size + len(answer))
            if f1 > best[0]:
                best = (f1, first, last + 1)
    return best
