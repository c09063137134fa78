"""What a search leaves for people: a csv of its trials, a table, and the best candidate as a line of `-o`."""

import csv
import os
import shlex

from common.config.overrides import assignments, flow
from common.search.space import decode
from common.search.study import COUNTED, first_number, outcome, standing

OTHERS = ("rejected", "repeated", "interrupted", "surplus")


def ranked(study):
    """The trials that count: those with a score first, the best first (list[FrozenTrial])."""
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    trials = [trial for trial in study.get_trials(deepcopy=False) if outcome(trial) in COUNTED]
    return sorted(trials, key=lambda t: (t.value is None, sign * t.value if t.value is not None else 0, t.number))


def rows(study, space):
    """A dict a trial that counts, in order of their numbers; its values as they are written in a configuration."""
    found = []
    for trial in sorted(ranked(study), key=first_number):
        values = {}
        if len(trial.params) == len(space.dimensions):
            values = {name: flow(value) for name, value in decode(space.dimensions, trial.params).items()}
        found.append(
            {
                "trial": first_number(trial),
                "outcome": outcome(trial),
                "score": "" if trial.value is None else f"{trial.value:.6g}",
                **trial.user_attrs.get("measures", {}),
                "seconds": trial.user_attrs.get("seconds", ""),
                "folder": trial.user_attrs.get("folder", ""),
                **values,
                "reason": trial.user_attrs.get("reason", ""),
            }
        )
    return found


def write_csv(path, study, space):
    """Writes the trials that count to a csv file, as a whole or not at all."""
    found = rows(study, space)
    heads = list(dict.fromkeys(head for row in found for head in row if head != "reason"))
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*heads, "reason"], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    draft.replace(path)


def table(study, space, most=10):
    """The best trials as lines of text, under their heads."""
    by_number = {row["trial"]: row for row in rows(study, space)}
    best = [by_number[first_number(trial)] for trial in ranked(study)[:most]]
    if not best:
        return "no trial has ended"
    left_out = {"folder", "reason", "outcome"}
    heads = [head for head in dict.fromkeys(head for row in best for head in row) if head not in left_out]
    lines = [heads, *([str(row.get(head, "")) or row["outcome"] for head in heads] for row in best)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)


def summary(study, space, config, folder):
    """The words a search ends with: the table, how many trials there were, and the best as a command."""
    counts = standing(study)
    parts = [f"{counts[name]} {name}" for name in (*COUNTED, *OTHERS) if counts[name]]
    lines = [table(study, space), "", f"{', '.join(parts) or 'no trial'}; all in {folder / 'trials.csv'}"]
    best = next(iter(ranked(study)), None)
    if best is not None and best.value is not None:
        chosen = space.overrides(decode(space.dimensions, best.params))
        words = shlex.join([*config.overrides, *assignments(chosen)])
        lines += [
            f"best: trial {first_number(best)}, score {best.value:.6g}, {folder / best.user_attrs['folder'] / 'best'}",
            f"  -c {shlex.quote(str(config.path))} -o {words}",
        ]
    return "\n".join(lines)
