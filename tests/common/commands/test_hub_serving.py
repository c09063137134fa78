"""Which modules `hub serving` serves, what config.json may say, and which process `stop` ends."""

import argparse
import json
import os

import pytest

from common.commands import hub as hub_command
from common.commands.hub_serving import pid_file, read_serving_config, served_modules, start_of, write_pid
from common.errors import ConfigError
from tests.made.commands import command


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of modules that only have cards."""
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    for name, version in (("lac", "2.1.2"), ("lac", "2.1.10"), ("mobilenet_v2_imagenet", "1.0.0")):
        folder = tmp_path / "modules" / name / version
        folder.mkdir(parents=True)
        (folder / "module.yml").write_text(f"name: {name}\n")
    return tmp_path


def test_a_module_is_served_in_its_newest_version_or_in_the_one_that_is_named(home):
    folders, batches = served_modules(["lac", ("mobilenet_v2==1.0.0", 4)])
    assert folders["lac"] == home / "modules/lac"  # the server takes the newest in it
    assert folders["mobilenet_v2"] == home / "modules/mobilenet_v2_imagenet/1.0.0"
    assert batches == {"mobilenet_v2": 4}
    assert served_modules(["lac==2.1.2"])[0]["lac"] == home / "modules/lac/2.1.2"


@pytest.mark.parametrize(
    ("modules", "said"),
    [(["lac", "lac==2.1.2"], "given twice"), (["lac==9.0.0"], "there in 2.1.2, 2.1.10"), (["lca"], "not installed")],
)
def test_modules_that_cannot_be_served_are_named(modules, said, home):
    with pytest.raises(ConfigError, match=said):
        served_modules(modules)


def read(tmp_path, content, **given):
    path = tmp_path / "config.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    defaults = {"modules": [], "port": 8866, "workers": 1, "host": "127.0.0.1", "use_gpu": False}
    args = argparse.Namespace(**{**defaults, "use_multiprocess": False, **given})
    read_serving_config(path, args)
    return args


def test_both_forms_of_config_json_are_read_and_options_come_first(tmp_path):
    first = [{"module": "lac", "version": "1.0.0", "batch_size": 2}, {"module": "yolo"}]
    args = read(tmp_path, {"modules_info": first, "port": 8900, "use_gpu": False, "use_multiprocess": True})
    assert args.modules == [("lac==1.0.0", 2), ("yolo", None)] and args.port == 8900 and args.use_multiprocess
    second = {"lac": {"init_args": {"version": "1.0.0"}, "predict_args": {"batch_size": 3}}, "yolo": {}}
    args = read(tmp_path, {"modules_info": second, "port": 8900}, port=8901)
    assert args.modules == [("lac==1.0.0", 3), ("yolo", None)] and args.port == 8901
    assert read(tmp_path, {"modules_info": first}, modules=["senta"]).modules == ["senta"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "an object"),
        ({"prot": 1}, "'prot' is not a key of it; did you mean 'port'"),
        ({"port": "8866"}, 'port is "8866"; it takes a whole number'),
        ({"port": True}, "port is true"),
        ({"use_gpu": 1}, "use_gpu is 1; it takes true or false"),
        ({"modules_info": []}, "modules_info is a list"),
        ({"modules_info": [{"modul": "lac"}]}, "entry 1: 'module', the name, is missing"),
        ({"modules_info": [{"module": "a", "batchsize": 1}]}, "did you mean 'batch_size'"),
        ({"modules_info": [{"module": "a", "batch_size": 0}]}, "batch_size is 0; allowed: 1 to 256"),
        ({"modules_info": [{"module": "a", "version": 1.0}]}, "version is a text"),
        ({"modules_info": {"a": {"init_args": [1]}}}, "init_args is an object"),
    ],
)
def test_what_is_wrong_in_config_json_is_named(content, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, content)


def test_nothing_is_started_without_modules_and_nothing_is_stopped_that_was_not_started(home):
    command(hub_command.main, "serving", "start").refused(2, "which modules?")
    command(hub_command.main, "serving", "start", "-m", "lac", "--workers", "0").refused(2, "--workers is 0")
    command(hub_command.main, "serving", "start", "-c", home / "none.json").refused(2, "No such file")
    command(hub_command.main, "serving", "restart").refused(2, "there is no 'restart'")
    command(hub_command.main, "serving", "stop", "-p", 8899).refused(2, "no server", "8899")


def test_stop_never_ends_a_process_that_only_has_the_number_of_the_server(home):
    write_pid(8899, ["lac"])
    found = json.loads(pid_file(8899).read_text())
    assert found == {"pid": os.getpid(), "port": 8899, "start": start_of(os.getpid()), "modules": ["lac"]}
    pid_file(8899).write_text(json.dumps(found | {"start": found["start"] - 1}))
    command(hub_command.main, "serving", "stop", "-p", 8899).refused(2, "has ended already")
    assert not pid_file(8899).exists()
    pid_file(8899).write_text('{"pid": 1}')
    command(hub_command.main, "serving", "stop", "-p", 8899).refused(4, "damaged")
