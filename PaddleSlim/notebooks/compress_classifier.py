# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Compress a classifier and compare

This notebook trains a small MobileNetV1 on handwritten digits, removes half of its multiply-adds by pruning filters,
fine-tunes the rest, and compares the two models in score and size. It runs within seconds on a CPU.
"""

# %%
import importlib
import pathlib
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))
WORK = pathlib.Path(tempfile.mkdtemp(prefix="compress_classifier_"))

from PIL import Image

from common import api

# %% [markdown]
"""
## The data and the model

Compression works on the models of every kit: here it is a classifier of PaddleCV.
"""

# %%
make_digit_classes = importlib.import_module("PaddleCV.tools.make_digit_classes").make_digit_classes
make_digit_classes(WORK / "digits", train=24, evaluation=8)
changes = {"dataset": str(WORK / "digits"), "output_dir": str(WORK / "output")}

# %% [markdown]
"""
## Training the whole network
"""

# %%
cv = importlib.import_module("PaddleCV")
config = pathlib.Path(cv.__file__).parent / "configs" / "tiny" / "classification" / "mobilenet_v1.yml"
whole = api.train(config, evaluate=True, train={"epochs": 3, "eval_every": 0, "save_every": 0}, **changes)
whole.scores

# %% [markdown]
"""
## Pruning

`FilterPruning` removes the filters that matter least and leaves a smaller network, which is trained further. Its
structure is kept beside the weights. With `allocate: sensitivity` it first measures how much each layer may lose.
"""

# %%
pruning = KIT / "configs" / "tiny" / "pruning" / "prune.yml"
changes_of_pruning = {
    "pretrained": str(whole.weights),
    "slim": {"allocate": "uniform"},
    "train": {"epochs": 2, "eval_every": 0, "save_every": 0},
}
pruned = api.train(pruning, evaluate=True, **changes_of_pruning, **changes)
pruned.scores

# %% [markdown]
"""
## The training batches

Compression changes nothing about the data: the batches look as they did before.
"""

# %%
Image.open(pruned.folder / "plots" / "train_batch_0.jpg")

# %% [markdown]
"""
## Comparison

Both are exported and used in the same way; the pruned one is smaller on the disk and needs half the multiply-adds.
"""

# %%
exports = {
    "whole": api.export(config, weights=str(whole.weights), **changes),
    "pruned": api.export(pruning, weights=str(pruned.weights), **changes_of_pruning, **changes),
}
{name: round((folder / "model.pdiparams").stat().st_size / 1024) for name, folder in exports.items()}  # kilobytes

# %% [markdown]
"""
## Predictions of the pruned model
"""

# %%
predictor = api.Predictor(exports["pruned"])
images = sorted((WORK / "digits").rglob("*.png"))
predictions = predictor(images[:4])
predictions.save(WORK / "scores.csv")
predictions
