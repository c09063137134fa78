"""Dialogues with facts that are known: a dialogue as one sequence of tokens, and a table of facts.

Reads `text_a`, the dialogue, `text_b`, the facts with a separator between, and in training `target`, and produces
    input_ids       int64 [S], the tokens of the dialogue and the end token; `length`, S
    fact_ids        int64 [F, W], a fact a row, 0 at the padding; `fact_length` int64 [F], 0 for no fact
    target_ids      int64 [U], the tokens of the target and the end token; `target_length`, U
"""

import numpy as np

from common.data.coverage import count
from common.files import parse_json
from common.text.several import PairIds
from common.text.split import warn_truncated

SEPARATOR = " _EOS_ "  # between turns and between facts


class KnowledgeIds(PairIds):
    """Token ids of a dialogue, of the facts that are known, and of the text to write.

    Args:
        vocab (str): the vocabulary file.
        facts (int): the first facts that are read.
        words (int): the first words of each that are read.
        max_length (int): the last tokens of a dialogue that are read, the end token among them; of a target the first
            ones.
        separator (str): between facts.
        end (str): the token that ends a dialogue and a target.
        unit (str): words, separated by whitespace, or characters without the whitespace.
        unknown (str): the unknown token of the vocabulary.
        lowercase (bool): converts texts to lowercase first.
        added (list[str]): additional tokens, appended to those of the file.
    """

    alike = ("unit", "unknown", "lowercase", "added", "separator", "end")

    def __init__(
        self, vocab, facts=32, words=24, max_length=160, separator="_EOS_", end="</s>", unit="words", unknown="<unk>",
        lowercase=False, added=(),
    ):  # fmt: skip
        super().__init__(vocab, unit, unknown, lowercase, max_length, added)
        if min(facts, words) < 1 or max_length < 2 or not separator.strip():
            raise ValueError(
                f"facts is {facts}, words {words}, max_length {max_length}, separator {separator!r}; "
                "the first two are 1 or more, the third 2 or more, the separator a text"
            )
        self.facts, self.words, self.separator = facts, words, separator
        self.end = self.vocabulary.need(end)[0]

    def join(self, sample, parts):
        """Sets the model inputs of a sample; `text_b` is encoded again, fact by fact."""
        most, unknown, said = self.max_length - 1, self.vocabulary.unknown, parts["text_a"]
        if len(said) > most:
            self.warned = self.warned or warn_truncated(sample, len(said), most)
        kept = said[-most:]
        facts = [self.encode(fact) for fact in sample["text_b"].split(self.separator) if fact.strip()]
        read = [ids[: self.words] for ids in facts[: self.facts]]
        sample["input_ids"], sample["length"] = np.array([*kept, self.end], np.int64), len(kept) + 1
        sample["fact_ids"] = np.zeros((self.facts, self.words), np.int64)
        sample["fact_length"] = np.zeros(self.facts, np.int64)
        for row, ids in enumerate(read):
            sample["fact_ids"][row, : len(ids)] = ids
            sample["fact_length"][row] = len(ids)
        tokens = [token for ids in read for token in ids]
        sample["coverage"] = {
            "text_a": count(kept, unknown, len(said) - len(kept)),
            "text_b": count(tokens, unknown, sum(map(len, facts)) - len(tokens)),
        }
        if "target" in sample:
            wanted = self.encode(sample["target"])
            sample["coverage"]["target"] = count(wanted[:most], unknown, max(0, len(wanted) - most))
            sample["target_ids"] = np.array([*wanted[:most], self.end], np.int64)
            sample["target_length"] = len(sample["target_ids"])
        return sample


def session_of(line):
    """(steps of the goal, facts, turns, number of the first turn to answer) of a line.

    Raises:
        ValueError: it is no JSON.
        KeyError: something is missing.
        TypeError: something has another type.
    """
    row = parse_json(line)
    if not isinstance(row, dict):
        raise TypeError
    if "conversation" in row:
        turns, begin = list_of_texts(row["conversation"]), 0
    else:
        turns = [*list_of_texts(row["history"]), *list_of_texts([row["response"]])]
        begin = len(turns) - 1
    goal, facts = ([one_text(" ".join(list_of_texts(part))) for part in row[key]] for key in ("goal", "knowledge"))
    return goal, facts, [one_text(turn) for turn in turns], begin


def list_of_texts(value):
    """The value, a list of strings; raises TypeError for others."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError
    return value


def one_text(text):
    """A text with single blanks."""
    return " ".join(text.split())
