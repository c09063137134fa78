"""Tests of the notebooks of the kits: percent scripts without outputs, which run from beginning to end."""

import ast
import os
import re
import runpy
import subprocess
import sys

import pytest

from common.config.kits import ROOT, shipped_kits
from tests.made.tracked import tracked

NOTEBOOKS = tracked("*/notebooks/*")


def test_every_kit_has_a_notebook_and_its_readme_links_to_it():
    assert {path.parents[1] for path in NOTEBOOKS} == set(shipped_kits())
    for path in NOTEBOOKS:
        assert f"(notebooks/{path.name})" in (path.parents[1] / "README.md").read_text(encoding="utf-8"), path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_text_and_code_in_turn_without_outputs(path):
    text = path.read_text(encoding="utf-8")
    assert path.suffix == ".py" and text.startswith("# ---\n# jupyter:\n")
    cells = re.split(r"^# %%", text, flags=re.MULTILINE)[1:]
    kinds = [cell.startswith(" [markdown]\n") for cell in cells]
    assert 8 <= len(cells) <= 16 and kinds == [number % 2 == 0 for number in range(len(cells))]
    for cell, is_text in zip(cells, kinds):
        (body, *rest) = ast.parse(cell.split("\n", 1)[1]).body
        prose = isinstance(body, ast.Expr) and isinstance(body.value, ast.Constant) and not rest
        assert prose == is_text, cell


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    if path.parents[1].name == "PaddleRL":
        pytest.importorskip("gymnasium")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = runpy.run_path(str(path), run_name="notebook")
    run = found.get("run") or found["pruned"]
    assert run.best and found["predictor"].model.task.draws == (path.parents[1].name in ("PaddleCV", "PaddleSlim"))
    (table,) = tmp_path.glob("*/*.csv")
    assert len(table.read_text(encoding="utf-8").splitlines()) > 2
    if path.stem == "compress_classifier":
        sizes = {name: (folder / "model.pdiparams").stat().st_size for name, folder in found["exports"].items()}
        assert sizes["pruned"] < 0.8 * sizes["whole"]


def test_make_notebooks_names_what_is_missing(tmp_path):
    """In an environment without jupytext, which is optional."""
    (tmp_path / "jupytext.py").write_text("raise ImportError")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        ["make", "--no-print-directory", "-o", ".venv/.ready", "notebooks", f"BIN={os.path.dirname(sys.executable)}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "jupytext is not there" in done.stderr and "pip install jupytext" in done.stderr
