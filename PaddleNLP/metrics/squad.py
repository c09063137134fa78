"""Exact match (EM) and F1 of extractive question answering, as defined by SQuAD (https://arxiv.org/abs/1606.05250,
section 6) and CMRC 2018 (https://arxiv.org/abs/1810.07366, section 4)."""

import re
import string
from collections import Counter

import numpy as np

from common.inference.task import samples_of

# ruff: noqa: RUF001
CHINESE_PUNCTUATION = "-:_*^/\\~`+=，。：？！“”；’《》……·、「」（）－～『』"
ARTICLES = re.compile(r"\b(a|an|the)\b")
HAN = re.compile(r"[\u4e00-\u9fa5]")


class AnswerF1:
    """EM and F1 in percent: the maximum over the reference answers of a question, averaged over the questions.

    Args:
        task (Task): ReadingComprehension, which chooses the answers.
        style (str): squad, or cmrc for Chinese (characters, and the longest common substring).
    """

    primary = "F1"

    def __init__(self, task, style="squad"):
        if style not in ("squad", "cmrc"):
            raise ValueError(f"style is {style!r}; it is squad or cmrc")
        self.task = task
        self.exact, self.overlap = (squad_exact, squad_f1) if style == "squad" else (cmrc_exact, cmrc_f1)
        self.reset()

    def reset(self):
        """Resets the sums."""
        self.sums = np.zeros(3)  # questions, EM, F1

    def update(self, outputs, batch):
        """Adds the predictions of a batch of windows; the batch has `context`, `places` and `answers`."""
        for found, answers in zip(self.task.records(outputs, samples_of(batch), None, 0.0), batch["answers"]):
            text, answers = found[0]["text"], answers or [""]
            self.sums += (1, max(self.exact(text, a) for a in answers), max(self.overlap(text, a) for a in answers))

    def state(self):
        """The sums of this process (dict of arrays)."""
        return {"sums": self.sums}

    def merge(self, states):
        """Replaces the sums by those over all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)

    def compute(self):
        """`F1` and `EM`, in percent."""
        count = max(1.0, self.sums[0])
        return {"F1": float(100 * self.sums[2] / count), "EM": float(100 * self.sums[1] / count)}


def squad_words(text):
    """The words of an answer in lower case, without punctuation and articles (list of str)."""
    plain = "".join(c for c in text.lower() if c not in string.punctuation)
    return ARTICLES.sub(" ", plain).split()


def squad_exact(predicted, answer):
    """1 if both have the same words, else 0."""
    return float(squad_words(predicted) == squad_words(answer))


def squad_f1(predicted, answer):
    """F1 of the bags of words; if one is empty, 1 if both are, else 0."""
    predicted, answer = squad_words(predicted), squad_words(answer)
    if not predicted or not answer:
        return float(predicted == answer)
    common = sum((Counter(predicted) & Counter(answer)).values())
    return 2 * common / (len(predicted) + len(answer)) if common else 0.0


def cmrc_tokens(text):
    """Chinese characters one by one, other words whole, without punctuation, in lower case (list of str)."""
    tokens, word = [], ""
    for character in text.lower().strip():
        mark = character in CHINESE_PUNCTUATION or character in string.punctuation
        if HAN.match(character) or mark or character.isspace():
            tokens += [word] if word else []
            word = ""
            tokens += [character] if HAN.match(character) else []
        else:
            word += character
    return [*tokens, word] if word else tokens


def cmrc_exact(predicted, answer):
    """1 if both are equal without punctuation, else 0."""

    def plain(text):
        return "".join(c for c in text.lower().strip() if c not in CHINESE_PUNCTUATION)

    return float(plain(predicted) == plain(answer))


def cmrc_f1(predicted, answer):
    """F1 of the longest common substring: 2 common / (length + length)."""
    predicted, answer = cmrc_tokens(predicted), cmrc_tokens(answer)
    common = longest_common(predicted, answer)
    return 2 * common / (len(predicted) + len(answer)) if common else 0.0


def longest_common(a, b):
    """The length of the longest common contiguous run of tokens."""
    best, before = 0, [0] * (len(b) + 1)
    for x in a:
        row = [0] * (len(b) + 1)
        for k, y in enumerate(b):
            if x == y:
                row[k + 1] = before[k] + 1
                best = max(best, row[k + 1])
        before = row
    return best
