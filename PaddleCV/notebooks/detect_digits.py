# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Train a small detector and look at its boxes

This notebook generates a few images of handwritten digits, trains a small YOLOv3 on them, looks at what the network
saw during training, and exports the model to predict boxes. It runs within seconds on a CPU; with your own data, only
the paths and the number of epochs change.
"""

# %%
import importlib
import pathlib
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))

from common import api  # started as a script, it continues in .venv

WORK = pathlib.Path(tempfile.mkdtemp(prefix="detect_digits_"))

from PIL import Image

# %% [markdown]
"""
## The data

`make_digits` writes images, and their boxes as COCO annotations. Your own images with annotations in the formats
of YOLO, Pascal VOC, COCO or labelme are prepared by `python tools/prepare.py FOLDER`.
"""

# %%
make_digits = importlib.import_module(f"{KIT.name}.tools.make_digits").make_digits
make_digits(WORK / "digits", train=24, evaluation=4, size=96)
images = sorted((WORK / "digits" / "JPEGImages").iterdir())
Image.open(images[-1])

# %% [markdown]
"""
## Training

A configuration is a YAML file; any of its keys can be changed here. This one is a miniature of `configs/yolov3.yml`.
To keep the run short, it learns from the same 24 images that it is evaluated on, so the scores only show that
the network can learn.
"""

# %%
changes = {
    "dataset": str(WORK / "digits"),
    "output_dir": str(WORK / "output"),
    "data": {
        "train": {
            "transforms": [
                {"type": "Decode"},
                {"type": "RandomDistort"},
                {"type": "Resize", "size": 96},
                {"type": "Normalize"},
            ]
        },
        "eval": {"annotations": "annotations/train.json"},
    },
    "optimizer": {"type": "Adam", "lr": {"type": "CosineDecay", "base": 1e-2, "warmup_steps": 8}},
    "train": {"epochs": 20, "eval_every": 0, "save_every": 0},
}
config = KIT / "configs" / "tiny" / "detection" / "yolov3.yml"
run = api.train(config, evaluate=True, **changes)
run.scores

# %% [markdown]
"""
## The training batches

The first three batches of a run are drawn as the network sees them: after augmentation and resizing, with the
boxes. Wrong labels, shifted boxes and exaggerated augmentation show up here first. `python tools/check.py -c CONFIG
--show FOLDER` draws the same images before the training.
"""

# %%
Image.open(run.folder / "plots" / "train_batch_0.jpg")

# %% [markdown]
"""
## The course of the training

The folder of a run also holds plots of the losses, the scores, the learning rate and the confusion matrix.
"""

# %%
Image.open(run.folder / "plots" / "loss.png")

# %% [markdown]
"""
## Export and prediction

The exported folder contains everything that inference needs: the network, its pre-processing and the class names.
Predictions are plain lists of dicts. After a few seconds of training their scores are low, and so is the threshold
here; a detector that is trained to the end is used with the default of 0.5. In a notebook, predictions are displayed
as the image with its boxes; in a program, `boxes.show()` opens a viewer.
"""

# %%
exported = api.export(config, weights=str(run.weights), **changes)
predictor = api.Predictor(exported)
boxes = predictor(images[-1], threshold=0.08)
boxes

# %% [markdown]
"""
## Saving predictions

`save` writes the image with its boxes, or a table with one row per box.
"""

# %%
boxes.save(WORK / "boxes.png")
predictor(images[:8]).save(WORK / "boxes.csv")
(WORK / "boxes.csv").read_text().splitlines()[:4]
