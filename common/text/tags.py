"""Tag schemes of sequence labeling: how `B-PER`, `E-PER` or `PER-I` mark spans of tokens.

The roles of a tag, by the letter that is its prefix (`B-PER`, `B_PER`) or its suffix (`PER-B`), or that it is alone:
    B          begins a span
    I, M       continues a span
    E, L       ends a span
    S, U, W    is a span of one token
    O          is outside of spans
"""

import re

from common.errors import ConfigError

ROLES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
SCHEMES = {"BIO": "BI", "IOB1": "BI", "BIOES": "BIES", "BMES": "BMES", "BILOU": "BILU", "BMEWO": "BMEW"}
TOKENS = "tokens"  # tags without positions, such as parts of speech: each token is a span
FORMS = {
    "prefix": re.compile(r"(?P<head>[A-Z])[-_](?P<kind>.+)"),
    "suffix": re.compile(r"(?P<kind>.+)[-_](?P<head>[A-Z])"),
    "lowercase prefix": re.compile(r"(?P<head>[a-z])[-_](?P<kind>.+)"),
    "lowercase suffix": re.compile(r"(?P<kind>.+)[-_](?P<head>[a-z])"),
}


class TagScheme:
    """The roles and types of a set of tags; the scheme is recognized from the tags, or given.

    Args:
        labels (list[str]): the tags.
        name (str): BIO, IOB1, BIOES, BMES, BILOU, BMEWO or tokens; null recognizes it. A given scheme is read strictly:
            what it does not allow, such as an `I` after `O` in BIO, is no span. A recognized one is read as conlleval
            does: such an `I` begins a span.

    Attributes:
        tags (list[tuple[str, str]]): by label id: B, I, E, S or O, and the type, which is empty for bare letters.
        is_suffix (bool): True if the role is the suffix, as in LAC's `n-B`.

    Raises:
        ConfigError: the tags mix several schemes, or some have a position and others have none.
    """

    def __init__(self, labels, name=None):
        if name not in (None, TOKENS, *SCHEMES):
            raise ConfigError(f"scheme is {name!r}; it is one of {', '.join(SCHEMES)}, {TOKENS}, or null")
        labels = [str(label) for label in labels]
        self.given, self.form = name, None
        heads = None if name == TOKENS else self.recognize(labels)
        if heads is None:
            if name not in (None, TOKENS):
                raise ConfigError(f"scheme is {name}, but no tag has a position: {shown(labels)}")
            self.name = TOKENS
            self.tags = [("O", "") if label == "O" else ("S", label) for label in labels]
            return
        fitting = [scheme for scheme, letters in SCHEMES.items() if heads <= set(letters)]
        if not fitting or (name and name not in fitting):
            scheme = f"scheme {name}" if name else f"one scheme of {', '.join(SCHEMES)}"
            raise ConfigError(f"the positions {', '.join(sorted(heads))} of the tags are not those of {scheme}: "
                              f"{shown(labels)}")  # fmt: skip
        self.name = name or fitting[0]
        self.tags = [("O", "") if letter == "O" else (ROLES[letter], kind) for letter, kind in
                     (split(label, self.form) for label in labels)]  # fmt: skip

    @property
    def is_suffix(self):
        """See the class."""
        return self.form in ("suffix", "lowercase suffix")

    def recognize(self, labels):
        """Sets `form` and returns the letters of the positions; None for tags without positions."""
        best = {}
        for form in FORMS:
            found = [split(label, form) for label in labels]
            heads = {pair[0] for pair in found if pair} - {"O"}
            if None not in found and heads and heads <= ROLES.keys() and heads & {"B", "I", "E"}:
                self.form = form
                return heads
            if heads >= {"B", "I"} or ("lowercase" not in form and heads & {"B", "I"}):
                best[form] = [
                    label for label, pair in zip(labels, found) if pair is None or pair[0] not in "O" + LETTERS
                ]
        if best:
            odd = min(best.values(), key=len)
            raise ConfigError(
                f"some tags have a position such as B- or -B and others have none: {shown(odd)}; all tags but O need "
                f"one of {', '.join(ROLES)} before or after a hyphen, or none does: {shown(labels)}"
            )
        return None

    def spans(self, tags):
        """The spans of one sequence.

        Args:
            tags (list[tuple]): (role, type) of each token, from `tags`.

        Returns:
            set[tuple]: (type, first token, last token).
        """
        strict = {None: lenient_spans, TOKENS: lenient_spans, "IOB1": strict_between, "BIO": strict_inside}
        return strict.get(self.given, strict_ends)(tags)

    def pieces(self):
        """The tags of the pieces of a token, by the id of its tag: (first piece, pieces between, last piece) as ids.

        `B-X` is continued by `I-X`; in a scheme with ends, `E-X` is `I-X ... E-X` and `S-X` is `B-X I-X ... E-X`. A tag
        that the labels lack is replaced by the token's own.
        """
        numbers = {tag: k for k, tag in reversed(list(enumerate(self.tags)))}
        ends = any(role in "ES" for role, _ in self.tags) and self.name != TOKENS
        found = {}
        for k, (role, kind) in enumerate(self.tags):
            begin, inside, end = (numbers.get((letter, kind), k) for letter in "BIE")
            if role == "B":
                found[k] = (k, inside, inside)
            elif ends and role == "E":
                found[k] = (inside, inside, k)
            elif ends and role == "S":
                found[k] = (begin, inside, end)
        return found


LETTERS = "".join(ROLES)


def split(label, form):
    """(letter, type) of a tag in one of the forms; None if it has another one."""
    lowercase = "lowercase" in form
    if label == "O" or (lowercase and label == "o"):
        return "O", ""
    if len(label) == 1 and label.isalpha() and label.isascii():
        return (label.upper(), "") if label.islower() == lowercase else None
    match = FORMS[form].fullmatch(label)
    return (match["head"].upper(), match["kind"]) if match else None


def shown(labels, most=12):
    """The first labels, for messages."""
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def begins(role, kind, before):
    """True if a token begins a span after the role and type `before`, None at the start (conlleval's rule)."""
    if role == "O":
        return False
    return role in "BS" or before is None or before[0] in "OES" or kind != before[1]


def lenient_spans(tags):
    """The spans of (role, type) as conlleval and seqeval's default mode read them."""
    found, start, before = set(), None, None
    for place, (role, kind) in enumerate([*tags, ("O", "")]):
        begin = begins(role, kind, before)
        if start is not None and (begin or role == "O" or before[0] in "ES"):
            found.add((before[1], start, place - 1))
            start = None
        if begin:
            start = place
        before = (role, kind)
    return found


def strict_inside(tags):
    """The spans B I ... I of (role, type); an I that continues nothing is no span."""
    found, start, open_kind = set(), None, None
    for place, (role, kind) in enumerate([*tags, ("O", "")]):
        if start is not None and (role != "I" or kind != open_kind):
            found.add((open_kind, start, place - 1))
            start = None
        if role == "B":
            start, open_kind = place, kind
    return found


def strict_between(tags):
    """The spans of IOB1: `I ... I`, and `B I ... I` directly behind a span of the same type; another B is no span."""
    found, start, before = set(), None, ("O", "")
    for place, (role, kind) in enumerate([*tags, ("O", "")]):
        if start is not None and (role != "I" or kind != before[1]):
            if not (before[0] == role == "B" and kind != before[1]):  # as seqeval: no such pair of tags is allowed
                found.add((before[1], start, place - 1))
            start = None
        if start is None and (role == "I" or (role == "B" and before[0] != "O" and kind == before[1])):
            start = place
        before = (role, kind)
    return found


def strict_ends(tags):
    """The spans S, and B I ... I E, of (role, type); incomplete ones are no spans."""
    found, start, open_kind = set(), None, None
    for place, (role, kind) in enumerate(tags):
        same = start is not None and kind == open_kind
        if role == "S":
            found.add((kind, place, place))
        elif role == "E" and same:
            found.add((kind, start, place))
        if role == "B":
            start, open_kind = place, kind
        elif role != "I" or not same:
            start = None
    return found
