"""Types the commands of README.md and of the tutorials in a clone, where `python` has no packages and no environment
is active."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.made.tracked import ROOT
from tests.test_documents import commands

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this copy has no history")
BLOCKS = re.findall(r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
TYPED = [command for block in BLOCKS for command in commands(f"```bash\n{block}```\n")]
ELSEWHERE = ("make ", "pip ", ".venv/bin/python -m pip ")  # what made the environment of the tests
NEEDS_MORE = ("tools/convert.py", "tools/serve.py")  # a downloaded file; runs until it is stopped


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone with `.venv` as `make setup` makes it, and beside it a Python without packages."""
    place = tmp_path_factory.mktemp("typed")
    subprocess.run(["git", "clone", "-q", "--local", str(ROOT), str(place / "clone")], check=True, timeout=60)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "bare")], check=True, timeout=60)
    (place / "clone/.venv").symlink_to(sys.prefix, target_is_directory=True)
    return place / "clone"


@pytest.fixture
def short(clone):
    """The clone, in which the README's configuration trains for one epoch instead of five."""
    config = clone / "PaddleCV/configs/detection/digits.yml"
    text = config.read_text(encoding="utf-8")
    assert "epochs: 5, " in text and "eval_every: 5, " in text
    shorter = text.replace("epochs: 5, ", "epochs: 1, ").replace("eval_every: 5, ", "eval_every: 1, ")
    config.write_text(shorter, encoding="utf-8")
    return clone


def typed(command, clone, timeout=120):
    """What the shell says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment["PATH"] = f"{clone.parent / 'bare/bin'}:/usr/local/bin:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "-c", command], cwd=clone, env=environment, capture_output=True, text=True, timeout=timeout
    )


def test_every_script_starts(clone):
    scripts = sorted({script for command in TYPED for script in re.findall(r"^python (\S+\.py)", command)})
    assert len(scripts) >= 9
    for script in scripts:
        done = typed(f"python {script} --help", clone)
        assert done.returncode == 0 and done.stderr.startswith("note: this Python"), f"{script}: {done.stderr}"
        assert len(done.stderr.splitlines()) == 1 and "usage:" in done.stdout


def test_the_python_interface_says_which_python_has_it(clone):
    done = typed("python -c 'from common import api'", clone)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: this Python (") and "lacks numpy, " in last
    assert last.endswith("; use .venv/bin/python, or activate its environment")


def test_the_launcher_starts(clone):
    (command,) = [command for command in TYPED if "distributed.launch" in command]
    done = typed(re.sub(r"(launch) .*", r"\1 --help", command), clone)
    assert done.returncode == 0 and "nproc_per_node" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_every_command_works_in_the_order_of_the_page(short):
    ran, clone = [], short
    for command in TYPED:
        if command.startswith(ELSEWHERE) or any(script in command for script in NEEDS_MORE):
            continue
        done = typed(re.sub(r"\s+#\s.*$", "", command), clone, timeout=900)
        assert done.returncode == 0, f"{command}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
        ran.append(command)
    assert len(ran) >= 11
    (block,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.DOTALL)
    for command in (f".venv/bin/python - <<'END'\n{block}END\n", "python PaddleNLP/notebooks/classify_texts.py"):
        done = typed(command, clone, timeout=900)
        assert done.returncode == 0, f"{command}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
    assert (clone / "drawn.jpg").is_file() and "image,label,score" in (clone / "boxes.csv").read_text()
    again = next(command for command in ran if "tools/train.py" in command)
    assert typed(f"{again} -o train.max_steps=1", clone, timeout=300).returncode == 0, "the first training, typed again"


def typed_lines(page):
    """The lines of the `bash` blocks of a page, as a user types them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    return [line for line in blocks.splitlines() if line.strip() and not line.startswith("#")]


def without_comment(line):
    return re.sub(r"\s+#\s.*$", "", line)


TUTORIALS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/tutorials/*.md"))
CHINESE = [page for page in TUTORIALS if page.endswith("_cn.md")]


@pytest.mark.parametrize("page", TUTORIALS)
def test_scripts_and_options_of_a_tutorial_exist(page):
    lines = typed_lines(page)
    assert sum("tools/" in line for line in lines) >= 4
    assert any("prepare.py" in line for line in lines) and any("tools/export.py" in line for line in lines)


@pytest.mark.parametrize("page", CHINESE)
def test_chinese_tutorials_show_the_same_commands(page):
    both = [[without_comment(line) for line in typed_lines(name)] for name in (page, page.replace("_cn.md", ".md"))]
    assert both[0] == both[1]


def bring_data(page, clone):
    """Puts the data that a tutorial downloads into the clone; skips the test where they are missing."""
    if "speech" in page:
        recordings = pathlib.Path(os.environ.get("KIT_TEST_DATA", "nowhere")) / "fsdd"
        if not recordings.is_dir():
            pytest.skip("no KIT_TEST_DATA")
        (clone / "free-spoken-digit-dataset").mkdir(exist_ok=True)
        (clone / "free-spoken-digit-dataset/recordings").symlink_to(recordings, target_is_directory=True)
    if "text" in page and importlib.util.find_spec("snownlp") is None:
        pytest.skip("the package snownlp is not installed")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", [page for page in TUTORIALS if page not in CHINESE])
def test_every_command_of_a_tutorial_works_in_the_order_of_the_page(page, clone):
    bring_data(page, clone)
    for line in map(without_comment, typed_lines(page)):
        if line.startswith((*ELSEWHERE[:1], ELSEWHERE[2], "pip install", "apt-get", "git clone")) or "serve.py" in line:
            continue
        done = typed(line, clone, timeout=1800)
        if line.startswith("pip download") and done.returncode:
            pytest.skip("no package index")
        assert done.returncode == 0, f"{line}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
