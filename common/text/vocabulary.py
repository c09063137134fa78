"""Words, characters or word pieces and their numbers."""

from common.errors import ConfigError, DataError, DataIssue
from common.files import read_lines


class Vocabulary:
    """A list of tokens; the number of a token is its place in the list.

    A line of the file is a token, `number<tab>token` or `token<tab>number`; where there are numbers they are 0, 1, 2...
    in some order.

    Args:
        path (str): the file, see `common.files.find_file`.
        unknown (str): the token that stands for all others; it must be there. Empty: there is none.
        added (list[str]): tokens that come after those of the file, unless they are in it.

    Raises:
        DataError: the file is empty, has a token twice, Windows line ends, or lacks `unknown`; names the line.
    """

    def __init__(self, path, unknown="[UNK]", added=()):
        self.path = str(path)
        self.tokens = read_tokens(path)
        held = set(self.tokens)
        self.tokens += [token for token in added if token not in held]
        self.numbers = {token: number for number, token in enumerate(self.tokens)}
        if unknown and unknown not in self.numbers:
            raise bad_vocabulary(
                path, f"has no '{unknown}', which stands for what is not in it", fix=f"add '{unknown}'"
            )
        self.unknown = self.numbers[unknown] if unknown else None

    def __len__(self):
        return len(self.tokens)

    def number(self, token):
        """The number of a token, or that of the unknown one."""
        return self.numbers.get(token, self.unknown)

    def need(self, *tokens):
        """The numbers of tokens that must be there; raises DataError naming those that are not."""
        missing = [token for token in tokens if token not in self.numbers]
        if missing:
            raise bad_vocabulary(self.path, f"has no {', '.join(missing)}, which the tokenizer needs")
        return [self.numbers[token] for token in tokens]


def read_tokens(path):
    """The tokens of a vocabulary file in the order of their numbers (list of str)."""
    lines = read_lines(path)
    if not lines:
        raise bad_vocabulary(path, "is empty")
    pairs = [line.split("\t") for line in lines]
    if all(len(pair) == 2 for pair in pairs):
        for side in (0, 1):
            if all(pair[side].isdigit() for pair in pairs):
                return numbered(path, [(int(pair[side]), pair[1 - side]) for pair in pairs])
    raw = _raw_first_line(path)
    if raw.endswith("\r"):
        raise bad_vocabulary(path, "has Windows line ends (CR LF)", "line 1", fix="save it with LF alone")
    return unique(path, lines)


def numbered(path, pairs):
    """Tokens sorted by their numbers, which must be 0, 1, 2, ..."""
    seen = {}
    for line, (number, token) in enumerate(pairs, 1):
        if number in seen or number >= len(pairs):
            why = f"number {number} is there twice" if number in seen else f"number {number} leaves a gap"
            raise bad_vocabulary(
                path, f"{why}: {len(pairs)} lines have the numbers 0 to {len(pairs) - 1}", f"line {line}"
            )
        seen[number] = token
    return unique(path, [seen[number] for number in range(len(pairs))])


def unique(path, tokens):
    """The tokens, none of which may come twice."""
    first = {}
    for line, token in enumerate(tokens, 1):
        if token in first:
            raise bad_vocabulary(path, f"'{token}' is in it twice, at lines {first[token]} and {line}", f"line {line}")
        first[token] = line
    return tokens


def bad_vocabulary(path, message, place="", fix=""):
    """The DataError of a vocabulary file."""
    return DataError(str(DataIssue("D122", "error", str(path), f"the vocabulary {message}", place=place, fix=fix)))


def check_rows(transforms, model):
    """Refuses a tokenizer that does not give exactly the ids that a model has rows for, or more than it has places for.

    Args:
        transforms (list[Transform]): those with `vocab_size` say how many ids they give, with `max_length` how long.
        model (nn.Layer): with `vocab_size`, and `max_positions` where they are limited.

    Raises:
        ConfigError: with both numbers.
    """
    rows, places = getattr(model, "vocab_size", None), getattr(model, "max_positions", None)
    for transform in transforms:
        longest = getattr(transform, "max_length", None)
        if places and longest and longest > places:
            raise ConfigError(
                f"{type(transform).__name__} keeps up to {longest} tokens (max_length), but the encoder has {places} "
                f"positions: set max_length to {places} or less"
            )
        given = getattr(transform, "vocab_size", None)
        if rows is not None and given is not None and given != rows:
            raise ConfigError(
                f"{type(transform).__name__} gives ids of {given} tokens ({transform.vocab}), but the model has "
                f"vocab_size {rows}: set the model's vocab_size to {given}, or name the vocabulary it was trained with"
            )


def _raw_first_line(path):
    from common.files import find_file

    with open(find_file(path), "rb") as file:
        return file.readline().decode("utf-8", "replace").removesuffix("\n")
