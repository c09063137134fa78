# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Price places of a made city

This notebook makes a city of houses and public places, trains MONOPOLY on it, and prices houses that it has not
seen. It runs within seconds on a CPU.
"""

# %%
import importlib
import pathlib
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))

from common import api  # started as a script, it continues in .venv

WORK = pathlib.Path(tempfile.mkdtemp(prefix="price_places_"))

from PIL import Image

# %% [markdown]
"""
## The data

A row is a house: where it is, its size, its age and its price. The public places have coordinates and no price.
"""

# %%
make_places = importlib.import_module(f"{KIT.name}.tools.make_places").make_places
make_places(WORK / "places", train=800, evaluation=100)
(WORK / "places" / "train.csv").read_text().splitlines()[:4]

# %% [markdown]
"""
## Training

The price of a house is a weighted mean of what is near it, times a factor of its own attributes. `near_rmse` is the
error of the plain mean of the near prices.
"""

# %%
config = KIT / "configs" / "tiny" / "pricing" / "monopoly.yml"
changes = {"dataset": str(WORK / "places"), "output_dir": str(WORK / "output")}
run = api.train(config, evaluate=True, **changes)
run.scores

# %% [markdown]
"""
## The course of the training
"""

# %%
Image.open(run.folder / "plots" / "loss.png")

# %% [markdown]
"""
## Export and prices

The export holds the known places: coordinates and attributes in, a price out.
"""

# %%
exported = api.export(config, weights=str(run.weights), **changes)
predictor = api.Predictor(exported)
house = {"longitude": 8.1, "latitude": 47.1, "age": 10}
predictor(house | {"size": 120})

# %% [markdown]
"""
## The price by the size
"""

# %%
predictions = predictor([house | {"size": size} for size in (50, 80, 120, 180)])
predictions.save(WORK / "prices.csv")
predictions
