"""Training by processes of Ray: `kill -9` of each kind, another number of workers, loopback only (needs ray)."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import time

import psutil
import pytest

from common.build.data import build_dataset
from common.build.learn_transforms import fit_transforms
from common.config import load_config
from common.elastic.model import RemoteModel
from common.elastic.ray_cluster import STARTED, RayCluster
from common.elastic.supervisor import Supervisor
from PaddleRec.tests.test_elastic import CONFIG, FIELDS, TABLE
from PaddleRec.tools.make_clicks import make_click_hours
from tests.made.commands import command

HAS_RAY = importlib.util.find_spec("ray") is not None  # not imported: a cluster sets what Ray reads when it is
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(not HAS_RAY, reason="Ray is an extra: pip install ray[default]"),
]

LOOPBACKS, PID = ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"), re.compile(r"pid=(\d+)")
ROWS, HOURS = 16000, 4
CLOSE = 0.02  # of the AUC of one process in the last hour, after 375 batches, with three workers


def settings_of(place, name):
    return [
        f"dataset={place / 'hours'}",
        f"output_dir={place / name}",
        f"train.epochs={HOURS}",
        "data.train.wait=0",
        "train.batch_size=128",
        "optimizer.sparse.lr=0.002",
        "elastic.part_mb=0.5",
        "elastic.dense_every=8",
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray")
    make_click_hours(folder / "hours", HOURS, ROWS, values=40)
    return folder


@pytest.fixture(scope="module")
def alone(place):
    """The scores of each hour of the same configuration in one process."""
    answer = command("train", "-c", CONFIG, "-o", *settings_of(place, "alone"))
    assert answer.code == 0, answer.err
    lines = (place / "alone/tiny/deepfm_elastic/published/donefile").read_text().splitlines()
    return [json.loads(line) for line in lines]


def listening():
    """What this process and all that it has started listen on, but for loopback: {(address, process)}."""
    mine = {str(process.pid) for process in [psutil.Process(), *psutil.Process().children(recursive=True)]}
    lines = subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    found = [
        (line.split()[3].rpartition(":")[0], line.rpartition('(("')[2].partition('"')[0], {*PID.findall(line)})
        for line in lines
    ]
    return {(address, name) for address, name, pids in found if mine & pids and not address.startswith(LOOPBACKS)}


def test_every_row_is_learned_once_whoever_was_killed_and_the_auc_is_that_of_one_process(place, alone):
    config = load_config(CONFIG, settings_of(place, "several"))
    config.check()
    dataset = build_dataset(config, "train")
    fit_transforms(config, dataset)
    path = place / "several.yml"
    path.write_text(config.dump())
    tables = RemoteModel(config, dataset).tables()
    before = listening()
    cluster = RayCluster(config.run_folder)
    supervisor = Supervisor(config, path, tables, cluster, 2, 2)
    victims = iter([("worker", "worker-0"), ("shard", "shard-1"), ("coordinator", "coordinator"), ("dense", "dense")])
    killed, opened = [], set()

    def kill():
        """Kills one member in each hour, in the midst of it, and notes what listens."""
        opened.update(listening() - before)
        lead = supervisor.pulses.get("coordinator")
        if lead and lead["parts"]["done"] >= 2 and lead["hour"] not in [hour for hour, _, _ in killed]:
            name, file = next(victims)
            killed.append((lead["hour"], name, time.monotonic()))
            os.kill(process_of(supervisor.folder, file), signal.SIGKILL)
            if name == "shard":
                supervisor.scale(3)
        return False

    supervisor.should_stop = kill
    supervisor.cluster.close, close = supervisor_ends(supervisor), supervisor.cluster.close
    try:
        assert supervisor.run() == f"{HOURS} hours are done"
        shows = supervisor.shows
    finally:
        close()
    assert [name for _, name, _ in killed] == ["worker", "shard", "coordinator", "dense"]
    assert [hour["rows"] for hour in supervisor.hours] == [ROWS] * HOURS
    assert shows == ROWS * HOURS * FIELDS
    assert not opened
    for several, one in zip(supervisor.hours, alone, strict=True):
        print(several["version"], several["scores"]["auc"], one["auc"])
    assert supervisor.hours[-1]["scores"]["auc"] > alone[-1]["auc"] - CLOSE


def process_of(folder, name):
    """The process that a member is in, by its log."""
    lines = (folder / "elastic/logs" / f"{name}.txt").read_text().splitlines()
    return int([line for line in lines if STARTED in line][-1].split()[-1])


def supervisor_ends(supervisor):
    """A `close` that first asks the shards for their shows."""

    def close():
        answers = [shard.pulse.remote() for shard in supervisor.shards]
        supervisor.shows = sum(pulse["shows"][TABLE] for pulse in supervisor.cluster.get(answers))

    return close
