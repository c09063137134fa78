"""Reports of a search: a CSV file of the trials, a summary table, and the best candidate as `-o` overrides."""

import csv
import os

from common.config.overrides import to_inline_yaml
from common.errors import KitError
from common.search.space import decode
from common.search.study import COUNTED, count_outcomes, first_number, outcome

OTHERS = ("rejected", "repeated", "interrupted", "surplus")


def rank_trials(study):
    """The counted trials, best score first, those without a score last (list[FrozenTrial])."""
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    trials = [trial for trial in study.get_trials(deepcopy=False) if outcome(trial) in COUNTED]
    return sorted(trials, key=lambda t: (t.value is None, sign * t.value if t.value is not None else 0, t.number))


def trial_rows(study, space):
    """A dict per counted trial, in order of trial numbers, with values in configuration syntax."""
    found = []
    for trial in sorted(rank_trials(study), key=first_number):
        values = {}
        if len(trial.params) == len(space.dimensions):
            values = {name: to_inline_yaml(value) for name, value in decode(space.dimensions, trial.params).items()}
        found.append(
            {
                "trial": first_number(trial),
                "outcome": outcome(trial),
                "score": "" if trial.value is None else f"{trial.value:.6g}",
                **trial.user_attrs.get("measures", {}),
                "seconds": trial.user_attrs.get("seconds", ""),
                "folder": trial.user_attrs.get("folder", ""),
                **({"parent": trial.user_attrs["parent"]} if "parent" in trial.user_attrs else {}),
                **values,
                "reason": trial.user_attrs.get("reason", ""),
            }
        )
    return found


def write_csv(path, study, space):
    """Writes the counted trials to a CSV file atomically."""
    found = trial_rows(study, space)
    heads = list(dict.fromkeys(head for row in found for head in row if head != "reason"))
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*heads, "reason"], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    draft.replace(path)


def format_table(study, space, most=10):
    """The best trials as a text table with headers."""
    by_number = {row["trial"]: row for row in trial_rows(study, space)}
    best = [by_number[first_number(trial)] for trial in rank_trials(study)[:most]]
    if not best:
        return "no completed trials"
    left_out = {"folder", "parent", "reason", "outcome"}
    heads = [head for head in dict.fromkeys(head for row in best for head in row) if head not in left_out]
    lines = [heads, *([str(row.get(head, "")) or row["outcome"] for head in heads] for row in best)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)


def check_scored(study):
    """Refuses a search without a single score.

    Raises:
        KitError: every trial failed or was rejected; gives the reason of the first that failed.
    """
    trials = rank_trials(study)
    if any(trial.value is not None for trial in trials):
        return
    reasons = [trial.user_attrs["reason"] for trial in trials if trial.user_attrs.get("reason")]
    because = f"; the first that failed: {reasons[0]}" if reasons else ""
    raise KitError(f"no trial has a score: {count_trials(study) or 'there were none'}{because}")


def count_trials(study):
    """The numbers of trials by outcome (str), such as `5 trained, 1 failed`."""
    counts = count_outcomes(study)
    return ", ".join(f"{counts[name]} {name}" for name in (*COUNTED, *OTHERS) if counts[name])


def format_summary(study, space, trainer, folder):
    """The final summary of a search: the table, the number of trials, and the best candidate as a command.

    Args:
        study (Study): of the search.
        space (object): of the search.
        trainer (Trials): runs candidates.
        folder (Path): of the search.
    """
    lines = [format_table(study, space), "", f"{count_trials(study) or 'no trials'}; see {folder / 'trials.csv'}"]
    best = next(iter(rank_trials(study)), None)
    if best is not None and best.value is not None:
        chosen = space.overrides(decode(space.dimensions, best.params))
        model = trainer.model_of(folder / best.user_attrs["folder"])
        lines += [f"best: trial {first_number(best)}, score {best.value:.6g}, {model}", trainer.words(chosen)]
    return "\n".join(lines)
