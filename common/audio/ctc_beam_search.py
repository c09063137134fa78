"""Prefix beam search for CTC with a language model (Hannun et al. 2014, https://arxiv.org/abs/1408.2873, algorithm 1).

A text is worth log p_ctc(text) + alpha log p_lm(text) + beta (words, or characters, of the text): p_ctc sums over all
ways to write it into the frames, as far as the beam keeps them.

Shapes in this file:
    T frames, C tokens with the blank, which is number 0, K texts of the beam, S tokens looked at in a frame.
"""

import numpy as np

from common.audio.language_model import END
from common.errors import Diverged


class WordScorer:
    """What a model of words says, when a blank ends a word and at the end.

    Args:
        model (NgramModel | None): of words; None says nothing.
        tokens (list[str]): what each token is in a text.
        alpha (float): weight of the model.
        beta (float): added for each word.
    """

    def __init__(self, model, tokens, alpha, beta):
        self.model, self.tokens, self.alpha, self.beta = model, tokens, alpha, beta

    def begin(self):
        """The state of an empty text."""
        return (self.model.begin() if self.model else (), "")

    def extend(self, state, token):
        """(what is added for a further token, the state after it)."""
        history, letters = state
        if self.tokens[token] != " ":
            return 0.0, (history, letters + self.tokens[token])
        if not letters:
            return 0.0, state
        return self.word(history, letters), (self.model.after(history, letters) if self.model else (), "")

    def word(self, history, letters):
        """What is added for a word."""
        return self.beta + (self.alpha * self.model.score(history, letters) if self.model else 0.0)

    def finish(self, state):
        """What is added at the end."""
        history, letters = state
        total = self.word(history, letters) if letters else 0.0
        if self.model:
            total += self.alpha * self.model.score(self.model.after(history, letters) if letters else history, END)
        return total


class CharacterScorer(WordScorer):
    """What a model of characters says at each; it has `<space>` for a blank between words."""

    def begin(self):
        """The state of an empty text."""
        return self.model.begin() if self.model else ()

    def extend(self, state, token):
        """(what is added for a further token, the state after it)."""
        text = "<space>" if self.tokens[token] == " " else self.tokens[token]
        return self.word(state, text), self.model.after(state, text) if self.model else ()

    def finish(self, state):
        """What is added at the end."""
        return self.alpha * self.model.score(state, END) if self.model else 0.0


class Prefixes:
    """Texts as a tree: each is another one and a token. The empty one is number 0.

    Args:
        scorer (WordScorer): says what a text is worth.
    """

    def __init__(self, scorer):
        self.scorer, self.children = scorer, {}
        self.parent, self.token, self.state, self.worth = [-1], [0], [scorer.begin()], [0.0]

    def child(self, place, token):
        """The number of the text at `place` with a further token."""
        found = self.children.get((place, token))
        if found is None:
            found = self.children[place, token] = len(self.parent)
            added, state = self.scorer.extend(self.state[place], token)
            self.parent.append(place)
            self.token.append(token)
            self.state.append(state)
            self.worth.append(self.worth[place] + added)
        return found

    def text(self, place):
        """The tokens of a text, a list."""
        tokens = []
        while place:
            tokens.append(self.token[place])
            place = self.parent[place]
        return tokens[::-1]


class RunningBeam:
    """The texts of a recording, as far as it has been heard.

    Args:
        scorer (WordScorer): of texts.
        beam_size (int): texts that are kept after each frame.
        cutoff (float): of a frame, the likeliest tokens that together have this probability are looked at, ...
        most (int): ... but not more than so many.
    """

    def __init__(self, scorer, beam_size=64, cutoff=1.0, most=40):
        self.tree, self.beam_size, self.cutoff, self.most = Prefixes(scorer), beam_size, cutoff, most
        self.nodes, self.blank, self.other = np.zeros(1, np.int64), np.zeros(1), np.full(1, -np.inf)

    def feed(self, log_probs):
        """Hears further frames, log probabilities float [T, C]; raises Diverged where they are no numbers."""
        rows = np.asarray(log_probs, np.float64)
        if not np.isfinite(rows.max(1)).all():
            raise Diverged("what the model says of a recording is not finite: its weights have diverged")
        with np.errstate(invalid="ignore"):
            for row in rows:
                tokens = likely(row, self.cutoff, self.most)
                beam = self.nodes, self.blank, self.other
                self.nodes, self.blank, self.other = advance(self.tree, row, *beam, self.beam_size, tokens)

    def texts(self):
        """(tokens, what the text is worth if it ends here, its log p_ctc) of the texts, the best first."""
        tree, found = self.tree, []
        for node, chance in zip(self.nodes.tolist(), np.logaddexp(self.blank, self.other).tolist()):
            worth = chance + tree.worth[node] + tree.scorer.finish(tree.state[node])
            found.append((tree.text(node), worth, chance))
        return sorted(found, key=lambda item: -item[1])


def beam_search(log_probs, scorer, beam_size=64, cutoff=1.0, most=40):
    """The best texts of a recording, float [T, C], as :meth:`RunningBeam.texts` has them."""
    beam = RunningBeam(scorer, beam_size, cutoff, most)
    beam.feed(log_probs)
    return beam.texts()


def likely(row, cutoff, most):
    """The tokens of a frame that are looked at, without the blank; see :func:`beam_search`."""
    order = np.argsort(-row, kind="stable")
    count = len(order) if cutoff >= 1 else int(np.searchsorted(np.cumsum(np.exp(row[order])), cutoff)) + 1
    order = order[: min(count, most)]
    return order[order != 0]


def advance(tree, row, nodes, blank, other, beam_size, tokens):
    """The beam after a further frame.

    Args:
        tree (Prefixes): all texts.
        row (ndarray): [C], log probabilities of the frame.
        nodes (ndarray): [K], numbers of texts.
        blank (ndarray): [K], log p of the ways to write them that end with a blank.
        other (ndarray): [K], of those that do not.
        beam_size (int): texts kept.
        tokens (ndarray): [S], what a text may go on with.

    Returns:
        tuple: the three of them.
    """
    last = np.array([tree.token[node] for node in nodes])
    total = np.logaddexp(blank, other)
    stay_blank, stay_other = total + row[0], other + row[last]
    grown = np.where(tokens == last[:, None], blank[:, None], total[:, None]) + row[tokens]  # [K, S]
    places = {node: k for k, node in enumerate(nodes.tolist())}
    columns = {token: s for s, token in enumerate(tokens.tolist())}
    for k, node in enumerate(nodes.tolist()):  # texts of the beam that are others of the beam and a token
        above, column = places.get(tree.parent[node]), columns.get(tree.token[node])
        if above is not None and column is not None:
            stay_other[k] = np.logaddexp(stay_other[k], grown[above, column])
            grown[above, column] = -np.inf
    worth = np.array([tree.worth[node] for node in nodes])
    stay = np.logaddexp(stay_blank, stay_other) + worth
    rows, cols, children, scores = grow(tree, nodes, tokens, grown, worth, stay, beam_size)
    scores = np.concatenate([stay, scores])
    alive = np.flatnonzero(scores > -np.inf)
    best = alive[np.argsort(-scores[alive], kind="stable")[:beam_size]]
    nothing = np.full(len(rows), -np.inf)
    after = np.concatenate([nodes, children])[best]
    return after, np.concatenate([stay_blank, nothing])[best], np.concatenate([stay_other, grown[rows, cols]])[best]


def grow(tree, nodes, tokens, grown, worth, stay, beam_size):
    """The longer texts that may be among the best, and maybe others; a model is asked about no more.

    Args:
        tree (Prefixes): all texts.
        nodes (ndarray): [K], texts of the beam.
        tokens (ndarray): [S], what they may go on with.
        grown (ndarray): [K, S], log p of the longer texts.
        worth (ndarray): [K], what the model says of the texts of the beam.
        stay (ndarray): [K], scores of the texts of the beam that stay as they are.
        beam_size (int): texts kept.

    Returns:
        tuple: places in `grown`, [M] and [M], numbers of the texts, [M], their scores, [M].
    """
    most = (grown + worth[:, None]).ravel() + max(0.0, tree.scorer.beta)  # a model takes away at best nothing
    order = np.argsort(-most, kind="stable")
    order = order[most[order] > -np.inf]
    children, scores = [], []
    for start, end in ((0, beam_size), (beam_size, len(order))):
        known = np.sort(np.concatenate([stay, scores]))[::-1]
        least = known[beam_size - 1] if start and len(known) >= beam_size else -np.inf
        for place in order[start:end].tolist():
            if most[place] < least:
                break
            row, col = divmod(place, len(tokens))
            children.append(tree.child(int(nodes[row]), int(tokens[col])))
            scores.append(grown[row, col] + tree.worth[children[-1]])
    rows, cols = np.divmod(order[: len(children)], max(1, len(tokens)))
    return rows, cols, np.array(children, np.int64), np.array(scores)
