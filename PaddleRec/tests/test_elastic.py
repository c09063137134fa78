"""Training by several processes: equal to one process where it must be, every row learned once whoever is killed."""

import json

import numpy as np
import paddle
import pytest

from common.build.data import build_dataset
from common.build.learn_transforms import fit_transforms
from common.config import load_config
from common.elastic import members
from common.elastic.cluster import InOneProcess, Links
from common.elastic.commits import commit_numbers, latest_commit, read_bucket
from common.elastic.model import RemoteModel
from common.elastic.settings import check_elastic
from common.elastic.supervisor import Supervisor, remove_run
from common.errors import ConfigError
from common.inference.predictor import Predictor
from common.layers.tables import FetchedTable, tables_made_by
from common.table.first_rows import first_rows
from common.table.keyed_rows import KeyedRows
from common.training.trainer import to_tensors
from common.weights.manifest import read_manifest, verify_manifest
from PaddleRec.models.rankers.deepfm import DeepFM
from PaddleRec.tools.make_clicks import make_click_hours

CONFIG = "PaddleRec/configs/tiny/deepfm_elastic.yml"
ROWS, HOURS, FIELDS = 210, 2, 26
TABLE = "fields.categories"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with hours of clicks."""
    folder = tmp_path_factory.mktemp("elastic")
    make_click_hours(folder / "hours", HOURS, ROWS, values=50, evaluation=50)
    return folder


def prepared(place, name, *more):
    """(configuration, its file) of a run."""
    given = [f"dataset={place / 'hours'}", f"output_dir={place / name}", "data.train.wait=0", "elastic.part_mb=0.01"]
    config = load_config(CONFIG, [*given, *more])
    config.check()
    check_elastic(config)
    fit_transforms(config, build_dataset(config, "train"))
    path = place / f"{name}.yml"
    path.write_text(config.dump())
    return config, path


def test_two_billion_rows_are_not_allocated_and_lookups_are_checked():
    with tables_made_by(FetchedTable):
        model = DeepFM(2, 3, 2 * 10**9, 4, [4])
    assert not any(TABLE in name for name in model.state_dict())
    table = model.fields.categories.table
    ids = np.array([[5, 7, 1999999999]])
    table.take(np.array([5, 7]), np.zeros((2, 5), "float32"), [])
    with pytest.raises(ConfigError, match="lookups"):
        model.predict(paddle.zeros([1, 2]), paddle.to_tensor(ids))


def test_one_worker_without_prefetch_learns_what_one_process_learns(place):
    config, path = prepared(place, "alone", "elastic.prefetch=0", "elastic.dense_every=1", "elastic.part_mb=100")
    dataset = build_dataset(config, "train")
    cluster = InOneProcess()
    lead, dense = cluster.start(members.make_coordinator, path, 1), cluster.start(members.make_dense, path)
    shards = [cluster.start(members.make_shard, path, n, 2, RemoteModel(config, dataset).tables()) for n in range(2)]
    for member in (lead, dense, *shards):
        cluster.get(member.begin.remote(1))
    worker = members.make_worker(path, 0, Links(cluster, lead, shards, dense))
    single = config.build("model")
    weight = single.fields.categories.table.weight
    weight.set_value(first_rows(np.arange(weight.shape[0], dtype=np.uint64), weight.shape[1], 0.01))
    single.set_state_dict(worker.model.state_dict())
    optimizer = config.build("optimizer")
    optimizer.schedule.bind(None, None)
    built = optimizer.build(single)
    for step, batch in enumerate(worker.batches({"hour": 0, "part": 0, "shards": 1})):
        sum(single.loss(to_tensors(batch)).values()).backward()
        built.step(optimizer.schedule.at(step))
        built.clear()
    assert worker.turn() == "part" and lead.thing.hour_is_done()
    for name, value in worker.model.state_dict().items():
        np.testing.assert_allclose(value.numpy(), single.state_dict()[name].numpy(), rtol=1e-4, atol=2e-6, err_msg=name)
    rows = {}
    for shard in shards:
        store = shard.thing.tables[TABLE]
        rows |= dict(zip(store.keys[: len(store)].tolist(), store.rows[: len(store)]))
    keys = sorted(rows)
    assert len(keys) > 500
    np.testing.assert_allclose([rows[k] for k in keys], weight.numpy()[keys], rtol=1e-4, atol=2e-6)


@pytest.fixture(scope="module")
def killed(place):
    """A run in which every kind of member was killed, and its supervisor."""
    config, path = prepared(place, "killed")
    tables = RemoteModel(config, build_dataset(config, "train")).tables()
    supervisor = Supervisor(config, path, tables, InOneProcess(), 2, 2)
    victims = [lambda: supervisor.workers.get(0, [None])[0], lambda: supervisor.shards[1], lambda: supervisor.dense]
    victims += [
        lambda: supervisor.coordinator,
        lambda: supervisor.workers.get(1, [None])[0],
        lambda: supervisor.publisher,
    ]
    turns = []

    def kill():
        """Kills a member at every second turn, and asks for a third worker and a third shard."""
        turns.append(len(turns))
        if len(turns) % 2 == 0 and victims and victims[0]():
            victims.pop(0)().kill()
        if len(turns) == 5:
            (supervisor.folder / "elastic/wanted.json").write_text('{"workers": 3}')
        if len(turns) == 9:
            (supervisor.folder / "elastic/wanted.json").write_text('{"shards": 3}')
        return len(turns) > 200

    supervisor.should_stop = kill
    assert supervisor.run() == "2 hours are done"
    assert not victims and supervisor.restarts >= 3 and supervisor.count == len(supervisor.shards) == 3
    return supervisor


def test_every_row_is_learned_once_whoever_was_killed(killed):
    assert [(hour["version"], hour["rows"]) for hour in killed.hours] == [("2020040100", ROWS), ("2020040101", ROWS)]
    shows = sum(killed.cluster.get(shard.pulse.remote())["shows"][TABLE] for shard in killed.shards)
    assert shows == ROWS * HOURS * FIELDS
    assert all(0.3 < hour["scores"]["auc"] < 0.9 and 0.1 < hour["scores"]["ctr"] < 0.5 for hour in killed.hours)
    status = json.loads((killed.folder / "elastic/status.json").read_text())
    assert status["reason"] == "2 hours are done" and status["commit"] == killed.number >= 2


def test_a_version_holds_the_rows_and_the_network_of_its_commit(killed):
    version = killed.folder / "published" / "2020040101"
    assert (killed.folder / "published" / "current").resolve() == version
    verify_manifest(version)
    table = KeyedRows(version / f"{TABLE}.rows")
    folder, manifest = latest_commit(killed.commits)
    count = 0
    for bucket in range(16):
        arrays = read_bucket(folder, bucket, manifest["files"])[TABLE]
        np.testing.assert_array_equal(table.look_up(arrays["keys"]), arrays["rows"])
        count += len(arrays["keys"])
    assert len(table) == count > 500 and manifest["ended"]["version"] == "2020040101"
    golden, predictor = np.load(version / "golden.npz"), Predictor(version)
    found = predictor.run({"numbers": golden["in/numbers"], "ids": golden["in/ids"]})  # it looks the rows up itself
    np.testing.assert_allclose(found["probability"], golden["out/probability"], atol=1e-6)


def test_a_run_that_ended_resumes_where_it_was(killed, place):
    make_click_hours(place / "hours", 1, ROWS, values=50, start=2, evaluation=50)
    config, path = prepared(place, "killed", "train.epochs=3")
    again = Supervisor(config, path, killed.tables, InOneProcess(), 1, 1)  # with another number of shards
    again.start()
    while not again.workers or not again.cluster.get(again.coordinator.pulse.remote())["parts"]["done"]:
        assert not again.turn()
    again.stop()
    while not again.turn():
        pass
    facts = read_manifest(again.commits / str(commit_numbers(again.commits)[-1]))
    assert again.ending == "stopped" and facts["hour"] == 2 and 0 < len(facts["done"]) < facts["parts"]
    last = Supervisor(config, path, killed.tables, InOneProcess(), 2, 3)
    last.note_hour = lambda ended: last.hours.append(ended)  # nothing is published, which takes time
    assert last.run() == "3 hours are done" and last.hours[0]["rows"] == ROWS
    shows = sum(last.cluster.get(shard.pulse.remote())["shows"][TABLE] for shard in last.shards)
    assert shows == ROWS * 3 * FIELDS


def test_what_an_earlier_run_wrote_is_removed_but_for_the_log_that_is_being_written(tmp_path):
    for name in ("commits/1/manifest.json", "published/1/infer.yml", "elastic/logs/dense.txt", "elastic/status.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "elastic/log.txt").write_text("here"), (tmp_path / "other.txt").write_text("")
    remove_run(tmp_path)
    assert sorted(x.name for x in tmp_path.rglob("*")) == ["elastic", "log.txt", "other.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_day_of_hours_with_kills_at_random_loses_and_repeats_nothing(tmp_path, seed):
    make_click_hours(tmp_path / "hours", 24, 60, values=50)
    config, path = prepared(tmp_path, "day", "train.epochs=24", "elastic.part_mb=0.004", "elastic.commit_minutes=0.001")
    tables = RemoteModel(config, build_dataset(config, "train")).tables()
    supervisor, rng, kills = Supervisor(config, path, tables, InOneProcess(), 2, 2), np.random.default_rng(seed), []
    supervisor.note_hour = lambda ended: supervisor.hours.append(ended)  # exports take most of the time

    def kill():
        members = [*supervisor.members().items()]
        members += [(f"worker {number}", member) for number, (member, _) in supervisor.workers.items()]
        if rng.random() < 0.4:
            name, member = members[rng.integers(len(members))]
            kills.append(name)
            member.kill()
        return False

    supervisor.should_stop = kill
    assert supervisor.run() == "24 hours are done"
    assert len(kills) > 15 and len(set(kills)) > 3
    assert [hour["rows"] for hour in supervisor.hours] == [60] * 24
    shows = sum(supervisor.cluster.get(shard.pulse.remote())["shows"][TABLE] for shard in supervisor.shards)
    assert shows == 60 * 24 * FIELDS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("train.accumulate=2", "train.accumulate"),
        ("optimizer={type: Adam, lr: 1e-3}", "DenseAndSparse"),
        ("train.ema=0.9", "train.ema"),
    ],
)
def test_settings_without_a_meaning_here_are_refused(place, given, message):
    with pytest.raises(ConfigError, match=message):
        prepared(place, "refused", given)
