"""Tests of forks of a kit, alone with `common/` and beside the original."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from common.config.kits import ROOT, shipped_kits
from tests.made.commands import SMALL

IGNORED = shutil.ignore_patterns("tests", "__pycache__")
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PYTHON": sys.executable}
# runs a script as `python script` does, and writes at the end which of our modules came from where
WATCHED = (
    "import atexit, json, pathlib, runpy, sys; sys.argv = sys.argv[1:]; where = pathlib.Path(sys.argv.pop(0));"
    "mine = lambda m: getattr(m, '__file__', None) and m.__name__.split('.')[0] in ('common', 'MyDet', 'PaddleCV');"
    "atexit.register(lambda: where.write_text(json.dumps({m.__name__: m.__file__ for m in list(sys.modules.values())"
    " if mine(m)}))); runpy.run_path(sys.argv[0], run_name='__main__')"
)


def run(folder, *command, code=0):
    """Standard output of a command run in a folder, with what went wrong if it did."""
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == code, done.stderr[-3000:]
    return done.stdout if code == 0 else done.stderr


def python(folder, *command, **keywords):
    return run(folder, sys.executable, *command, **keywords)


PACKAGES = {"cv2": "opencv-python-headless", "yaml": "pyyaml", "PIL": "pillow", "sklearn": "scikit-learn"}
PACKAGES |= {"paddle": "paddlepaddle", "faiss": "faiss-cpu"}


def imported(folder, everywhere):
    """The packages that files below a folder import: at their top, or also within functions."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        if "tests" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree) if everywhere else tree.body:
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"common", folder}


@pytest.mark.parametrize("kit", [kit.name for kit in shipped_kits()])
def test_the_requirements_of_a_kit_name_what_it_imports(kit):
    named = set(re.findall(r"^(?:# )?([\w-]+)", (ROOT / kit / "requirements.txt").read_text(), re.MULTILINE))
    names = {PACKAGES.get(name, name).replace("_", "-") for name in needed(kit)}
    assert names - named == set()


def needed(kit):
    """What `common/` imports in any case, and all that the kit imports."""
    return imported("common", False) | imported(kit, True)


def test_a_fork_in_an_empty_folder_trains_evaluates_exports_and_infers(digits, tmp_path):
    """All by `run.sh`, in a folder with a blank in its name that holds `common/` and the fork and nothing else."""
    alone = tmp_path / "a new project"
    shutil.copytree(ROOT / "common", alone / "common", ignore=IGNORED)
    shutil.copytree(ROOT / "PaddleCV", alone / "MyDet", ignore=IGNORED)
    settings = [*SMALL, f"dataset={digits / 'digits'}", "train.max_steps=2", "name=mine"]
    printed = run(alone, "bash", "MyDet/run.sh", "tiny/yolov3", "--stage", "1", "--stop", "3", "-o", *settings)
    assert "AP50" in printed and printed.splitlines()[-1] == "output/tiny/mine/export"
    assert (alone / "output/tiny/mine/best").resolve().name == "step_2"
    image = digits / "digits/JPEGImages/eval_00000.jpg"
    watched = [sys.executable, "-c", WATCHED, alone / "modules.json", "MyDet/tools/infer.py"]
    weights = ["-c", "MyDet/configs/tiny/yolov3.yml", "-o", *settings, "weights=output/tiny/mine/best"]
    answer = run(alone, *watched, *weights, "--image", image, "--json", "--threshold", "0")
    in_memory = json.loads(answer)["predictions"]
    modules = json.loads((alone / "modules.json").read_text())
    assert "MyDet.models.detectors.yolov3" in modules and "common.build.model" in modules
    assert [name for name, file in modules.items() if not file.startswith(str(alone))] == []
    answer = python(
        alone,
        "MyDet/tools/infer.py",
        "--model",
        "output/tiny/mine/export",
        "--image",
        image,
        "--json",
        "--threshold",
        0,
    )
    exported = json.loads(answer)["predictions"]
    assert len(exported) == len(in_memory) > 0
    assert exported[0]["score"] == pytest.approx(in_memory[0]["score"], abs=1e-3)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of the repository's code with a fork beside the original kit."""
    place = tmp_path_factory.mktemp("repository")
    for name in ("common", "PaddleCV", "tools"):
        shutil.copytree(ROOT / name, place / name, ignore=IGNORED)
    shutil.copytree(place / "PaddleCV", place / "MyDet")
    return place


def replace(file, old, new):
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


# builds the head of a kit's tiny configuration and tells what an edit would change, and where its class is from
LOOK = (
    "import json, pathlib, sys; sys.path.insert(0, '.'); from common.system import runtime; runtime.prepare();"
    "from common.config import load_config;"
    "found = {};\n"
    "for name in sys.argv[1:]:\n"
    "    config = load_config(name); config.check()\n"
    "    head = config.build('model', num_classes=10).head\n"
    "    found[name] = [round(float(head.outputs[0].bias[4]), 4), type(head).__module__]\n"
    "print(json.dumps(found))"
)


def test_a_fork_in_the_repository_does_not_affect_the_original(repository):
    plain = ["tools/train.py", "-c", "configs/tiny/yolov3.yml", "--print-config"]
    before = python(repository, *plain)
    shutil.move(repository / "MyDet", repository / "away")
    alone = python(repository, *plain)
    shutil.move(repository / "away", repository / "MyDet")
    assert alone == before and "kit: PaddleCV" in before


def test_a_fork_is_named_by_its_own_path(repository):
    for command in (
        ["MyDet/tools/train.py", "-c", "configs/tiny/yolov3.yml"],
        ["MyDet/tools/train.py", "-c", "MyDet/configs/tiny/yolov3.yml"],
        ["tools/train.py", "-c", "MyDet/configs/tiny/yolov3.yml"],
    ):
        assert "kit: MyDet" in python(repository, *command, "--print-config")
    listed = python(repository, "tools/configure.py", "list", "--kit", "MyDet", "heads")
    assert "MyDet: heads" in listed
    assert "MyDet" not in python(repository, "tools/configure.py", "list", "heads")


def test_an_edit_of_the_fork_affects_only_the_fork(repository):
    both = ["PaddleCV/configs/tiny/yolov3.yml", "MyDet/configs/tiny/yolov3.yml"]
    replace(repository / "MyDet/models/heads/yolov3_head.py", "objectness_prior=0.01,", "objectness_prior=0.5,")
    replace(repository / "MyDet/configs/tiny/detection/yolov3.yml", "{channels: 64}", "{channels: 32}")
    with (repository / "MyDet/models/necks/yolov3_fpn.py").open("a") as file:
        file.write('\n\nclass MyNeck(YOLOv3FPN):\n    """A neck of my own."""\n')
    found = json.loads(python(repository, "-c", LOOK, *both))
    assert found[both[0]] == [-4.5951, "PaddleCV.models.heads.yolov3_head"]
    assert found[both[1]] == [0.0, "MyDet.models.heads.yolov3_head"]
    original = python(repository, "PaddleCV/tools/train.py", "-c", "configs/tiny/yolov3.yml", "--print-config")
    assert "channels: 64" in original and "objectness_prior: 0.01" in original
    fork = python(repository, "MyDet/tools/train.py", "-c", "configs/tiny/yolov3.yml", "--print-config")
    assert "channels: 32" in fork and "objectness_prior: 0.5" in fork
    own = ["-c", "configs/tiny/yolov3.yml", "-o", "model.neck.type=MyNeck", "--print-config"]
    assert "type: MyNeck" in python(repository, "MyDet/tools/train.py", *own)
    refusal = python(repository, "PaddleCV/tools/train.py", *own, code=2)
    assert "there is no 'MyNeck'" in refusal


def test_a_broken_fork_affects_only_itself(repository):
    file = repository / "MyDet/models/losses/yolov3_loss.py"
    text = file.read_text()
    file.write_text(text + "\n\ndef broken(:\n")
    config = ["-c", "configs/tiny/yolov3.yml", "--print-config"]
    assert "kit: PaddleCV" in python(repository, "tools/train.py", *config)
    refusal = python(repository, "MyDet/tools/train.py", *config, code=2)
    file.write_text(text)
    assert f"yolov3_loss.py:{text.count(chr(10)) + 3}: this is not Python" in refusal and "Traceback" not in refusal


def test_a_fork_trains_with_the_commands_of_the_repository(repository, digits):
    settings = [*SMALL, f"dataset={digits / 'digits'}", "train.max_steps=2", "output_dir=forked"]
    python(repository, "tools/train.py", "-c", "MyDet/configs/tiny/yolov3.yml", "-o", *settings)
    saved = (repository / "forked/tiny/yolov3/last/config.yml").read_text()
    assert saved.startswith("kit: MyDet\n")
    assert not (repository / "output").exists()


def test_run_sh_creates_the_data_of_a_configuration_or_describes_them(tmp_path):
    said = run(tmp_path, "bash", "-c", f"'{ROOT}/PaddleCV/run.sh' digit_classes --stage 0 --stop 0 2>&1")
    assert (tmp_path / "dataset/digit_classes/labels.txt").is_file() and "make_digit_classes.py" in said
    said = run(tmp_path, "bash", "-c", f"'{ROOT}/PaddleCV/run.sh' fashion_mnist --stage 0 --stop 0 2>&1")
    assert "reads data that you bring (apt-get install dataset-fashion-mnist)" in said


def test_run_sh_keeps_what_the_same_command_made_and_says_how_to_go_on_with_other_data(tmp_path):
    stage = ("--stage", "0", "--stop", "0")
    run(tmp_path, "bash", ROOT / "PaddleCV/run.sh", "tiny/mobilenet_v1", *stage)
    said = run(tmp_path, "bash", "-c", f"bash {ROOT}/PaddleSlim/run.sh tiny/prune {' '.join(stage)} 2>&1")
    assert "dataset/digit_classes was made by the same command and is kept" in said
    (tmp_path / "dataset/digit_classes/.made_by").unlink()
    said = run(tmp_path, "bash", ROOT / "PaddleCV/run.sh", "tiny/resnet", *stage, code=2)
    assert "dataset/digit_classes exists" in said and "--stage 1 takes the data that are there" in said


def test_data_that_no_script_makes_are_named_and_a_script_of_another_kit_is_run(tmp_path):
    said = run(tmp_path, "bash", "-c", f"bash {ROOT}/PaddleSlim/run.sh mobilenet_v1_distill --stage 0 --stop 0 2>&1")
    assert "reads data that you bring (apt-get install dataset-fashion-mnist)" in said
    said = run(tmp_path, "bash", ROOT / "PaddleCV/run.sh", "tiny/mobilenet_v1", "--stage", "0", "--stop", "0")
    assert (tmp_path / "dataset/digit_classes/train_list.txt").is_file(), said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["yolov33"], "did you mean configs/yolov3.yml"),
        (["tiny/yolov3", "--stage", "9"], "0 to 4, not '9'"),
        (["tiny/yolov3", "--stage"], "0 to 4, not ''"),
        (["tiny/yolov3", "--stage", "3", "--stop", "1"], "is after"),
        (["tiny/yolov3", "--stgae", "1"], "unknown option --stgae"),
        (["tiny/yolov3", "--stage", "1", "-o", "nonsense=1"], "unknown key 'nonsense'"),
    ],
)
def test_run_sh_rejects_unknown_arguments(tmp_path, arguments, words):
    said = run(tmp_path, "bash", ROOT / "PaddleCV/run.sh", *arguments, code=2)
    assert words in said and len(said.splitlines()) <= 3
