# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Train a text classifier and read its predictions

This notebook writes a few hundred short reviews, trains a small convolutional network on them, and exports it to
classify new texts. It runs within seconds on a CPU. Larger encoders, pretrained ones among them, are chosen by another
configuration; the steps stay the same.
"""

# %%
import pathlib
import random
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))

from common import api  # started as a script, it continues in .venv

WORK = pathlib.Path(tempfile.mkdtemp(prefix="classify_texts_"))

from PIL import Image

# %% [markdown]
"""
## The data

A dataset of texts is a file of tab-separated columns with a header. The vocabulary lists one token per line; the first
two are reserved for padding and for unknown tokens.
"""

# %%
things = ["room", "meal", "view", "staff", "pool", "price"]
words = {"good": ["great", "fine", "lovely", "quiet"], "bad": ["awful", "dirty", "loud", "poor"]}
rng = random.Random(0)


def review():
    """A line of the dataset: the text and its label."""
    label = rng.choice(list(words))
    first, second = rng.sample(things, 2)
    return f"the {first} was {rng.choice(words[label])} and the {second} {rng.choice(words[label])}\t{label}"


for name, count in (("train", 400), ("eval", 80)):
    lines = ["text_a\tlabel", *(review() for _ in range(count))]
    (WORK / f"{name}.tsv").write_text("\n".join(lines) + "\n")
vocabulary = ["[PAD]", "[UNK]", "the", "was", "and", *things, *words["good"], *words["bad"]]
(WORK / "words.txt").write_text("\n".join(vocabulary) + "\n")
lines[:4]

# %% [markdown]
"""
## Training

The configuration is a miniature of `configs/senta.yml`. Keys that are given here replace its own.
"""

# %%
config = KIT / "configs" / "tiny" / "classification" / "words.yml"
changes = {
    "root": str(WORK),
    "vocab": str(WORK / "words.txt"),
    "vocab_size": len(vocabulary),
    "output_dir": str(WORK / "output"),
    "labels": ["bad", "good"],
    "data": {"train": {"file": "train.tsv"}, "eval": {"file": "eval.tsv"}},
}
run = api.train(config, evaluate=True, **changes)
run.scores

# %% [markdown]
"""
## Evaluation

The confusion matrix counts how often each class was predicted for another one.
"""

# %%
plots = run.folder / "plots"
Image.open(next(path for path in (plots / "confusion.png", plots / "scores.png") if path.exists()))

# %% [markdown]
"""
## Export and prediction

The export carries the vocabulary. Words that are not in it are counted and reported; a model that does not know the
words of its input cannot be right except by chance.
"""

# %%
exported = api.export(config, weights=str(run.weights), **changes)
predictor = api.Predictor(exported)
predictor("the pool was lovely and the price fine")

# %% [markdown]
"""
## Many texts

A list of inputs gives a list of predictions, which a notebook displays as a table and `save` writes as csv. On the
command line this is `python tools/infer.py --model EXPORT --input texts.txt --out scores.csv`.
"""

# %%
texts = ["the meal was awful and the room dirty", "the view was great and the staff lovely"]
predictions = predictor(texts)
predictions.save(WORK / "scores.csv")
predictions
