"""Rates of unknown values: the share of each column that is not in the vocabulary fitted to the training rows."""

from common.log import logger

RATE = 0.2  # of unknown values in a column, above which a warning is logged
MORE = 0.1  # as much more than in the training rows, whose rare values may be unknown by choice
EARLY = 10_000  # values of a column after which an epoch is not waited for


class UnknownRate:
    """Counts of unknown values by column; one warning for each column that has too many.

    Args:
        file (str | Path): the vocabulary, for messages.
    """

    def __init__(self, file):
        self.file, self.counts, self.expected, self.warned, self.taken = file, {}, {}, set(), {}

    def add(self, column, unknown, seen, expected=0.0):
        """Adds the values of a block of rows.

        Args:
            column (str): its name.
            unknown (int): values that are not in the vocabulary.
            seen (int): all values, without missing ones.
            expected (float): the share of unknown values in the training rows.
        """
        before = self.counts.get(column, (0, 0))
        self.counts[column] = before[0] + int(unknown), before[1] + int(seen)
        self.expected[column] = float(expected)
        if before[1] < EARLY <= self.counts[column][1]:
            self.report()

    def take(self):
        """The counts since the last call: {column: (unknown, seen)}."""
        new = {}
        for column, (unknown, seen) in self.counts.items():
            before = self.taken.get(column, (0, 0))
            if seen > before[1]:
                new[column] = unknown - before[0], seen - before[1]
        self.taken = dict(self.counts)
        return new

    def high(self):
        """The columns with too many unknown values: {name: share}."""
        shares = {name: unknown / seen for name, (unknown, seen) in self.counts.items() if seen}
        return {name: share for name, share in shares.items() if share > max(RATE, self.expected[name] + MORE)}

    def report(self):
        """Warns of the columns with too many unknown values, of each once."""
        for name, share in self.high().items():
            if name not in self.warned:
                logger.warning(
                    "column '%s': %.0f %% of %d values are not in %s (training rows: %.0f %%); are they written as in "
                    "training? after the training data changed: tools/fit.py --force",
                    *(name, 100 * share, self.counts[name][1], self.file, 100 * self.expected[name]),
                )
                self.warned.add(name)


def unknown_rates(transforms):
    """The counts of the transforms that have a vocabulary (list[UnknownRate])."""
    rates = [getattr(transform, "unknown", None) for transform in transforms]
    return [rate for rate in rates if isinstance(rate, UnknownRate)]
