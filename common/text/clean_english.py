"""Cleaning of English sentences from the web, as the classifier of Kim 2014 does (https://arxiv.org/abs/1408.5882)."""

import re

from common.data.transform import Transform

OTHER = re.compile(r"[^A-Za-z0-9(),!?'`]")
SUFFIX = re.compile(r"'s|'ve|'re|'d|'ll|n't", re.IGNORECASE)
MARK = re.compile(r"[(),!?]")


class CleanEnglish(Transform):
    """Replaces `text_a` (and `text_b`) by :func:`clean_english` of it."""

    alike = True

    def __call__(self, sample, rng):
        for key in ("text_a", "text_b"):
            if key in sample:
                sample[key] = clean_english(sample[key])
        return sample


def clean_english(text):
    """The words of a text with one blank between them, and nothing but A-Z, a-z, 0-9 and the marks ( ) , ! ? ' `

    The marks ( ) , ! ? and the endings 's 've 're 'd 'll n't, in letters of either case, are words of their own.
    """
    text = SUFFIX.sub(r" \g<0>", OTHER.sub(" ", text))
    return " ".join(MARK.sub(r" \g<0> ", text).split())
