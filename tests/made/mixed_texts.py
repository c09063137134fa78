"""Texts in which languages, emoji, odd code points and control characters are mixed, from a seed."""

import random

WORDS = [
    "the",
    "Hello",
    "naïve",
    "CAFÉ",
    "cafe\u0301",
    "U.S.A.",
    "x86_64",
    "3.14",
    "Straße",
    "İstanbul",
    "ὈΔΥΣΣΕΎΣ",
    "ΣΑΣ",
]
SPACES = " \u00a0\u3000\u2003\u1680\u2028"
MARKS = "\u0301\u0327\u0316\u0344\u0345\u3099\u0f71\u0f74\u20d0\u1dfd\u302e\u0334"
HIDDEN = "\u200b\u200d\ufe0f\u00ad\ufeff\ufffd\x00\x01\x1c\x7f\x85\u202e\ue000"
RANGES = {  # first and last code point
    "Chinese": (0x4E00, 0x9FFF),
    "Japanese": (0x3041, 0x30FF),
    "syllables of Hangul": (0xAC00, 0xD7A3),
    "letters of Hangul": (0x1100, 0x11FF),
    "Greek": (0x0370, 0x03FF),
    "Cyrillic": (0x0400, 0x052F),
    "Arabic and Hebrew": (0x0590, 0x06FF),
    "Indic": (0x0900, 0x0DFF),
    "Latin with marks": (0x00C0, 0x024F),
    "more Latin": (0x1E00, 0x1FFF),
    "marks": (0x0300, 0x036F),
    "punctuation": (0x2000, 0x2BFF),
    "Chinese compatibility": (0xF900, 0xFAFF),
    "wide letters": (0xFF01, 0xFFEE),
    "emoji": (0x1F300, 0x1FAFF),
    "rare Chinese": (0x20000, 0x2A6DF),
    "the first plane": (0x0080, 0xD7FF),
    "all planes": (0xE000, 0x10FFFF),
}


def mixed_texts(count, seed=0, line_feeds=False):
    """Lines of up to 30 parts without tabs (list[str]).

    Args:
        count (int): how many.
        seed (int): of the random numbers.
        line_feeds (bool): carriage returns too.
    """
    rng = random.Random(seed)
    texts = [mixed_text(rng).replace("\n", " ").replace("\t", " ") for _ in range(count)]
    return texts if line_feeds else [text.replace("\r", " ") for text in texts]


def mixed_text(rng):
    """One of them."""
    languages = rng.sample(list(RANGES), 3)
    parts = []
    for _ in range(rng.randrange(1, 30)):
        kind = rng.random()
        if kind < 0.3:
            parts.append(rng.choice(WORDS))
        elif kind < 0.75:
            first, last = RANGES[rng.choice(languages)]
            parts.append("".join(chr(rng.randint(first, last)) for _ in range(rng.randrange(1, 6))))
        elif kind < 0.8:
            parts.append("".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 5))))
        elif kind < 0.85:
            parts.append(rng.choice(HIDDEN))
        elif kind < 0.99:
            parts.append(chr(rng.randrange(0x20, 0x7F)) * rng.choice((1, 1, 1, 3)))
        else:
            parts.append("ab" * rng.choice((49, 50, 51)))
        if rng.random() < 0.4:
            parts.append(rng.choice(SPACES))
    return "".join(parts)
