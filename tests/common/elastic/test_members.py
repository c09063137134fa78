"""Shards, dense parameters and coordinator: every effect once, nothing of a run that is over."""

import numpy as np
import pytest

from common.elastic.commits import BUCKETS, CommitDraft, commit_numbers, latest_commit, own_buckets, shards_of
from common.elastic.coordinator import Coordinator
from common.elastic.dense import Dense
from common.elastic.shard import RunOver, Shard
from common.optim.optimizers import Adam
from common.weights.manifest import CheckpointError
from PaddleRec.metrics.click_scores import ClickScores

TABLES = {"a": {"width": 2, "std": 0.1}, "b": {"width": 1, "std": 0.0}}
KEYS = np.unique(np.random.default_rng(0).integers(0, 2**60, 500, dtype=np.uint64))


def shards(count, run=1, commit=None):
    settings = Adam(lr=0.1)
    settings.schedule.bind(None, None)
    found = [Shard(number, count, TABLES, settings) for number in range(count)]
    for shard in found:
        shard.begin(run, commit)
    return found


def push_of(shard, number, count, part="0:0", step=0, scale=1.0):
    mine = KEYS[shards_of(KEYS, count) == number]
    gradients = {"a": np.full((len(mine), 2), scale, "float32"), "b": np.full((len(mine), 1), scale, "float32")}
    return part, step, 3, {name: (mine, gradients[name], np.full(len(mine), 2)) for name in TABLES}


def pulled(members):
    found = np.empty((len(KEYS), 2), "float32")
    for number, shard in enumerate(members):
        mine = shards_of(KEYS, len(members)) == number
        found[mine] = shard.exchange(shard.run, None, {"a": KEYS[mine]})["a"]
    return found


def write_commit(root, members, number=1, **facts):
    draft, entries = CommitDraft(root, number), {}
    for member in members:
        entries |= member.snapshot(member.run, draft.folder)
    return draft.finish(entries, {"steps": 5, **facts}, keep=2)


def test_every_bucket_is_on_one_shard():
    for count in (1, 2, 3, 16):
        assert sorted(b for shard in range(count) for b in own_buckets(shard, count)) == list(range(BUCKETS))


def test_a_push_that_comes_twice_counts_once():
    (shard,) = shards(1)
    for step in (0, 0, 1, 0, 1):
        shard.exchange(1, push_of(shard, 0, 1, step=step))
    shard.exchange(1, push_of(shard, 0, 1, part="0:1"))
    pulse = shard.pulse()
    assert pulse["skipped"] == 3 and pulse["shows"] == {"a": 2 * 3 * len(KEYS), "b": 2 * 3 * len(KEYS)}


def test_messages_of_another_run_are_refused():
    (shard,), dense = shards(1), Dense()
    for call in (lambda: shard.exchange(2), lambda: dense.start(1, np.zeros(1), [])):
        with pytest.raises(RunOver):
            call()
    assert dense.pulse()["run"] == -1


def test_a_commit_gives_the_same_rows_to_any_number_of_shards(tmp_path):
    members = shards(2)
    for step in range(3):
        for number, shard in enumerate(members):
            shard.exchange(1, push_of(shard, number, 2, step=step))
    commit = write_commit(tmp_path, members)
    want = pulled(members)
    for count in (1, 3):
        again = shards(count, 2, commit)
        np.testing.assert_array_equal(pulled(again), want)
    for number, shard in enumerate(again):  # the moments and the number of updates are there too
        shard.exchange(2, push_of(shard, number, 3, scale=-1.0))
    for number, shard in enumerate(members):
        shard.exchange(1, push_of(shard, number, 2, part="0:1", scale=-1.0))
    np.testing.assert_array_equal(pulled(again), pulled(members))


def test_the_newest_commit_counts_and_a_damaged_one_is_refused(tmp_path):
    for number in (1, 2, 3):
        commit = write_commit(tmp_path, shards(1), number)
    assert commit_numbers(tmp_path) == [2, 3] and latest_commit(tmp_path)[0] == commit
    CommitDraft(tmp_path, 4)  # one that was never finished
    assert latest_commit(tmp_path)[0] == commit
    file = commit / "bucket-05.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match="bucket-05"):
        shards(1, 2, commit)


def test_dense_moves_add_up_once_and_survive_a_commit(tmp_path):
    dense, layout = Dense(), [("x", [2]), ("y", [1])]
    dense.begin(1)
    np.testing.assert_array_equal(dense.start(1, np.array([1, 2, 3], "float32"), layout)[0], [1, 2, 3])
    np.testing.assert_array_equal(dense.start(1, np.zeros(3, "float32"), layout)[0], [1, 2, 3])
    for _ in range(2):
        found, steps = dense.sync(1, "0:0", 4, np.ones(3, "float32"), 4)
    assert found.tolist() == [2, 3, 4] and steps == 4
    again = Dense()
    again.begin(2, write_commit(tmp_path, [dense]))
    found, steps = again.start(2, np.zeros(3, "float32"), layout)
    assert found.tolist() == [2, 3, 4] and steps == 5
    with pytest.raises(ValueError, match="parameters"):
        again.start(2, np.zeros(1, "float32"), [("z", [1])])


class Hours:
    """A source of hours of ten parts each."""

    hourly, wait, late = True, 0.0, "stop"

    def __init__(self, ready=2):
        self.ready = ready

    def is_ready(self, hour):
        return hour < self.ready

    def name_of(self, hour):
        return f"20200401{hour:02d}"

    def size_of(self, hour):
        return 95


def coordinator(source=None, **keys):
    found = Coordinator(source or Hours(), ClickScores(buckets=8), 5, 2, part_bytes=10, **keys)
    found.begin(1)
    return found


def scores(rows):
    metric = ClickScores(buckets=8)
    metric.update({"probability": np.full(rows, 0.5)}, {"label": np.arange(rows) % 2})
    return metric.state()


def test_parts_are_leased_once_and_given_back_by_the_dead():
    lead = coordinator()
    first, second = lead.lease(0), lead.lease(1)
    assert (first["part"], second["part"], first["shards"], first["workers"]) == (0, 1, 10, 2)
    assert lead.release(0) == 1 and lead.lease(1)["part"] == 0  # a part that was begun comes first
    assert not lead.ack(1, 0, 0, 7, scores(7))  # the dead one's answer comes late
    assert lead.ack(1, 1, 0, 7, scores(7)) and not lead.ack(1, 1, 0, 7, scores(7))
    assert lead.rows == 7


def test_an_hour_is_the_sum_of_its_acknowledgments_and_the_next_one_follows():
    lead = coordinator()
    for _ in range(10):
        assert lead.due() is None
        assert lead.ack(1, 0, lead.lease(0)["part"], 4, scores(4))
    assert lead.due() == "hour" and lead.lease(0)["do"] == "wait" and lead.quiet()
    ended = lead.end_hour()
    assert ended["version"] == "2020040100" and ended["rows"] == 40 and ended["scores"]["ctr"] == 0.5
    lead.resume()
    assert lead.lease(0)["hour"] == 1


def test_a_hold_lets_only_parts_that_were_begun_be_finished():
    lead = coordinator()
    lead.lease(0), lead.lease(1)
    lead.release(1)
    assert not lead.quiet()
    assert lead.lease(1)["part"] == 1 and lead.lease(1)["do"] == "wait"
    lead.ack(1, 0, 0, 1, scores(1)), lead.ack(1, 1, 1, 1, scores(1))
    assert lead.quiet()


def test_a_lease_that_runs_out_goes_to_another_worker():
    lead = coordinator(lease_seconds=0.0)
    assert lead.lease(0)["part"] == lead.lease(1)["part"] == 0


def test_the_position_of_a_commit_is_where_a_run_resumes(tmp_path):
    lead = coordinator()
    for _ in range(3):
        lead.ack(1, 0, lead.lease(0)["part"], 4, scores(4))
    draft = CommitDraft(tmp_path, 1)
    entries, facts = lead.snapshot(1, draft.folder)
    commit = draft.finish(entries, facts, keep=2)
    lead.ack(1, 0, lead.lease(0)["part"], 4, scores(4))
    lead.begin(2, commit)
    assert lead.rows == 12 and lead.lease(0)["part"] == 3
    assert not lead.ack(1, 0, 3, 4, scores(4)), "of the run before"
    assert lead.ack(2, 0, 3, 4, scores(4)) and lead.pulse()["scores"]["ctr"] == 0.5


@pytest.mark.parametrize("late", ["stop", "skip"])
def test_an_hour_that_does_not_come_ends_the_run_or_is_skipped(late):
    source = Hours(ready=0)
    source.late = late
    lead = coordinator(source)
    assert lead.lease(0)["do"] == "wait"
    if late == "stop":
        assert lead.due() == "end" and "2020040100 did not arrive" in lead.pulse()["end"]
        assert lead.lease(0)["do"] == "stop"
    else:
        assert lead.hour == 1 and lead.due() is None


def test_workers_of_higher_numbers_end_when_fewer_are_wanted():
    lead = coordinator()
    lead.want(1)
    assert lead.lease(1)["do"] == "stop" and lead.lease(0)["do"] == "part"
    lead.stop()
    assert lead.lease(0)["do"] == "stop"
    lead.release(0)
    assert lead.lease(0)["part"] == 0, "a part that was begun is finished"
