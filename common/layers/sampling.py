"""Sequences drawn from a model's distribution, in memory and as one static program.

The random numbers are a hash of (seed, key of the row, step, token), so that a program without a random state, in
Python and in C++, draws what the model in memory draws: an export can be compared with it, a server's answer repeated.

Shapes in this file:
    B rows (one input each), N = B*n hypotheses, V tokens of the vocabulary, T steps at most, n sequences a row.
"""

import paddle

from common.layers.decoding import Hypotheses, follow, repeat_beams, start_tokens

WORD, HALF = 2**32, 2**16
GOLDEN = 0x9E3779B1  # 2**32 divided by the golden ratio, a prime
MULTIPLIERS = (0x2C1B3C6D, 0x297A2D39)  # below 2**31, so that products fit into int64


def sample(
    step, state, start, end, max_length, keys, count=1, temperature=1.0, top_k=0, top_p=1.0, seed=0, min_length=1
):
    """Draws each token from the probabilities of the step, restricted to the most probable ones.

    Args:
        step (callable): the model, see `common.layers.decoding`.
        state (dict | list | tuple): tensors [B, ...].
        start (int | Tensor): the token before the first one; int64 [B] for one per row.
        end (int): the token that ends a sequence.
        max_length (int): T.
        keys (Tensor): int64 [B], 0 or more: rows with the same key and distribution draw the same, whatever their
            batch; see :func:`text_keys`.
        count (int): n, sequences drawn for each row.
        temperature (float): divides the logits; below 1 favors probable tokens.
        top_k (int): draws from the k most probable tokens (Fan et al., https://arxiv.org/abs/1805.04833); 0 for all.
        top_p (float): draws from the fewest tokens whose probabilities add up to this, 0 to 1
            (Holtzman et al., https://arxiv.org/abs/1904.09751).
        seed (int): of the random numbers; another seed draws other sequences.
        min_length (int): of the shortest sequence allowed.

    Returns:
        Hypotheses: n a row, in the order in which they were drawn; the scores are log-probabilities of the model.

    Raises:
        ValueError: an argument is out of range, no sequence has such lengths, or `step` returned another state than it
            was given.
    """
    if count < 1 or temperature <= 0 or top_k < 0 or not 0 < top_p <= 1:
        raise ValueError(
            f"count is {count}, temperature {temperature}, top_k {top_k}, top_p {top_p}; allowed: 1 or more, above 0, "
            "0 or more, above 0 to 1"
        )
    last = repeat_beams(start_tokens(start, state), count)
    rows = repeat_beams(keys, count).unsqueeze(1)
    numbers = paddle.arange(paddle.shape(last)[0]).unsqueeze(1) % count

    def choose(log_p, t):
        scores = restrict(log_p / temperature, top_k, top_p)
        noise = gumbel(seed, rows, numbers, t, paddle.arange(scores.shape[1]).unsqueeze(0))
        return paddle.argmax(scores + noise, axis=-1)

    found = follow(step, repeat_beams(state, count), last, end, max_length, min_length, choose)
    tokens, lengths, scores = (value.squeeze(1) for value in found)
    return Hypotheses(
        tokens.reshape([-1, count, max_length]), lengths.reshape([-1, count]), scores.reshape([-1, count])
    )


def text_keys(ids, mask):
    """A key of each row of token ids int64 [B, T], of which those count where mask [B, T] is 1: int64 [B]."""
    places = paddle.arange(paddle.shape(ids)[1]).unsqueeze(0)
    return paddle.sum(mix(0, places, ids) * mask.astype("int64"), axis=1) % constant(WORD)


def restrict(scores, top_k, top_p):
    """Scores float64 [N, V] where those of tokens that may not be drawn are -inf; of equal scores, all stay."""
    if not top_k and top_p == 1:
        return scores
    ranked = paddle.sort(scores, axis=-1, descending=True)
    least = ranked[:, -1:]
    if top_k and top_k < scores.shape[1]:
        least = ranked[:, top_k - 1 : top_k]
    if top_p < 1:
        p = paddle.exp(ranked - ranked[:, :1])
        p = p / p.sum(axis=-1, keepdim=True)
        before = paddle.cumsum(p, axis=-1) - p
        kept = paddle.where(before < top_p, ranked, paddle.full_like(ranked, float("inf")))
        least = paddle.maximum(least, kept.min(axis=-1, keepdim=True))
    return paddle.where(scores >= least, scores, paddle.full_like(scores, float("-inf")))


def gumbel(seed, *numbers):
    """Standard Gumbel numbers (float64) for a seed and int64 tensors that broadcast."""
    u = (mix(seed, *numbers).astype("float64") + 0.5) / WORD
    return -paddle.log(-paddle.log(u))


def mix(seed, *numbers):
    """A hash of a seed (int) and int64 tensors that broadcast: int64, uniform in 0 to 2**32 - 1."""
    value = constant(seed % WORD)
    for number in numbers:
        value = scramble((value + number * constant(GOLDEN)) % constant(WORD))
    return value


def scramble(value):
    """A mixer of 32 bits (xor, shift, multiply, twice) of int64 values of 0 to 2**32 - 1."""
    for multiplier in MULTIPLIERS:
        value = paddle.bitwise_xor(value, value // constant(HALF))
        value = value * constant(multiplier) % constant(WORD)
    return paddle.bitwise_xor(value, value // constant(HALF))


def constant(value):
    """An integer as int64 [1]: an operator with a number in its place would take it for a float in a static program."""
    return paddle.full([1], value, "int64")
