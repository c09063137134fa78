"""The settings of a beam search, for speech recognizers that look further than the best path."""

UNITS = ("word", "character")


class BeamSearch:
    """Prefix beam search over the log probabilities of a recording, see `common.audio.ctc_beam_search`.

    Args:
        lm (str): a language model, an ARPA file, perhaps compressed; null uses none.
        alpha (float): weight of the language model.
        beta (float): added for each word, or for each character.
        unit (str): `word` or `character`, what the language model is of.
        beam_size (int): texts that are kept after each frame; 0 leaves it at the best path.
        cutoff (float): of a frame, the likeliest tokens that together have this probability are looked at, ...
        most (int): ... but not more than so many.
    """

    files = ("lm",)

    def __init__(self, lm=None, alpha=0.5, beta=1.0, unit="word", beam_size=64, cutoff=0.999, most=40):
        if unit not in UNITS:
            raise ValueError(f"unit is {unit!r}; it is one of {', '.join(UNITS)}")
        if beam_size < 0 or most < 1 or not 0 < cutoff <= 1:
            raise ValueError(
                f"beam_size is {beam_size}, most {most}, cutoff {cutoff}; allowed are 0, 1 or more, up to 1"
            )
        if alpha < 0:
            raise ValueError(f"alpha is {alpha}; a language model weighs 0 or more")
        self.lm, self.alpha, self.beta, self.unit = lm, alpha, beta, unit
        self.beam_size, self.cutoff, self.most = beam_size, cutoff, most
