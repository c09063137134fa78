"""Runs a script as the trials of a search: hyperparameters are its options, and it reports a score.

A trial is the process `SCRIPT --NAME=VALUE ... --saved_params_dir=FOLDER`.  The script keeps its model in that folder
and calls `hub.report_final_result(score)`.  Trials that start from the model of another one are given
`--model_path=FOLDER` as well, and the number of epochs, `--epochs=N`, as PaddleHub's are.
"""

import math
import os
import shlex
import sys

from common.config.kits import ROOT
from common.search.training import BOUND, TrialFailed, Trials
from common.system.trial import SCORE_FILE, read_reported_score


class ScriptTrials(Trials):
    """Runs a script for candidates.

    Args:
        script (Path): a Python file.
        folder (Path): of the search; trials run in subfolders.
        options (dict): name -> value, further options of every trial.
        epochs (int | None): value of its option `--epochs`; None to leave it out.
        threads (int): CPU threads per trial; 0 for all.
        devices (list[str]): numbers of graphics cards; empty for what the script takes itself.
    """

    def __init__(self, script, folder, options=None, epochs=None, threads=0, devices=()):
        super().__init__(folder, threads, devices)
        self.script, self.options, self.epochs = script, dict(options or {}), epochs

    def command(self, name, overrides, parent=None):
        """The command line of a trial; its folder is made, and an earlier score removed."""
        folder = self.folder / name
        self.model_of(folder).mkdir(parents=True, exist_ok=True)
        (folder / "score.json").unlink(missing_ok=True)
        more = {"saved_params_dir": self.model_of(folder)}
        if parent is not None:
            more["model_path"] = self.model_of(self.folder / parent)
        if self.epochs is not None:
            more["epochs"] = self.epochs
        return [sys.executable, "-c", BOUND, str(self.script), *as_options({**self.options, **overrides, **more})]

    def environment(self, name):
        """The file of the score, and the path of `common` for the imports of the script."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {SCORE_FILE: str(self.folder / name / "score.json"), "PYTHONPATH": os.pathsep.join(paths)}

    def score(self, folder):
        """The score that the script reported.

        Raises:
            TrialFailed: it reported none, or one that is not finite.
        """
        score = read_reported_score(folder / "score.json")
        if score is None:
            raise TrialFailed("the script ended without a score; it calls hub.report_final_result(score)")
        if not math.isfinite(score):
            raise TrialFailed(f"the script reported the score {score}", diverged=True)
        return score

    def model_of(self, folder):
        """The folder that the script saves its model to."""
        return folder / "model"

    def words(self, overrides):
        """The command line of the script, as a shell takes it: with a folder for its model, and where `common` is."""
        model = self.folder / "retrained"
        values = {**self.options, **overrides, "saved_params_dir": model}
        called = shlex.join(["python", str(self.script), *as_options(values)])
        return f"  mkdir -p {shlex.quote(str(model))} && PYTHONPATH={shlex.quote(str(ROOT))} {called}"


def as_options(values):
    """`--name=value` of each item (list[str])."""
    return [f"--{name.lstrip('-')}={value}" for name, value in values.items()]
