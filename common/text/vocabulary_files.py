"""Makes vocabularies of what is counted, and writes them."""

from collections import Counter

SPACE = "<space>"  # a blank between words, which a line of a file cannot show


def frequent(tokens, least):
    """The tokens (an iterable, or a Counter) that come at least so often, commonest first, without blank ones."""
    return [token for token, count in Counter(tokens).most_common() if count >= least and token.strip()]


def characters_of(texts, least=1):
    """The characters of texts as a vocabulary has them: `<space>` where there are blanks, then in order."""
    counts = Counter(character for text in texts for character in text)
    return ([SPACE] if counts[" "] else []) + sorted(frequent(counts, least))


def write_tokens(path, tokens):
    """Writes a vocabulary (Path), a token a line; its folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(tokens) + "\n", encoding="utf-8")
