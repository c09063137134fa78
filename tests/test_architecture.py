"""Tests of the dependency rules in docs/architecture.md, as checked by `tools/architecture.py`."""

import pytest

from common.config.kits import ROOT
from tools import architecture


def test_every_package_imports_lower_floors_only():
    assert not architecture.examine()[2]


def test_the_list_of_files_that_import_more_only_shrinks():
    fan_out = architecture.examine()[1]
    for name, most in architecture.MORE_IMPORTS.items():
        assert architecture.MAX_IMPORTS < len(fan_out[name]) == most, f"{name}: lower its number, or take it out"


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("common/data/x.py", "from common.training import trainer", "data (floor 2) imports training (floor 7)"),
        (
            "common/text/x.py",
            "def f():\n    from common.vision import decode",
            "text (floor 3) imports vision (floor 3)",
        ),
        ("common/audio/x.py", "from common.vision import decode", "audio does not know vision"),
        ("common/other/x.py", "import os", "'other' has no floor"),
        ("common/data/x.py", "from PaddleCV.data import voc", "imports the kit PaddleCV.data.voc"),
        ("PaddleNLP/data/x.py", "from PaddleCV.data import voc", "imports the kit PaddleCV.data.voc"),
        ("PaddleNLP/data/x.py", "\n".join(f"from common.data import m{i}" for i in range(16)), "imports 16 files"),
    ],
)
def test_a_broken_rule_is_named_with_its_place(tmp_path, file, line, message):
    for name in ("common/training/trainer.py", "common/vision/decode.py", "PaddleCV/data/voc.py", file):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "common/data").mkdir(exist_ok=True)
    for number in range(16):
        (tmp_path / f"common/data/m{number}.py").write_text("")
    (tmp_path / file).write_text(line)
    (found,) = architecture.examine(tmp_path)[2]
    assert message in found and found.startswith(file)


def test_the_page_of_the_architecture_names_every_package():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert not [name for names in architecture.FLOORS for name in names if f"`{name}" not in text]
