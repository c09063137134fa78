"""A kit whose training command returns immediately, for tests of the search."""

import textwrap

from common.config import load_config
from common.search.setup import build_strategy, prepare_search

TRAIN = """
import json, pathlib, sys, time

words = sys.argv[1:]
values = dict(word.split("=", 1) for word in words[words.index("-o") + 1 :])
folder = pathlib.Path(values["output_dir"]) / values["name"]
(folder / "best").mkdir(parents=True, exist_ok=True)
starts = folder / "starts"
starts.write_text(str(int(starts.read_text()) + 1 if starts.exists() else 1))
x, kind = float(values.get("model.x", 0)), values.get("model.kind", "good")
if kind == "crash":
    sys.exit("error: this one cannot be trained")
if kind == "diverge":
    sys.exit(5)
slept = pathlib.Path(values["output_dir"]) / "slept"
if kind == "slow" and not slept.exists():
    slept.touch()
    time.sleep(60)
score = -((x - 3.0) ** 2)
(folder / "best" / "state.json").write_text(json.dumps({"best": {"score": score}}))
(folder / "metrics.jsonl").write_text(json.dumps({"kind": "eval", "step": 1, "other": x}) + "\\n")
"""
MODEL = '''
from paddle import nn


class Net(nn.Layer):
    """A net.

    Args:
        x (float): a number.
        kind (str): a word.
    """

    def __init__(self, x=0.0, kind="good"):
        super().__init__()
        self.x, self.kind = x, kind
'''
METRIC = '''
class Score:
    """A score."""

    def update(self, outputs, batch):
        """Nothing."""

    def compute(self):
        """Nothing."""
'''
DATA = '''
class Rows:
    """A dataset."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return {}
'''
CONFIG = """
model: {type: Net, x: 0, kind: good}
data:
  eval: {type: Rows}
  metric: {type: Score}
optimizer: {type: SGD, lr: 1.0}
train: {epochs: 1, batch_size: 1}
"""


def make_kit(folder, search):
    """A kit with one configuration, whose section `search:` is this text; returns the configuration's path."""
    for part, name, text in (
        ("models", "net.py", MODEL),
        ("metrics", "score.py", METRIC),
        ("data", "rows.py", DATA),
        ("tools", "train.py", TRAIN),
        ("configs", "net.yml", CONFIG + "search:\n" + textwrap.indent(textwrap.dedent(search).strip(), "  ") + "\n"),
    ):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / name).write_text(text)
    return folder / "configs" / "net.yml"


class Options:
    """The options of `tools/search.py`."""

    def __init__(self, trials=None, workers=1, storage=None, resume=None):
        self.trials, self.workers, self.storage, self.resume = trials, workers, storage, resume


def prepared(path, folder, **options):
    """The search of a configuration."""
    config = load_config(path, [f"output_dir={folder}"])
    config.check()
    return prepare_search(config, build_strategy(config), folder, Options(**options), higher=True)
