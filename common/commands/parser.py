"""Argument parser with suggestions for misspelled options and commands."""

import argparse
import re
import sys

from common.suggest import did_you_mean

NEGATIVE = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?(,.*)?")  # a number, or numbers such as those of a box


def positive_int(text):
    """`type` of an option that takes a whole number of 1 or more; the parser refuses less."""
    return int(text)


positive_int.__name__ = "int"  # as argparse names it in its messages


class Parser(argparse.ArgumentParser):
    """Exits with code 2 and one message on errors; options cannot be abbreviated, and whole numbers are not negative.

    A subcommand whose `takes_words` is set collects arguments that are no options, anywhere, in `words`.
    """

    takes_words = False

    def __init__(self, *arguments, **keywords):
        keywords.setdefault("allow_abbrev", False)
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*arguments, **keywords)
        self._negative_number_matcher = re.compile(NEGATIVE.pattern + "$")  # what argparse takes for no option

    def add_made_set(self, out, train, evaluation, size, what="images"):
        """Adds the options of a script that draws images: --out, --train, --eval, --size and --seed, with defaults."""
        shown = "(default: %(default)s)"
        self.add_argument("--out", default=out, help=f"output folder {shown}")
        self.add_argument("--train", type=int, default=train, help=f"training {what} {shown}")
        self.add_argument("--eval", type=int, default=evaluation, help=f"evaluation {what} {shown}")
        self.add_argument("--size", type=int, default=size, help=f"side of an image in pixels {shown}")
        self.add_argument("--seed", type=int, default=0, help=f"random seed {shown}")

    def parse_args(self, args=None, namespace=None):
        """As argparse, but reports an unknown option first, with the nearest known one."""
        args = sys.argv[1:] if args is None else list(args)
        self._refuse_unknown(args)
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown[0], parsed))
        return parsed

    def parse_known_args(self, args=None, namespace=None):
        """As argparse, with `words`."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if self.takes_words:
            parsed.words = [text for text in unknown if not text.startswith("-")]
            unknown = [text for text in unknown if text.startswith("-")]
        return parsed, unknown

    def _refuse_unknown(self, args):
        """Exits on the first long option that neither this parser nor the chosen subcommand has."""
        chosen = argparse.Namespace()
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                setattr(chosen, action.dest, next((text for text in args if text in action.choices), None))
        options = self._options(chosen)
        for text in args[: args.index("--") if "--" in args else None]:
            if text.startswith("--") and text.partition("=")[0] not in options:
                self.error(self._unknown(text, chosen))

    def _unknown(self, text, parsed):
        option = text.split("=", 1)[0]
        if not text.startswith("-"):
            hint = f"; to set a value write -o {text}" if "=" in text else ""
            return f"unexpected argument '{text}'{hint}"
        return f"unknown option {option}{did_you_mean(option, self._options(parsed))}"

    def _options(self, parsed):
        """The options of this parser and of the chosen subcommand."""
        found = list(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                chosen = getattr(parsed, action.dest, None)
                found += [o for name, p in action.choices.items() if chosen in (None, name) for o in p._options(parsed)]
        return found

    def _get_value(self, action, text):
        value = super()._get_value(action, text)
        least = {int: 0, positive_int: 1}.get(action.type)
        if least is not None and value < least:
            raise argparse.ArgumentError(None, f"{action.option_strings[0]} is {value}; allowed: {least} or more")
        return value

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            hint = did_you_mean(str(value), names) or f"; choose from {', '.join(names)}"
            raise argparse.ArgumentError(action, f"there is no '{value}'{hint}")

    def error(self, message):
        """Prints the message and a pointer to --help, and exits with code 2."""
        sys.stderr.write(f"{self.prog}: {message}\n    {self.prog} --help lists the options\n")
        sys.exit(2)
