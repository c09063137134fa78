"""Streams of rows: every line once for any number of shards, bad rows named by file and line, resumable."""

import functools
import gzip
import operator

import numpy as np
import pytest

from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import StreamSampler
from common.errors import BadRows, BadSample, DataError
from common.table.rows import RowFiles


class Numbers(RowFiles):
    """One integer per line."""

    def assemble(self, rows):
        bad = {row: ("D118", "not a number", line.decode().strip()) for row, line in enumerate(rows) if b"x" in line}
        if bad:
            raise BadRows(bad)
        return {"number": np.array([int(row) for row in rows])}


@pytest.fixture
def files(tmp_path):
    """Three files with the numbers 0 to 999 in lines of different lengths, one of them compressed."""
    (tmp_path / "a.txt").write_text("".join(f"{k}\n" for k in range(417)))
    (tmp_path / "b.txt").write_text("\n".join(f"{k:0{k % 7 + 3}d}" for k in range(417, 600)))  # no newline at the end
    with gzip.open(tmp_path / "c.txt.gz", "wt") as file:
        file.write("".join(f"{k}\n" for k in range(600, 1000)))
    return str(tmp_path / "*.txt*")


def numbers(loader, epoch=0, start=0):
    return [batch["number"].tolist() for batch in loader.epoch(epoch, start)]


@pytest.mark.parametrize("num_shards", [1, 2, 3, 7, 50])
def test_the_shards_partition_the_lines_of_the_files(files, num_shards):
    rows = Numbers(files)
    read = [int(line) for shard in range(num_shards) for line in rows.iterate(shard, num_shards, 0)]
    assert sorted(read) == list(range(1000))
    assert sum(rows.num_rows(shard, num_shards) for shard in range(num_shards)) == len(rows) == 1000


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_are_read_once_by_all_workers_of_all_processes(files, workers):
    read = []
    for rank in range(2):
        with Loader(Numbers(files), Pipeline([]), StreamSampler(64, rank=rank, world=2), workers) as loader:
            batches = numbers(loader)
            assert len(batches) == len(loader)
            read += functools.reduce(operator.iadd, batches, [])
    assert sorted(read) == list(range(1000))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_shuffled_stream_resumes_at_any_step(files, workers):
    with Loader(Numbers(files, shuffle=300), Pipeline([]), StreamSampler(30), workers) as loader:
        whole = numbers(loader, 1)
        for step in (1, 7, len(whole) - 1):
            assert numbers(loader, 1, step) == whole[step:]


def test_the_order_changes_with_the_epoch_and_the_rows_do_not(files):
    with Loader(Numbers(files, shuffle=2000), Pipeline([]), StreamSampler(100)) as loader:
        first, second = (functools.reduce(operator.iadd, numbers(loader, epoch), []) for epoch in (0, 1))
    assert first != second and sorted(first) == sorted(second)


def test_a_bad_row_is_named_by_file_and_line(tmp_path):
    (tmp_path / "a.txt").write_text("1\n2\n\nx3\n4\n")
    rows = Numbers([str(tmp_path / "a.txt")])
    with Loader(rows, Pipeline([]), StreamSampler(3)) as loader, pytest.raises(BadSample) as caught:
        numbers(loader)
    assert "a.txt: line 4" in str(caught.value) and "not a number" in str(caught.value) and "x3" in str(caught.value)
    (issue,) = rows.check(deep=True)
    assert issue.place == "line 4" and issue.code == "D118"


def test_bad_rows_are_skipped_on_request(tmp_path):
    (tmp_path / "a.txt").write_text("1\nx2\n3\n4\nx5\n")
    rows = Numbers([str(tmp_path / "a.txt")])
    with Loader(rows, Pipeline([]), StreamSampler(2), bad_samples="skip") as loader:
        assert numbers(loader) == [[1], [3, 4]]
        assert [skipped.index for skipped in loader.skipped] == [(0, 1), (0, 4)]
        assert loader.skipped[1].issue.place == "line 5"


def test_missing_and_empty_files_and_damaged_archives_are_refused(files, tmp_path):
    with pytest.raises(DataError, match=r"nothing\*: there is no such file"):
        Numbers([str(tmp_path / "nothing*")])
    (tmp_path / "empty").write_text("")
    with pytest.raises(DataError, match="the files are empty"):
        Numbers([str(tmp_path / "empty")])
    whole = (tmp_path / "c.txt.gz").read_bytes()
    (tmp_path / "cut.gz").write_bytes(whole[:-20])
    with pytest.raises(DataError, match=r"cut\.gz: damaged or truncated gzip file"):
        list(Numbers([str(tmp_path / "cut.gz")]).iterate(0, 1, 0))


def test_headers_are_skipped_in_every_shard(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("name\n1\n2\n3\n")
    rows = Numbers([str(tmp_path / "?")], header=True)
    for num_shards in (1, 2, 5):
        read = [int(line) for shard in range(num_shards) for line in rows.iterate(shard, num_shards, 0)]
        assert sorted(read) == [1, 1, 2, 2, 3, 3]
