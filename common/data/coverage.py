"""Coverage: how much of the texts a model reads, by field: tokens that its vocabulary lacks, and tokens cut off.

A tokenizer writes `sample["coverage"]`, {field: (tokens, unknown ones among those kept, tokens cut off)}.
"""

from common.errors import DataIssue
from common.log import counted, logger

UNKNOWN = 0.2  # share of unknown tokens above which it is a warning
CUT = 0.01  # share of cut texts above which it is a warning


class Coverage:
    """Sums of the coverage of samples.

    Args:
        name (str): of the source, for messages.
    """

    def __init__(self, name):
        self.name, self.fields = str(name), {}

    def add(self, samples):
        """Adds samples, given as their `coverage` (list of dict)."""
        for sample in samples:
            for field, (tokens, unknown, cut) in sample.items():
                sums = self.fields.setdefault(field, [0] * 5)
                for place, value in enumerate((1, tokens, unknown, cut > 0, cut)):
                    sums[place] += int(value)

    def issues(self):
        """The warnings (list[DataIssue])."""
        found = []
        for field, (texts, tokens, unknown, cut_texts, cut) in self.fields.items():
            kept = tokens - cut
            if unknown > UNKNOWN * kept:
                message = f"{field}: {unknown} of {kept} tokens ({unknown / kept:.0%}) are not in the vocabulary"
                fix = "check that the vocabulary and the tokenizer are those of these texts"
                found.append(DataIssue("D155", "warning", self.name, message, fix=fix))
            if cut_texts > CUT * texts:
                are = "is" if cut_texts == 1 else "are"
                message = f"{field}: {cut_texts} of {counted(texts, 'text')} {are} cut, by {cut} of {tokens} tokens"
                message += f" ({cut / tokens:.0%})"
                fix = "raise max_length (or max_query), or split the texts"
                found.append(DataIssue("D156", "warning", self.name, message, fix=fix))
        return found

    def report(self):
        """Logs one line with the counts of all fields, as a warning if one is worth it."""
        if not self.fields:
            return
        parts = []
        for field, (texts, tokens, unknown, cut_texts, cut) in self.fields.items():
            share = unknown / max(1, tokens - cut)
            lost = f", {cut_texts} cut by {counted(cut, 'token')}" if cut_texts else ", none cut"
            parts.append(f"{field}: {counted(texts, 'text')}, {counted(tokens, 'token')}, {share:.1%} unknown{lost}")
        (logger.warning if self.issues() else logger.info)("%s: %s", self.name, "; ".join(parts))


def count(ids, unknown, cut=0):
    """The coverage of one field of a sample.

    Args:
        ids (list[int]): of the tokens that are kept.
        unknown (int | None): the id of unknown tokens.
        cut (int): tokens cut off.
    """
    return len(ids) + int(cut), ids.count(unknown), int(cut)


def is_truncated(sample):
    """True if a text of a prepared sample was cut."""
    return any(cut for _, _, cut in sample.get("coverage", {}).values())
