# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Balance a pole

This notebook trains a small DQN on CartPole for some seconds, exports its policy, and looks at what it does. A good
policy takes some minutes: `configs/dqn_cartpole.yml`.
"""

# %%
import csv
import pathlib
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))

from common import api  # started as a script, it continues in .venv

WORK = pathlib.Path(tempfile.mkdtemp(prefix="balance_pole_"))

import numpy as np
from PIL import Image

# %% [markdown]
"""
## Training

The agent acts, remembers, and learns from what it remembers. Its score is the mean return: for how many steps the
pole was up.
"""

# %%
config = KIT / "configs" / "tiny" / "control" / "dqn.yml"
changes = {"output_dir": str(WORK / "output")}
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
## Export

The export is the policy: an observation in, the best action and the values of all actions out. An observation has
four numbers: position and speed of the cart, angle and angular speed of the pole.
"""

# %%
exported = api.export(config, weights=str(run.weights), **changes)
predictor = api.Predictor(exported)
angles = np.linspace(-0.2, 0.2, 9, dtype="float32")
observations = np.stack([np.zeros_like(angles), np.zeros_like(angles), angles, np.zeros_like(angles)], 1)
found = predictor.model.run({"observation": observations})
found["action"]

# %% [markdown]
"""
## Values by the angle of the pole
"""

# %%
with open(WORK / "values.csv", "w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["angle", "left", "right"])
    rows.writerows((angle, *pair) for angle, pair in zip(angles.tolist(), found["values"].tolist()))
(WORK / "values.csv").read_text().splitlines()
