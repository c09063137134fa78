"""CTC prefix beam search with a language model (Hannun et al. 2014, https://arxiv.org/abs/1408.2873, algorithm 1).

The score of a text is log p_ctc(text) + alpha log p_lm(text) + beta (number of words, or characters): p_ctc sums over
all alignments that the beam keeps.

Shapes in this file:
    T frames, C tokens including the blank, which is index 0, K prefixes in the beam, S candidate tokens per frame.
"""

import numpy as np

from common.audio.language_model import END
from common.errors import Diverged

UNITS = ("word", "character")


class BeamSearch:
    """Settings of the CTC prefix beam search.

    Args:
        lm (str): a language model in the ARPA format, optionally compressed; null for none.
        alpha (float): weight of the language model.
        beta (float): insertion bonus per word, or per character.
        unit (str): unit of the language model, `word` or `character`.
        beam_size (int): number of prefixes kept after each frame; 0 for greedy decoding (best path).
        cutoff (float): per frame, the most probable tokens up to this cumulative probability are considered, ...
        most (int): ... but at most so many.
    """

    files = ("lm",)

    def __init__(self, lm=None, alpha=0.5, beta=1.0, unit="word", beam_size=64, cutoff=0.999, most=40):
        if unit not in UNITS:
            raise ValueError(f"unit is {unit!r}; it must be one of {', '.join(UNITS)}")
        if beam_size < 0 or most < 1 or not 0 < cutoff <= 1:
            raise ValueError(
                f"beam_size is {beam_size}, most {most}, cutoff {cutoff}; "
                "they must be 0 or more, 1 or more, and above 0 and at most 1"
            )
        if alpha < 0:
            raise ValueError(f"alpha is {alpha}; the weight of a language model must be 0 or more")
        self.lm, self.alpha, self.beta, self.unit = lm, alpha, beta, unit
        self.beam_size, self.cutoff, self.most = beam_size, cutoff, most


class WordScorer:
    """Scores prefixes with a word language model, at each space and at the end.

    Args:
        model (NgramModel | None): a word language model; None for no language model.
        tokens (list[str]): the text of each token.
        alpha (float): weight of the language model.
        beta (float): insertion bonus per word.
    """

    def __init__(self, model, tokens, alpha, beta):
        self.model, self.tokens, self.alpha, self.beta = model, tokens, alpha, beta

    def begin(self):
        """The state of the empty prefix."""
        return (self.model.begin() if self.model else (), "")

    def extend(self, state, token):
        """(score of appending a token, state after it)."""
        history, letters = state
        if self.tokens[token] != " ":
            return 0.0, (history, letters + self.tokens[token])
        if not letters:
            return 0.0, state
        return self.word(history, letters), (self.model.after(history, letters) if self.model else (), "")

    def word(self, history, letters):
        """The score of a word."""
        return self.beta + (self.alpha * self.model.score(history, letters) if self.model else 0.0)

    def finish(self, state):
        """The score of the end of the text."""
        history, letters = state
        total = self.word(history, letters) if letters else 0.0
        if self.model:
            total += self.alpha * self.model.score(self.model.after(history, letters) if letters else history, END)
        return total


class CharacterScorer(WordScorer):
    """Scores prefixes with a character language model, in which `<space>` is the space character."""

    def begin(self):
        """The state of the empty prefix."""
        return self.model.begin() if self.model else ()

    def extend(self, state, token):
        """(score of appending a token, state after it)."""
        text = "<space>" if self.tokens[token] == " " else self.tokens[token]
        return self.word(state, text), self.model.after(state, text) if self.model else ()

    def finish(self, state):
        """The score of the end of the text."""
        return self.alpha * self.model.score(state, END) if self.model else 0.0


class Prefixes:
    """A prefix tree: each node is its parent's prefix and one more token. Node 0 is the empty prefix.

    Args:
        scorer (WordScorer): scores prefixes.
    """

    def __init__(self, scorer):
        self.scorer, self.children = scorer, {}
        self.parent, self.token, self.state, self.score = [-1], [0], [scorer.begin()], [0.0]

    def child(self, node, token):
        """The child node of `node` for a token, created if missing."""
        found = self.children.get((node, token))
        if found is None:
            found = self.children[node, token] = len(self.parent)
            added, state = self.scorer.extend(self.state[node], token)
            self.parent.append(node)
            self.token.append(token)
            self.state.append(state)
            self.score.append(self.score[node] + added)
        return found

    def text(self, node):
        """The tokens of a prefix, a list."""
        tokens = []
        while node:
            tokens.append(self.token[node])
            node = self.parent[node]
        return tokens[::-1]


class IncrementalBeam:
    """Incremental (streaming) CTC prefix beam search.

    Args:
        scorer (WordScorer): scores prefixes.
        beam_size (int): number of prefixes kept after each frame.
        cutoff (float): per frame, the most probable tokens up to this cumulative probability are considered, ...
        most (int): ... but at most so many.
    """

    def __init__(self, scorer, beam_size=64, cutoff=1.0, most=40):
        self.tree, self.beam_size, self.cutoff, self.most = Prefixes(scorer), beam_size, cutoff, most
        self.nodes, self.blank, self.other = np.zeros(1, np.int64), np.zeros(1), np.full(1, -np.inf)

    def feed(self, log_probs):
        """Processes further frames, log probabilities float [T, C]; raises Diverged if they are not finite."""
        rows = np.asarray(log_probs, np.float64)
        if not np.isfinite(rows.max(1)).all():
            raise Diverged("the outputs of the speech recognition model are not finite: its weights have diverged")
        with np.errstate(invalid="ignore"):
            for row in rows:
                tokens = top_tokens(row, self.cutoff, self.most)
                beam = self.nodes, self.blank, self.other
                self.nodes, self.blank, self.other = beam_step(self.tree, row, *beam, self.beam_size, tokens)

    def texts(self):
        """The hypotheses so far, best first: (tokens, total score, log p_ctc)."""
        tree, found = self.tree, []
        for node, log_prob in zip(self.nodes.tolist(), np.logaddexp(self.blank, self.other).tolist()):
            score = log_prob + tree.score[node] + tree.scorer.finish(tree.state[node])
            found.append((tree.text(node), score, log_prob))
        return sorted(found, key=lambda item: -item[1])


def ctc_beam_search(log_probs, scorer, beam_size=64, cutoff=1.0, most=40):
    """The hypotheses for log probabilities float [T, C] of an utterance, see :meth:`IncrementalBeam.texts`."""
    beam = IncrementalBeam(scorer, beam_size, cutoff, most)
    beam.feed(log_probs)
    return beam.texts()


def top_tokens(row, cutoff, most):
    """The candidate tokens of a frame without the blank; see :class:`IncrementalBeam`."""
    order = np.argsort(-row, kind="stable")
    count = len(order) if cutoff >= 1 else int(np.searchsorted(np.cumsum(np.exp(row[order])), cutoff)) + 1
    order = order[: min(count, most)]
    return order[order != 0]


def beam_step(tree, row, nodes, blank, other, beam_size, tokens):
    """Advances the beam by one frame.

    Args:
        tree (Prefixes): all prefixes.
        row (ndarray): [C], log probabilities of the frame.
        nodes (ndarray): [K], nodes of the prefixes in the beam.
        blank (ndarray): [K], log probabilities of their alignments that end with a blank.
        other (ndarray): [K], log probabilities of their alignments that end with a token.
        beam_size (int): number of prefixes to keep.
        tokens (ndarray): [S], candidate tokens.

    Returns:
        tuple: the new `nodes`, `blank` and `other`.
    """
    last = np.array([tree.token[node] for node in nodes])
    total = np.logaddexp(blank, other)
    stay_blank, stay_other = total + row[0], other + row[last]
    grown = np.where(tokens == last[:, None], blank[:, None], total[:, None]) + row[tokens]  # [K, S]
    rows_of = {node: k for k, node in enumerate(nodes.tolist())}
    columns = {token: s for s, token in enumerate(tokens.tolist())}
    for k, node in enumerate(nodes.tolist()):  # merges extensions that are equal to another prefix of the beam
        above, column = rows_of.get(tree.parent[node]), columns.get(tree.token[node])
        if above is not None and column is not None:
            stay_other[k] = np.logaddexp(stay_other[k], grown[above, column])
            grown[above, column] = -np.inf
    prior = np.array([tree.score[node] for node in nodes])
    stay = np.logaddexp(stay_blank, stay_other) + prior
    rows, cols, children, scores = extend_prefixes(tree, nodes, tokens, grown, prior, stay, beam_size)
    scores = np.concatenate([stay, scores])
    alive = np.flatnonzero(scores > -np.inf)
    best = alive[np.argsort(-scores[alive], kind="stable")[:beam_size]]
    nothing = np.full(len(rows), -np.inf)
    after = np.concatenate([nodes, children])[best]
    return after, np.concatenate([stay_blank, nothing])[best], np.concatenate([stay_other, grown[rows, cols]])[best]


def extend_prefixes(tree, nodes, tokens, grown, prior, stay, beam_size):
    """The extended prefixes that can be among the best; the language model is evaluated for no others.

    Args:
        tree (Prefixes): all prefixes.
        nodes (ndarray): [K], nodes of the prefixes in the beam.
        tokens (ndarray): [S], candidate tokens.
        grown (ndarray): [K, S], log probabilities of the extended prefixes.
        prior (ndarray): [K], language model scores of the prefixes in the beam.
        stay (ndarray): [K], total scores of the unextended prefixes.
        beam_size (int): number of prefixes to keep.

    Returns:
        tuple: rows [M] and columns [M] in `grown`, nodes [M] and total scores [M] of the extended prefixes.
    """
    most = (grown + prior[:, None]).ravel() + max(0.0, tree.scorer.beta)  # an upper bound: log p_lm is at most 0
    order = np.argsort(-most, kind="stable")
    order = order[most[order] > -np.inf]
    children, scores = [], []
    for start, end in ((0, beam_size), (beam_size, len(order))):
        known = np.sort(np.concatenate([stay, scores]))[::-1]
        least = known[beam_size - 1] if start and len(known) >= beam_size else -np.inf
        for index in order[start:end].tolist():
            if most[index] < least:
                break
            row, col = divmod(index, len(tokens))
            children.append(tree.child(int(nodes[row]), int(tokens[col])))
            scores.append(grown[row, col] + tree.score[children[-1]])
    rows, cols = np.divmod(order[: len(children)], max(1, len(tokens)))
    return rows, cols, np.array(children, np.int64), np.array(scores)
