"""The problems of a configuration as text."""

LINES = 10


def report(problems, most=LINES):
    """The problems by file and line, at most `most` lines and one that counts the rest."""
    lines, left, hinted = [], 0, set()
    for place, message, hint in sorted(dict.fromkeys(problems), key=lambda p: _order(p[0])):
        new = [f"{place}: {message}"] + ([f"    {hint}"] if hint and hint not in hinted else [])
        if left or len(lines) + len(new) > most:
            left += 1
            continue
        hinted.add(hint)
        lines += new
    return "\n".join(lines + ([f"... and {left} more problem{'s' if left > 1 else ''}"] if left else []))


def _order(place):
    """Files by name and line, what the command line says after them."""
    file, _, line = place.rpartition(":")
    return (place.startswith("-o "), file, int(line) if line.isdigit() else 0)
