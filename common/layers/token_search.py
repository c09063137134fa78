"""The settings of how sequences are generated, greedily, by beam search or by drawing, as one part of a model.

Shapes in this file:
    B rows (one input each), V tokens of the vocabulary, T steps at most, n sequences that a row returns.
"""

from common.layers.decoding import beam_search, greedy
from common.layers.sampling import sample


class TokenSearch:
    """Greedy search (one beam), beam search, or drawing tokens where a temperature is given.

    Args:
        max_length (int): T, with the end token.
        min_length (int): of the shortest sequence allowed, with the end token.
        beam_size (int): hypotheses that a row keeps; 1 is greedy search.
        length_penalty (float): of the beam search, see `common.layers.decoding.beam_search`.
        n_best (int): n.
        temperature (float | None): draws the tokens in place of a search, see `common.layers.sampling.sample`.
        top_k (int): draws from the k most probable tokens only; 0 for all.
        top_p (float): draws from the fewest tokens whose probabilities add up to this.
        seed (int): of the random numbers.
    """

    def __init__(
        self, max_length=64, min_length=1, beam_size=4, length_penalty=0.6, n_best=1, temperature=None, top_k=0,
        top_p=1.0, seed=0,
    ):  # fmt: skip
        if not 1 <= min_length <= max_length:
            raise ValueError(f"min_length is {min_length} and max_length {max_length}; no sequence has such a length")
        if temperature is None and not 1 <= n_best <= beam_size:
            raise ValueError(f"n_best is {n_best} and beam_size {beam_size}; n_best is from 1 to beam_size")
        if temperature is not None and (temperature <= 0 or top_k < 0 or not 0 < top_p <= 1 or n_best < 1):
            raise ValueError(
                f"temperature is {temperature}, top_k {top_k}, top_p {top_p}, n_best {n_best}; allowed: above 0, 0 or "
                "more, above 0 to 1, 1 or more"
            )
        self.lengths = {"max_length": max_length, "min_length": min_length}
        self.beam_size, self.length_penalty, self.n_best = beam_size, length_penalty, n_best
        self.draws = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}

    @property
    def max_length(self):
        """T."""
        return self.lengths["max_length"]

    @property
    def hypotheses(self):
        """Hypotheses that the step function sees of each row, behind each other."""
        return self.beam_size if self.draws["temperature"] is None else self.n_best

    def __call__(self, step, state, start, end, keys=None):
        """Generates sequences; see `common.layers.decoding` for `step`, `state`, `start` and `end`.

        Args:
            keys (Tensor | None): int64 [B], where tokens are drawn; see `common.layers.sampling.text_keys`.

        Returns:
            Hypotheses: int64 [B, n, T], int64 [B, n], float32 [B, n].
        """
        if self.draws["temperature"] is not None:
            return sample(step, state, start, end, keys=keys, count=self.n_best, **self.lengths, **self.draws)
        if self.beam_size == 1:
            return greedy(step, state, start, end, **self.lengths)
        more = {"beam_size": self.beam_size, "length_penalty": self.length_penalty, "n_best": self.n_best}
        return beam_search(step, state, start, end, **self.lengths, **more)
