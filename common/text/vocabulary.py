"""Vocabularies: reading, checking, building and writing the tokens of characters, words or word pieces."""

from collections import Counter

from common.errors import ConfigError, DataError, DataIssue
from common.files import read_lines
from common.regular import check_regular

GAPS = 1000  # ids of which one may be missing
SPACE = "<space>"  # stands for the space character, which is invisible in a file


class Vocabulary:
    """A list of tokens; the id of a token is its index in the list.

    A line of the file is a token, `id<tab>token` or `token<tab>id`; ids, if present, are a permutation of 0, 1, 2, ...
    In a large file one id of a thousand may be missing: its row of the embedding is then not used.

    Args:
        path (str): the file, see `common.files.find_file`.
        unknown (str): the unknown token, which must be in the file; empty for none.
        added (list[str]): additional tokens, appended to those of the file unless they are in it.

    Raises:
        DataError: the file is empty, has a duplicate token or Windows line ends, or lacks `unknown`; names the line.
    """

    def __init__(self, path, unknown="[UNK]", added=()):
        self.path = str(path)
        self.tokens = read_tokens(path)
        known = set(self.tokens)
        self.tokens += [token for token in added if token not in known]
        self.numbers = {token: number for number, token in enumerate(self.tokens)}
        if unknown and unknown not in self.numbers:
            raise vocabulary_error(path, f"has no '{unknown}', the unknown token", fix=f"add '{unknown}'")
        self.unknown = self.numbers[unknown] if unknown else None

    def __len__(self):
        return len(self.tokens)

    def number(self, token):
        """The id of a token, or that of the unknown token."""
        return self.numbers.get(token, self.unknown)

    def need(self, *tokens):
        """The ids of required tokens; raises DataError with the missing ones."""
        missing = [token for token in tokens if token not in self.numbers]
        if missing:
            raise vocabulary_error(self.path, f"has no {', '.join(missing)}, which the tokenizer requires")
        return [self.numbers[token] for token in tokens]


def read_tokens(path):
    """Reads the tokens of a vocabulary file in the order of their ids (list of str)."""
    lines = read_lines(path)
    if not lines:
        raise vocabulary_error(path, "is empty")
    pairs = [line.split("\t") for line in lines]
    if all(len(pair) == 2 for pair in pairs):
        for side in (0, 1):
            if all(pair[side].isdecimal() for pair in pairs):
                return sort_by_number(path, [(int(pair[side]), pair[1 - side]) for pair in pairs])
    raw = _raw_first_line(path)
    if raw.endswith("\r"):
        raise vocabulary_error(path, "has Windows line ends (CR LF)", "line 1", fix="save it with LF line ends")
    return check_unique(path, lines)


def sort_by_number(path, pairs):
    """Sorts (id, token) pairs by id; the ids must be 0, 1, 2, ..., but for one of GAPS, which gets `<unused ID>`."""
    seen, size = {}, len(pairs) + len(pairs) // GAPS
    for line, (number, token) in enumerate(pairs, 1):
        if number in seen or number >= size:
            why = f"has a duplicate id {number}" if number in seen else f"has a gap before id {number}"
            raise vocabulary_error(
                path, f"{why}: {len(pairs)} lines need the ids 0 to {len(pairs) - 1}", f"line {line}"
            )
        seen[number] = token
    return check_unique(path, [seen.get(number, f"<unused {number}>") for number in range(max(seen) + 1)])


def check_unique(path, tokens):
    """Refuses duplicate tokens; returns the tokens."""
    first = {}
    for line, token in enumerate(tokens, 1):
        if token in first:
            raise vocabulary_error(
                path, f"has the duplicate token '{token}' in lines {first[token]} and {line}", f"line {line}"
            )
        first[token] = line
    return tokens


def vocabulary_error(path, message, place="", fix=""):
    """The DataError for a vocabulary file."""
    return DataError(str(DataIssue("D122", "error", str(path), f"the vocabulary {message}", place=place, fix=fix)))


def check_vocabulary_size(transforms, model):
    """Refuses a tokenizer whose vocabulary size or sequence length does not match the model.

    Args:
        transforms (list[Transform]): tokenizers have `vocab_size` and `max_length`.
        model (nn.Layer): has `vocab_size`, `max_positions` if the number of positions is limited, and `token_ids` if
            it takes some tokens for special ones.

    Raises:
        ConfigError: with both numbers.
    """
    special = getattr(model, "token_ids", {})
    for transform in transforms:
        known = getattr(transform, "vocabulary", None)
        wrong = [token for token, number in special.items() if known is not None and known.numbers.get(token) != number]
        if wrong:
            there = known.numbers.get(wrong[0])
            raise ConfigError(
                f"the model takes {special[wrong[0]]} for the id of '{wrong[0]}', and {transform.vocab} has "
                + (f"it as {there}" if there is not None else "no such token")
                + ": set the id in the model: section, or use the vocabulary it was trained with"
            )
    rows, positions = getattr(model, "vocab_size", None), getattr(model, "max_positions", None)
    for transform in transforms:
        longest = getattr(transform, "max_length", None)
        if positions and longest and longest > positions:
            raise ConfigError(
                f"{type(transform).__name__} produces up to {longest} tokens (max_length), but the encoder has "
                f"{positions} positions: set max_length to {positions} or less"
            )
        size = getattr(transform, "vocab_size", None)
        if rows is not None and size is not None and size != rows:
            raise ConfigError(
                f"{type(transform).__name__} has a vocabulary of {size} tokens ({transform.vocab}), but the model has "
                f"vocab_size {rows}: set the model's vocab_size to {size}, or use the vocabulary it was trained with"
            )


def frequent_tokens(tokens, least):
    """The tokens (iterable or Counter) that occur at least `least` times, most frequent first, without whitespace."""
    return [token for token, count in Counter(tokens).most_common() if count >= least and token.strip()]


def list_characters(texts, least=1):
    """The character vocabulary of texts: `<space>` if there are spaces, then the characters in order."""
    counts = Counter(character for text in texts for character in text)
    return ([SPACE] if counts[" "] else []) + sorted(frequent_tokens(counts, least))


def write_tokens(path, tokens):
    """Writes a vocabulary file (Path), one token per line; its folder is created if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(tokens) + "\n", encoding="utf-8")


def _raw_first_line(path):
    from common.files import find_file

    check_regular(find_file(path))
    with open(find_file(path), "rb") as file:
        return file.readline().decode("utf-8", "replace").removesuffix("\n")
