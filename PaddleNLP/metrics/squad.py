"""Exact match and F1 of answers, by the official definitions of SQuAD (https://arxiv.org/abs/1606.05250, section 6) and
of CMRC 2018 (https://arxiv.org/abs/1810.07366, section 4)."""

import re
import string
from collections import Counter

import numpy as np

from common.inference.task import samples_of

# ruff: noqa: RUF001
CHINESE_MARKS = "-:_*^/\\~`+=，。：？！“”；’《》……·、「」（）－～『』"
ARTICLES = re.compile(r"\b(a|an|the)\b")
HAN = re.compile(r"[\u4e00-\u9fa5]")


class AnswerF1:
    """EM and F1, each the best over the right answers of a question, the mean over the questions, times 100.

    Args:
        task (Task): ReadingComprehension, which chooses the answers.
        style (str): squad, or cmrc for Chinese (characters, and the longest common part).
    """

    primary = "F1"

    def __init__(self, task, style="squad"):
        if style not in ("squad", "cmrc"):
            raise ValueError(f"style is {style!r}; it is squad or cmrc")
        self.task = task
        self.exact, self.overlap = (squad_exact, squad_f1) if style == "squad" else (cmrc_exact, cmrc_f1)
        self.reset()

    def reset(self):
        """Forgets everything."""
        self.sums = np.zeros(3)  # questions, EM, F1

    def update(self, outputs, batch):
        """Takes the scores of a batch's windows; the batch has `context`, `places` and `answers`."""
        for found, right in zip(self.task.records(outputs, samples_of(batch), None, 0.0), batch["answers"]):
            text, right = found[0]["text"], right or [""]
            self.sums += (1, max(self.exact(text, r) for r in right), max(self.overlap(text, r) for r in right))

    def state(self):
        """What this process has seen, as arrays."""
        return {"sums": self.sums}

    def merge(self, states):
        """Becomes the union of what several processes have seen."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)

    def compute(self):
        """`F1` and `EM`, in percent."""
        count = max(1.0, self.sums[0])
        return {"F1": float(100 * self.sums[2] / count), "EM": float(100 * self.sums[1] / count)}


def squad_words(text):
    """The words of an answer in lower case, without punctuation and articles (list of str)."""
    plain = "".join(c for c in text.lower() if c not in string.punctuation)
    return ARTICLES.sub(" ", plain).split()


def squad_exact(found, right):
    """Whether both have the same words."""
    return float(squad_words(found) == squad_words(right))


def squad_f1(found, right):
    """F1 of the bags of words; where one is empty, whether both are."""
    found, right = squad_words(found), squad_words(right)
    if not found or not right:
        return float(found == right)
    both = sum((Counter(found) & Counter(right)).values())
    return 2 * both / (len(found) + len(right)) if both else 0.0


def cmrc_tokens(text):
    """Chinese characters one by one, other words whole, without punctuation, in lower case (list of str)."""
    tokens, word = [], ""
    for character in text.lower().strip():
        mark = character in CHINESE_MARKS or character in string.punctuation
        if HAN.match(character) or mark or character.isspace():
            tokens += [word] if word else []
            word = ""
            tokens += [character] if HAN.match(character) else []
        else:
            word += character
    return [*tokens, word] if word else tokens


def cmrc_exact(found, right):
    """Whether both are the same without punctuation."""

    def plain(text):
        return "".join(c for c in text.lower().strip() if c not in CHINESE_MARKS)

    return float(plain(found) == plain(right))


def cmrc_f1(found, right):
    """F1 by the longest common part: 2 common / (length + length)."""
    found, right = cmrc_tokens(found), cmrc_tokens(right)
    common = longest_common(found, right)
    return 2 * common / (len(found) + len(right)) if common else 0.0


def longest_common(a, b):
    """The length of the longest run of tokens that is in both lists."""
    best, before = 0, [0] * (len(b) + 1)
    for x in a:
        row = [0] * (len(b) + 1)
        for k, y in enumerate(b):
            if x == y:
                row[k + 1] = before[k] + 1
                best = max(best, row[k + 1])
        before = row
    return best
