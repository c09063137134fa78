import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from common.system import distributed
from common.system.network import interface_of

PROGRAMS = Path(__file__).parent / "distributed_programs"


def launch(folder, program, *arguments):
    """(exit code, output with errors) of a program in two processes."""
    command = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--log_dir", folder / "log"]
    done = subprocess.run(
        [*command, PROGRAMS / program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=folder,
        timeout=150,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes found: (of rank 0, of rank 1, {run/name: weight})."""
    folder = tmp_path_factory.mktemp("two")
    code, output = launch(folder, "working.py", folder)
    assert code == 0, output + "\n".join(path.read_text() for path in (folder / "log").glob("workerlog.*"))
    found = [json.loads((folder / f"found_{rank}.json").read_text()) for rank in (0, 1)]
    with np.load(folder / "weights.npz") as weights:
        return *found, dict(weights)


@pytest.fixture(scope="module")
def programs():
    """Where the models that the two processes train can be imported from."""
    sys.path.insert(0, str(PROGRAMS))
    yield
    sys.path.remove(str(PROGRAMS))


def test_processes_know_their_ranks(two):
    assert [(found["rank"], found["world"], found["main"]) for found in two[:2]] == [(0, 2, True), (1, 2, False)]


@pytest.mark.parametrize("accumulate, run", [(1, "plain"), (2, "accumulated")])
def test_two_processes_with_half_the_batch_equal_one_with_the_whole(two, programs, accumulate, run):
    import small_model

    for name, value in small_model.train(accumulate).items():
        np.testing.assert_allclose(two[2][f"{run}/{name}"], value, rtol=1e-5, atol=1e-5, err_msg=name)


def test_each_phase_of_two_processes_is_reduced_with_its_gradients_of_gradients(two, programs, tmp_path):
    import small_gan

    for name, value in small_gan.train(tmp_path).items():
        np.testing.assert_allclose(two[2][f"phases/{name}"], value, rtol=1e-5, atol=1e-6, err_msg=name)


def test_weights_stay_equal_when_the_processes_use_different_parts_of_the_model(two):
    assert two[0]["equal_after_uneven_graphs"]


def test_all_true_needs_every_process(two):
    assert all(found["all"] == [True, False, False] for found in two[:2])


def test_sums_are_over_both(two):
    assert all(found["sum"] == [[3.0, 1.0]] for found in two[:2])


def test_values_are_gathered_in_the_order_of_ranks(two):
    assert all(found["json"] == [{"rank": 0, "text": ""}, {"rank": 1, "text": "é"}] for found in two[:2])


def test_uneven_and_different_states_are_gathered_whole(two):
    mask = ["bool", [2], [True, False]]
    zero = {"scores": ["float32", [3, 0], [[], [], []]], "names": ["<U1", [1], ["a"]], "count": ["float64", [], 0.0]}
    one = {
        "scores": ["float32", [3, 1], [[0.0], [1.0], [2.0]]],
        "names": ["<U6", [2], ["a", "longer"]],
        "count": ["float64", [], 1.0],
    }
    expected = [{**zero, "mask": mask}, {**one, "mask": mask, "only_of_one": ["int64", [1], [7]]}]
    assert two[0]["states"] == two[1]["states"] == expected


def test_float16_is_refused_on_cpus_where_its_sum_would_be_infinite(two):
    assert two[0]["float16"] == "float16 cannot be summed over CPU processes; cast it to float32 first"


def test_python_objects_are_not_gathered(two):
    assert two[0]["objects"].startswith("'boxes' holds Python objects")


def test_the_launcher_ends_with_the_error_and_the_code_of_the_rank_that_failed(tmp_path):
    code, output = launch(tmp_path, "failing.py", "busy")
    last = [line for line in output.splitlines() if not line.startswith("LAUNCH INFO")][-2:]
    assert last == ["error[D101] this is not an image", "  data/images/0007.jpg"]
    assert code == 3


def test_a_bug_shows_its_traceback_last_and_the_waiting_rank_prints_nothing(tmp_path):
    code, output = launch(tmp_path, "failing.py", "bug")
    last = [line for line in output.splitlines() if not line.startswith("LAUNCH INFO")][-1]
    assert (code, last) == (1, "KeyError: 'bug'")
    assert "by peer" not in output


def test_when_a_process_is_killed_the_other_reports_it_and_exits(tmp_path):
    code, output = launch(tmp_path, "failing.py", "killed")
    assert code != 0
    assert "status failed" in output or "exit code" in output
    assert (
        "rank 0 lost another process, which was killed or is out of reach"
        in (tmp_path / "log" / "workerlog.0").read_text()
    )


def test_in_a_single_process_collectives_return_their_argument():
    state = {"scores": np.ones(3)}
    assert (distributed.rank(), distributed.world_size(), distributed.is_main()) == (0, 1, True)
    distributed.initialize()
    distributed.barrier()
    distributed.broadcast_parameters(None)
    assert distributed.all_true(True)
    assert not distributed.all_true(False)
    assert distributed.all_gather_state(state) == [state]
    assert distributed.all_gather_json({"a": 1}) == [{"a": 1}]
    assert distributed.all_reduce_sum(state["scores"]) is state["scores"]
    with pytest.raises(KeyError), distributed.report_failure():
        raise KeyError


def test_packing_is_undone_by_unpacking():
    state = {
        "a": np.arange(6, dtype="int32").reshape(2, 3),
        "b": np.array(2.5),
        "c": np.zeros([0, 4]),
        "d": np.array("é"),
    }
    back = distributed.unpack_state(distributed.pack_state(state))
    assert list(back) == list(state)
    for name, array in state.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert (back[name] == array).all()


def test_the_interface_of_an_address_is_found():
    assert interface_of("127.0.0.1") == "lo"
    assert interface_of("no.such.host.invalid") == "lo"
