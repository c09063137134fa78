"""Viterbi decoding of a loop of words whose states a network scores: a hybrid of network and hidden Markov model
(Bourlard and Morgan 1994).

The score of a path is the sum over its frames of scale (log p(state | frame) - log p(state)), plus alpha log p(word |
previous word) + beta for each word. A state lasts one frame or more; the transitions have no scores of their own.

Shapes in this file:
    T frames, C states of the model, S states of all pronunciations one after another, P pronunciations.
"""

import math

import numpy as np

from common.audio.kaldi_files import line_error
from common.audio.language_model import END, NgramModel
from common.errors import DataError, DataIssue
from common.files import read_lines


def read_lexicon(path):
    """The pronunciations of a file with `WORD STATE STATE ...` a line; a word may have several.

    Returns:
        list[tuple[str, list[str], int]]: word, names of its states, number of the line.

    Raises:
        DataError: a line without states, or an empty file.
    """
    found = []
    for number, line in enumerate(read_lines(path), 1):
        word, *states = line.split() or [""]
        if not word:
            continue
        if not states:
            raise line_error(path, number, "D118", f"'{line[:60]}' has no states; expected WORD STATE STATE ...")
        found.append((word, states, number))
    if not found:
        raise DataError(str(DataIssue("D117", "error", str(path), "holds no pronunciation")))
    return found


def read_priors(path):
    """The log prior of each state from counts of its frames, float64 [C]: a number per line, or Kaldi's `[ 1 2 3 ]`.

    A state that was never seen has the prior of one frame.

    Raises:
        DataError: not numbers of 0 or more.
    """
    lines = read_lines(path)
    try:
        counts = np.array([float(text) for line in lines for text in line.replace("[", " ").replace("]", " ").split()])
    except ValueError as error:
        raise DataError(str(DataIssue("D118", "error", str(path), f"no counts of states: {error}"))) from None
    if not len(counts) or not np.isfinite(counts).all() or (counts < 0).any() or not counts.sum():
        message = "the counts of states must be numbers of 0 or more, and not all 0"
        raise DataError(str(DataIssue("D119", "error", str(path), message)))
    return np.log(np.maximum(counts, 1.0) / np.maximum(counts, 1.0).sum())


class WordDecoder:
    """Finds the best sequence of words.

    Args:
        lexicon (str): the file of pronunciations.
        states (list[str] | None): names of the C states; None if the lexicon has their numbers.
        lm (str | None): an ARPA file, of which bigrams are used at most.
        alpha (float): weight of the language model.
        beta (float): added for each word.
        ends (int): ends of words that are continued after each frame.

    Raises:
        DataError: the lexicon has a state that is not among them.
    """

    def __init__(self, lexicon, states=None, lm=None, alpha=1.0, beta=0.0, ends=32):
        rows, numbers = read_lexicon(lexicon), {name: k for k, name in enumerate(states or ())}
        self.words = [word for word, _, _ in rows]
        ids = [[self.number(name, numbers, lexicon, line) for name in names] for _, names, line in rows]
        self.ids = np.concatenate([np.array(row, np.int64) for row in ids])
        self.last = np.cumsum([len(row) for row in ids]) - 1
        self.first = np.concatenate([[0], self.last[:-1] + 1])
        self.model, self.alpha, self.beta, self.ends, self.rows = NgramModel(lm) if lm else None, alpha, beta, ends, {}
        self.lexicon = lexicon

    @staticmethod
    def number(name, numbers, lexicon, line):
        """The number of a state."""
        if numbers and name in numbers:
            return numbers[name]
        if numbers or not name.isdecimal():
            raise line_error(lexicon, line, "D109", f"the model has no state '{name}'")
        return int(name)

    def following(self, word):
        """The weighted scores of all pronunciations, then of the end, after a word; None at the beginning."""
        if word not in self.rows:
            if self.model is None:
                scores = np.zeros(len(self.words) + 1)
            else:
                history = self.model.begin()
                history = history if word is None else self.model.after(history, word)[-1:]
                scores = np.array([self.model.score(history, other) for other in [*self.words, END]])
            self.rows[word] = self.alpha * scores + np.where(np.arange(len(scores)) < len(self.words), self.beta, 0.0)
        return self.rows[word]

    def decode(self, log_probs, priors=None, scale=1.0):
        """The best text of an utterance.

        Args:
            log_probs (ndarray): float [T, C], T at least 1.
            priors (ndarray | None): log priors [C].
            scale (float): of the acoustic scores.

        Returns:
            tuple[list[str], float]: the words, and the geometric mean over the frames of the probabilities of the
                states; no words and 0 where the utterance has fewer frames than any word has states.

        Raises:
            DataError: the lexicon or the priors are of another number of states.
        """
        log_probs = np.asarray(log_probs, np.float64)
        self.check(log_probs.shape[1], priors)
        posteriors = log_probs[:, self.ids]
        scores = scale * (posteriors if priors is None else posteriors - priors[self.ids])
        best, quality = np.full(len(self.ids), -np.inf), np.zeros(len(self.ids))
        entry = np.zeros(len(self.ids), np.int64)  # which word the path is in: number of the entry
        best[self.first] = self.following(None)[:-1]
        entry[self.first], entries = np.arange(len(self.words)), [np.full(len(self.words), -1, np.int64)]
        best, quality = best + scores[0], posteriors[0].copy()
        for frame in range(1, len(scores)):
            before, (into, source, came) = np.full_like(best, -np.inf), self.enter(best, entry)
            before[1:], origin = best[:-1], np.arange(-1, len(best) - 1)
            before[self.first], origin[self.first] = into, source
            moves = before > best
            quality = np.where(moves, quality[origin], quality) + posteriors[frame]
            entry = np.where(moves, entry[origin], entry)
            starting = self.first[moves[self.first]]
            entry[starting] = frame * len(self.words) + np.flatnonzero(moves[self.first])
            entries.append(came)
            best = np.where(moves, before, best) + scores[frame]
        final = best[self.last] + [self.following(word)[-1] for word in self.words]
        chosen = int(final.argmax())
        if not math.isfinite(final[chosen]):
            return [], 0.0
        return self.trace(int(entry[self.last[chosen]]), entries), float(
            np.exp(quality[self.last[chosen]] / len(scores))
        )

    def enter(self, best, entry):
        """For each pronunciation the best score before its first state, the state and the entry it comes from."""
        order = np.argsort(-best[self.last], kind="stable")[: self.ends]
        table = np.stack([best[self.last[k]] + self.following(self.words[k])[:-1] for k in order])
        source = self.last[order[table.argmax(0)]]
        return table.max(0), source, entry[source]

    def trace(self, number, entries):
        """The words up to an entry."""
        words = []
        while number >= 0:
            frame, word = divmod(number, len(self.words))
            words.append(self.words[word])
            number = int(entries[frame][word])
        return words[::-1]

    def check(self, count, priors):
        """Compares the number of states of model, lexicon and priors."""
        if int(self.ids.max()) >= count:
            raise DataError(f"error[D109] {self.lexicon}: has the state {self.ids.max()}; the model has {count} states")
        if priors is not None and len(priors) != count:
            raise DataError(f"error[D109] the priors are of {len(priors)} states; the model has {count}")
