# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Compress a classifier and compare

This notebook trains a small residual network on handwritten digits, removes half of its multiply-adds by pruning
filters, fine-tunes the rest, and compares the two models in score and size. It runs within seconds on a CPU.
"""

# %%
import importlib
import pathlib
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))

from common import api  # started as a script, it continues in .venv

WORK = pathlib.Path(tempfile.mkdtemp(prefix="compress_classifier_"))

from PIL import Image

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

The configuration is one of PaddleCV, for images of 32 x 32 pixels.
"""

# %%
models = pathlib.Path(importlib.import_module("PaddleCV").__file__).parent
config = models / "configs" / "tiny" / "classification" / "small_images.yml"
once = {"eval_every": 0, "save_every": 0}
whole = api.train(config, evaluate=True, train={"epochs": 8} | once, **changes)
whole.scores

# %% [markdown]
"""
## Pruning

A configuration is compressed by its section `slim:`. `FilterPruning` removes the filters that matter least and leaves a
smaller network, which is trained further. Its structure is kept beside the weights.
"""

# %%
pruning = {
    "kit": "PaddleCV",
    "_base_": str(config),
    "name": "pruned",
    "slim": {"type": "FilterPruning", "flops": 0.5},
    "pretrained": str(whole.weights),
    "train": {"epochs": 4} | once,
}
pruned = api.train(pruning, evaluate=True, **changes)
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
    "pruned": api.export(pruning, weights=str(pruned.weights), **changes),
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
