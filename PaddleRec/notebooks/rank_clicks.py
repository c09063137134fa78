# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Train a click model and rank rows

This notebook generates clicks in the format of the Criteo dataset, trains a small DeepFM on them, and exports it to
predict the probability of a click. It runs within seconds on a CPU.
"""

# %%
import csv
import importlib
import json
import pathlib
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))

from common import api  # started as a script, it continues in .venv

WORK = pathlib.Path(tempfile.mkdtemp(prefix="rank_clicks_"))

from PIL import Image

# %% [markdown]
"""
## The data

A row has a label, 13 numbers and 26 categories. The clicks are drawn from known probabilities, so the best AUC that
any model can reach is known, too: `make_clicks` writes it to `about.json`.
"""

# %%
make_clicks = importlib.import_module(f"{KIT.name}.tools.make_clicks").make_clicks
make_clicks(WORK / "clicks", train=4000, evaluation=800, values=50)
json.loads((WORK / "clicks" / "about.json").read_text())

# %% [markdown]
"""
## Training

Numbers are scaled and categories are numbered by a transform that is fitted to the training rows. Its file is kept
beside the weights and in the export.
"""

# %%
config = KIT / "configs" / "tiny" / "ranking" / "deepfm.yml"
changes = {"dataset": str(WORK / "clicks"), "output_dir": str(WORK / "output")}
run = api.train(config, evaluate=True, **changes)
run.scores

# %% [markdown]
"""
## The course of the training

Scores after each epoch: an AUC that falls again means that the model has begun to memorize its rows.
"""

# %%
Image.open(run.folder / "plots" / "scores.png")

# %% [markdown]
"""
## Export and prediction

A row is a dict by column. Categories that the training rows did not have are treated as unknown, and reported.
"""

# %%
exported = api.export(config, weights=str(run.weights), **changes)
predictor = api.Predictor(exported)
names = [f"I{k}" for k in range(1, 14)] + [f"C{k}" for k in range(1, 27)]
with open(WORK / "clicks" / "eval.txt", newline="") as file:
    rows = [dict(zip(names, line[1:], strict=True)) for line in csv.reader(file, delimiter="\t")]
predictor(rows[0])

# %% [markdown]
"""
## Ranking

The rows with the highest probability come first. Many rows are predicted faster on the command line:
`python tools/infer.py --model EXPORT --input rows.csv --out scores.csv`.
"""

# %%
predictions = predictor(rows[:20])
predictions.save(WORK / "scores.csv")
order = sorted(range(20), key=lambda row: -predictions[row][0]["score"])
[(row + 1, predictions[row][0]["score"]) for row in order[:5]]
