"""Dialogues that lead to a goal by facts (DuConv, Wu et al. 2019, https://arxiv.org/abs/1906.05572)."""

from common.files import read_lines
from common.text.knowledge import SEPARATOR, session_of

from .text_dataset import TextDataset


class KnowledgeDialogues(TextDataset):
    """A JSON object a line: `goal` and `knowledge`, lists of lists of texts such as [subject, relation, object], and
    `conversation`, a list of turns; or `history` and `response` in its place.

    A sample is a turn of the one who leads, the first, third and so on. It has `text_a`, the steps of the goal and the
    turns before it, `text_b`, the facts, each with SEPARATOR between, and `target`, the turn.

    Args:
        root (str): the folder.
        file (str): the file in it.
        sessions (list[int]): the first line of the file, counted from 0, and the one behind the last; null for all.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    padding = {"target_ids": 0}
    what = "turn"

    def __init__(self, root, file, sessions=None, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, None, bad_samples)
        if sessions is not None and not (len(sessions) == 2 and 0 <= sessions[0] < sessions[1]):
            raise ValueError(f"sessions is {sessions}; it is the first line and the one behind the last")
        first, last = sessions or (0, None)
        for number, line in enumerate(read_lines(self.source, encoding)[first:last], first + 1):
            try:
                goal, facts, turns, begin = session_of(line)
            except (ValueError, KeyError, TypeError):
                what = "not an object with lists of texts 'goal' and 'knowledge', and a list of turns 'conversation'"
                self.error("D118", what, number, line[:60])
                continue
            known = self.clean(SEPARATOR.join(facts), number)
            said = [self.clean(turn, number) for turn in turns]
            if known is None or None in said:
                continue
            for place in range(begin, len(said), 2):
                before = SEPARATOR.join([*goal, *said[:place]])
                sample = {"text_a": before, "text_b": known, "target": said[place]}
                self.samples.append(sample | {"path": self.source, "place": f"line {number}, turn {place + 1}"})
        self.finalize([])
        self.labels = None

    def lengths(self):
        """The words of each dialogue (list[int])."""
        return [len(sample["text_a"].split()) for sample in self.samples]
