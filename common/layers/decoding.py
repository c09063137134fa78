"""Decoders of generated sequences: greedy search and beam search, in memory and as one static program.

Shapes in this file:
    B rows (one input each), K beams (hypotheses that a row keeps), N hypotheses in all (B or B*K),
    V tokens of the vocabulary, T steps at most, n sequences that a row returns, M candidates of a row.

The model is a function `step(tokens, state) -> (logits, state)`:
    tokens   int64 [N], the last token of every hypothesis
    logits   float [N, V], or log-probabilities
    state    a dict, list or tuple, however nested, of tensors [N, ...]; the other sizes may grow from step to step
It sees one token at a time.  What it needs of the tokens before, such as the hidden state of a recurrent network or the
keys and values of attention, is in the state, which follows its hypothesis when beams are reordered: the prefix is
never computed again.  What all hypotheses of a row share, such as the output of an encoder, need not be copied at every
step: the function may hold it, repeated once by :func:`repeat_beams`.

Lengths count the end token.  A hypothesis is complete when it ends, or when it has T tokens.
"""

from typing import NamedTuple

import paddle

NEVER = float("-inf")  # the log-probability of a hypothesis that does not exist


class Hypotheses(NamedTuple):
    """The sequences that were found, the best of each row first.

    Args:
        tokens (Tensor): int64 [B, n, T]; behind the end of a sequence the end token is repeated.
        lengths (Tensor): int64 [B, n]; 0 where a row has fewer than n sequences.
        scores (Tensor): float32 [B, n], log-probabilities divided by the length penalty; -inf for the missing ones.
    """

    tokens: paddle.Tensor
    lengths: paddle.Tensor
    scores: paddle.Tensor


def greedy(step, state, start, end, max_length, min_length=1):
    """Takes the most probable token at every step, of equal ones the first; stops when every row has ended.

    Args:
        step (callable): the model, see the head of this file.
        state (dict | list | tuple): tensors [B, ...].
        start (int | Tensor): the token before the first one; int64 [B] for one per row, such as the last of a prompt.
        end (int): the token that ends a sequence.
        max_length (int): T.
        min_length (int): of the shortest sequence allowed.

    Returns:
        Hypotheses: n is 1, the scores are log-probabilities.

    Raises:
        ValueError: no sequence has such lengths, or `step` returned another state than it was given.
    """
    return follow(step, state, start, end, max_length, min_length, lambda log_p, t: paddle.argmax(log_p, axis=-1))


def follow(step, state, start, end, max_length, min_length, choose):
    """One hypothesis a row; its token t is `choose(log-probabilities [B, V], t [1]) -> int64 [B]`; see `greedy`."""
    check_lengths(max_length, min_length)
    last = start_tokens(start, state)
    places = paddle.arange(max_length)

    def unfinished(t, last, ended, *rest):
        return paddle.logical_and(t < max_length, paddle.logical_not(paddle.all(ended)))

    def body(t, last, ended, tokens, lengths, scores, *leaves):
        logits, after = step(last, pack(state, leaves))
        log_p = without_end(log_probabilities(logits), end, t, min_length)
        chosen = choose(log_p, t)
        gain = paddle.take_along_axis(log_p, chosen.unsqueeze(1), axis=1).squeeze(1)
        chosen = paddle.where(ended, paddle.full_like(chosen, end), chosen)
        tokens = paddle.where(places == t, chosen.unsqueeze(1), tokens)
        lengths = lengths + paddle.logical_not(ended).astype("int64")
        scores = paddle.where(ended, scores, scores + gain)
        ended = paddle.logical_or(ended, chosen == end)
        return [t + 1, chosen, ended, tokens, lengths, scores, *same_leaves(after, leaves)]

    nothing = paddle.zeros_like(last)
    tokens = paddle.full_like(last, end).unsqueeze(1).tile([1, max_length])
    first = [paddle.zeros([1], "int64"), last, nothing.astype("bool"), tokens, nothing, nothing.astype("float64")]
    _, _, _, tokens, lengths, scores, *_ = loop(unfinished, body, [*first, *leaves_of(state)])
    return Hypotheses(tokens.unsqueeze(1), lengths.unsqueeze(1), scores.unsqueeze(1).astype("float32"))


def beam_search(step, state, start, end, max_length, beam_size, min_length=1, length_penalty=0.0, n_best=1):
    """Searches for the most probable sequences with a beam of K hypotheses per row.

    Of the continuations of a row's hypotheses, those that end among the best K are complete, and the best K that do not
    end go on.  A row is done when K hypotheses are complete, and changes no more; the search stops when all rows are
    done.  With one beam it is greedy search; with as many beams as there are sequences it is exhaustive.

    Sequences are ranked by log P / lp (Wu et al., https://arxiv.org/abs/1609.08144, eq. 14).  Of equal ones the shorter
    comes first, then one that ended, then the lower tokens.

    Args:
        step (callable): the model, see the head of this file.
        state (dict | list | tuple): tensors [B, ...]; they are repeated for the beams.
        start (int | Tensor): the token before the first one; int64 [B] for one per row, such as the last of a prompt.
        end (int): the token that ends a sequence.
        max_length (int): T.
        beam_size (int): K.
        min_length (int): of the shortest sequence allowed.
        length_penalty (float): alpha; 0 ranks by log-probability, more favors longer sequences.
        n_best (int): n, at most K.

    Returns:
        Hypotheses: the best n of each row.

    Raises:
        ValueError: the lengths, the beams or the vocabulary allow no search, or `step` returned another state than it
            was given.
    """
    check_lengths(max_length, min_length)
    if not 1 <= n_best <= beam_size:
        raise ValueError(f"n_best is {n_best} and beam_size {beam_size}; n_best is from 1 to beam_size")
    places = paddle.arange(max_length)

    def unfinished(t, last, scores, tokens, found_tokens, found_lengths, found_scores, *rest):
        return paddle.logical_and(t < max_length, paddle.logical_not(paddle.all(is_done(found_scores))))

    def body(t, last, scores, tokens, found_tokens, found_lengths, found_scores, *leaves):
        logits, after = step(last, pack(state, leaves))
        log_p = without_end(log_probabilities(logits), end, t, min_length)
        scores, parents, words = candidates(scores, log_p, 2 * beam_size)  # [B, 2K] each
        tokens = paddle.where(places == t, words.unsqueeze(2), take(tokens, parents))
        ended, found = words == end, Hypotheses(found_tokens, found_lengths, found_scores)
        most = [values[:, :beam_size] for values in (ended, tokens, scores)]
        found = add_complete(found, *most, t + 1, length_penalty)
        kept = first_open(ended, parents * log_p.shape[1] + words, beam_size)
        parents = take(parents, kept)
        leaves = [take_beams(leaf, parents) for leaf in same_leaves(after, leaves)]
        return [t + 1, take(words, kept).flatten(), take(scores, kept), take(tokens, kept), *found, *leaves]

    last = repeat_beams(start_tokens(start, state), beam_size)
    state = repeat_beams(state, beam_size)
    scores, none = empty_beams(last, beam_size, max_length, end)
    first = [paddle.zeros([1], "int64"), last, scores, none.tokens, *none]
    t, _, scores, tokens, *found = loop(unfinished, body, [*first, *leaves_of(state)])
    full = paddle.full_like(none.lengths, 1).astype("bool")  # those that are left are complete for having T tokens
    found = add_complete(Hypotheses(*found[:3]), full, tokens, scores, t, length_penalty)
    tokens = paddle.where(found.lengths.unsqueeze(2) == 0, none.tokens, found.tokens)
    return Hypotheses(tokens[:, :n_best], found.lengths[:, :n_best], found.scores[:, :n_best].astype("float32"))


def empty_beams(last, beams, max_length, end):
    """The hypotheses before the first step.

    Args:
        last (Tensor): int64 [B*K].
        beams (int): K.
        max_length (int): T.
        end (int): the token that ends a sequence.

    Returns:
        tuple[Tensor, Hypotheses]: scores float64 [B, K] of the only hypothesis of a row, which has no token, and of
            K - 1 that do not exist; K complete ones that do not exist.
    """
    lengths = paddle.zeros_like(last).reshape([-1, beams])
    tokens = paddle.full_like(lengths, end).unsqueeze(2).tile([1, 1, max_length])
    none = paddle.full_like(lengths, NEVER, "float64")
    return paddle.where(paddle.arange(beams) == 0, paddle.zeros_like(none), none), Hypotheses(tokens, lengths, none)


def candidates(scores, log_p, count):
    """The best continuations of each row, best first.

    Args:
        scores (Tensor): float64 [B, K], of the hypotheses.
        log_p (Tensor): float64 [B*K, V], of their next tokens.
        count (int): M.

    Returns:
        tuple[Tensor, Tensor, Tensor]: score, number of the hypothesis and token of each continuation, [B, M].
    """
    beams, vocabulary = scores.shape[1], log_p.shape[1]
    if count > beams * vocabulary:
        raise ValueError(f"a beam search takes two tokens or more, and step gave logits of {vocabulary}")
    gains, words = best(log_p, min(count, vocabulary))  # of each hypothesis; the other tokens cannot be among the best
    total = scores.unsqueeze(2) + gains.reshape([-1, beams, words.shape[1]])
    scores, places = best(total.flatten(1), count)
    return scores, places // words.shape[1], take(words.reshape([-1, beams * words.shape[1]]), places)


def add_complete(found, complete, tokens, scores, length, alpha):
    """The best K of the complete hypotheses of each row and of new ones; those of a row that is done stay.

    Args:
        found (Hypotheses): K a row.
        complete (Tensor): bool [B, M], which of the candidates are complete.
        tokens (Tensor): int64 [B, M, T].
        scores (Tensor): float64 [B, M], log-probabilities.
        length (Tensor): int64 [1], of all candidates.
        alpha (float): of the length penalty.
    """
    complete = paddle.logical_and(complete, scores > NEVER)
    complete = paddle.logical_and(complete, paddle.logical_not(is_done(found.scores)))
    scores = paddle.where(complete, scores / penalty_of(length, alpha), paddle.full_like(scores, NEVER))
    lengths = complete.astype("int64") * length
    scores, order = best(paddle.concat([found.scores, scores], axis=1), found.scores.shape[1])
    tokens = take(paddle.concat([found.tokens, tokens], axis=1), order)
    return Hypotheses(tokens, take(paddle.concat([found.lengths, lengths], axis=1), order), scores)


def first_open(ended, places, count):
    """The K candidates of each row that go on: the best that did not end, in the order of their places.

    A place is a hypothesis and a token, so that hypotheses stay in the order of their tokens, in which ties are broken.

    Args:
        ended (Tensor): bool [B, M], best first; at most M - K are true.
        places (Tensor): int64 [B, M], among all continuations of a row.
        count (int): K.

    Returns:
        Tensor: int64 [B, K].
    """
    going = paddle.logical_not(ended)
    going = paddle.logical_and(going, paddle.cumsum(going.astype("int64"), axis=1) <= count)
    return paddle.argsort(paddle.where(going, places, paddle.full_like(places, 2**62)), axis=1)[:, :count]


def is_done(scores):
    """bool [B, 1], the rows that have K complete hypotheses; `scores` float64 [B, K] are theirs."""
    return paddle.all(scores > NEVER, axis=1, keepdim=True)


def penalty_of(lengths, alpha):
    """lp of https://arxiv.org/abs/1609.08144, eq. 14: ((5 + length) / 6) ** alpha, float64 in the shape of lengths."""
    return ((lengths.astype("float64") + 5.0) / 6.0) ** alpha


def log_probabilities(logits):
    """Logits [N, V] as log-probabilities, float64; log-probabilities stay what they are.

    In float64 because the framework's oneDNN passes overwrite float32 values of a loop that are used again.
    """
    logits = logits.astype("float32")
    logits = logits - paddle.max(logits, axis=-1, keepdim=True)
    return (logits - paddle.log(paddle.sum(paddle.exp(logits), axis=-1, keepdim=True))).astype("float64")


def without_end(log_p, end, t, min_length):
    """Log-probabilities [N, V] of the token with number t (int64 [1]), which is not the end where that is too soon."""
    if min_length <= 1:
        return log_p
    too_soon = paddle.logical_and(paddle.arange(log_p.shape[1]) == end, t + 1 < min_length)
    return paddle.where(too_soon, paddle.full_like(log_p, NEVER), log_p)


def best(scores, count):
    """The largest of scores [B, M], none above 0, and their places, [B, count] each; of equal ones the first.

    `topk` takes any of equal ones: each place makes its score smaller by 2**-50 of it, which decides nothing else.
    """
    places = paddle.arange(scores.shape[1]).astype("float64")
    _, places = paddle.topk(scores * (1 + places * 2**-50), count, axis=1)
    return paddle.take_along_axis(scores, places, axis=1), places


def take(values, places):
    """Of values [B, M, ...] those at places int64 [B, m] of each row, [B, m, ...]."""
    count, rest = values.shape[1], values.shape[2:]
    rows = paddle.arange(paddle.shape(places)[0]).unsqueeze(1) * count
    found = paddle.gather(values.reshape([-1, *rest]), (places + rows).flatten())
    return found.reshape([-1, places.shape[1], *rest])


def take_beams(values, beams):
    """Of values [B*K, ...] those of the hypotheses int64 [B, K] of each row, [B*K, ...]."""
    rows = paddle.arange(paddle.shape(beams)[0]).unsqueeze(1) * beams.shape[1]
    return paddle.gather(values, (beams + rows).flatten())


def repeat_beams(nest, beams):
    """A tensor [B, ...], or a nest of them, as [B*K, ...]: each row once for each of its beams."""
    return paddle.utils.map_structure(
        lambda leaf: paddle.gather(leaf, paddle.arange(paddle.shape(leaf)[0] * beams) // beams), nest
    )


def leaves_of(nest):
    """The tensors of a nest as a flat list."""
    return paddle.utils.flatten(nest)


def same_leaves(nest, leaves):
    """The tensors of a state that `step` returned; refuses other than it was given."""
    found = leaves_of(nest)
    if len(found) != len(leaves):
        raise ValueError(f"step was given a state of {len(leaves)} tensors and returned one of {len(found)}")
    return found


def pack(nest, leaves):
    """A nest like another one, of these tensors."""
    return paddle.utils.pack_sequence_as(nest, list(leaves))


def start_tokens(start, state):
    """The token before the first one, int64 [B]; a state without tensors says nothing of B."""
    if not isinstance(start, int):
        return start
    leaves = leaves_of(state)
    if not leaves:
        raise ValueError("the state holds no tensor; give start as a tensor [B]")
    return paddle.full([paddle.shape(leaves[0])[0]], start, "int64")


def check_lengths(max_length, min_length):
    """Refuses lengths that no sequence has."""
    if not (max_length >= 1 and min_length <= max_length):
        raise ValueError(f"max_length is {max_length} and min_length {min_length}; no sequence has such a length")


def loop(unfinished, body, values):
    """`while unfinished(*values): values = body(*values)`, now or as an operator of the program being written.

    The operator takes over the memory of its first values, which are copied as they may be used again.
    """
    if not paddle.in_dynamic_mode():
        return paddle.static.nn.while_loop(unfinished, body, [paddle.assign(value) for value in values])
    with paddle.no_grad():
        while unfinished(*values).item():
            values = body(*values)
    return values
