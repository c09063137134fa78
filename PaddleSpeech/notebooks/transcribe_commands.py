# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
"""
# Train a recognizer of spoken commands

This notebook generates recordings of short commands in a language of six letters, each a chord of two tones, and
trains a small DeepSpeech2 to transcribe them. It runs within seconds on a CPU; recordings of real speech are described
by a manifest in the same way.
"""

# %%
import importlib
import json
import pathlib
import sys
import tempfile

KIT = pathlib.Path(globals().get("__file__", "notebook.py")).resolve().parents[1]
sys.path.insert(0, str(KIT.parent))

from common import api  # started as a script, it continues in .venv

WORK = pathlib.Path(tempfile.mkdtemp(prefix="transcribe_commands_"))

from PIL import Image

# %% [markdown]
"""
## The data

A manifest has one JSON object per line: the recording, its duration in seconds, and its transcript. The vocabulary
lists the characters.
"""

# %%
make_tones = importlib.import_module(f"{KIT.name}.tools.make_spoken_tones").make_spoken_tones
make_tones(WORK / "spoken", train=96, evaluation=16)
manifest = [json.loads(line) for line in (WORK / "spoken" / "eval.jsonl").read_text().splitlines()]
manifest[0]

# %% [markdown]
"""
## Training

The network predicts a character, or none, for every few frames of a spectrogram; the CTC loss sums over all
alignments with the transcript.
"""

# %%
config = KIT / "configs" / "tiny" / "recognition" / "deepspeech2.yml"
changes = {"dataset": str(WORK / "spoken"), "output_dir": str(WORK / "output")}
run = api.train(config, evaluate=True, train={"epochs": 6, "eval_every": 0, "save_every": 0}, **changes)
run.scores

# %% [markdown]
"""
## The course of the training

A CTC loss first falls quickly, while the network learns to predict nothing, then stays level for a while before the
first characters appear.
"""

# %%
Image.open(run.folder / "plots" / "loss.png")

# %% [markdown]
"""
## Export and transcription

The export holds the spectrogram, the vocabulary and the decoder. A recording is a path, or samples with their rate.
"""

# %%
exported = api.export(config, weights=str(run.weights), **changes)
predictor = api.Predictor(exported)
recordings = [WORK / "spoken" / row["audio_filepath"] for row in manifest[:6]]
predictor(recordings[0])

# %% [markdown]
"""
## Transcripts as a table

`score` is the geometric mean of the probabilities over all frames.
"""

# %%
predictions = predictor(recordings)
predictions.save(WORK / "transcripts.csv")
predictions
