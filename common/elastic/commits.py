"""Commits: the position in the stream and all rows and parameters at that position, in one folder that appears whole.

    <run>/commits/12/  bucket-00.safetensors ...  dense.safetensors  scores.safetensors  manifest.json

The rows are in 16 buckets by the hash of their keys, so that a run may resume with another number of shards.  The
manifest, written last, has the sha256 of each file and the facts: the run, the hour, its parts that are done.
"""

import os
import re
import shutil
from pathlib import Path

import numpy as np

from common.errors import ConfigError
from common.table.hash import splitmix64
from common.weights.manifest import MANIFEST, CheckpointError, read_checked, read_manifest, write_file, write_manifest
from common.weights.run_folder import move_into_place
from common.weights.safetensors import decode_arrays, encode_arrays

BUCKETS = 16  # each a file that is flushed
NUMBER = re.compile(r"\d{1,12}")


def buckets_of(keys):
    """The bucket int64 [U] of keys uint64 [U]."""
    return (splitmix64(keys) >> np.uint64(60)).astype(np.int64)


def shards_of(keys, count):
    """The shard int64 [U] of each key, of `count` shards: each has whole buckets."""
    return buckets_of(keys) * count // BUCKETS


def own_buckets(shard, count):
    """The buckets of a shard (list[int])."""
    return [bucket for bucket in range(BUCKETS) if bucket * count // BUCKETS == shard]


def bucket_file(bucket):
    """The name of the file of a bucket in a commit."""
    return f"bucket-{bucket:02d}.safetensors"


def write_bucket(folder, bucket, tables):
    """Writes the rows of a bucket; returns {file name: entry of the manifest}.

    Args:
        folder (Path): of the commit, which is not whole yet.
        bucket (int): its number.
        tables (dict[str, dict]): name of a table -> {array name: array}; keys are uint64.
    """
    arrays = {}
    for table, named in tables.items():
        for name, array in named.items():
            array = array.view(np.int64) if array.dtype == np.uint64 else array
            arrays[f"{table}/{name}"] = array
    return write_arrays(folder, bucket_file(bucket), arrays)


def read_bucket(folder, bucket, entries):
    """The inverse of :func:`write_bucket`: {table: {array name: array}}; raises CheckpointError."""
    found = {}
    for name, array in read_commit_arrays(folder, bucket_file(bucket), entries).items():
        table, _, name = name.rpartition("/")
        found.setdefault(table, {})[name] = array.view(np.uint64) if name.endswith("keys") else array
    return found


def write_arrays(folder, name, arrays):
    """Writes arrays as a safetensors file, flushed to disk; returns {name: entry of the manifest}."""
    return {name: write_file(Path(folder) / name, encode_arrays(arrays))}


def read_commit_arrays(folder, name, entries):
    """The arrays of a file of a commit; raises CheckpointError if it is not the one that was written."""
    try:
        return decode_arrays(read_checked(folder, name, entries))
    except ValueError as error:
        raise CheckpointError(f"{Path(folder) / name}: {error}") from None


def commit_numbers(root):
    """The numbers of the commits in a folder, ascending (list[int])."""
    root = Path(root)
    names = [path.name for path in root.iterdir()] if root.is_dir() else []
    return sorted(int(name) for name in names if NUMBER.fullmatch(name) and (root / name / MANIFEST).is_file())


def latest_commit(root):
    """(folder, manifest) of the newest commit that is whole, or (None, None).

    Raises:
        CheckpointError: the newest one is damaged.
    """
    numbers = commit_numbers(root)
    if not numbers:
        return None, None
    folder = Path(root) / str(numbers[-1])
    return folder, read_manifest(folder)


class CommitDraft:
    """A commit that is being written; nothing appears under its name before :meth:`finish`.

    Args:
        root (Path): of all commits.
        number (int): of this one.
    """

    def __init__(self, root, number):
        self.root, self.number = Path(root), number
        self.folder = self.root / f".{number}.tmp-{os.getpid()}"
        self.root.mkdir(parents=True, exist_ok=True)
        for old in self.root.glob(".*.tmp-*"):
            shutil.rmtree(old, ignore_errors=True)
        self.folder.mkdir()

    def finish(self, entries, facts, keep):
        """Writes the manifest, gives the folder its name, and removes the oldest commits beyond `keep`.

        Args:
            entries (dict): file name -> entry of the manifest, of all files.
            facts (dict): JSON values.
            keep (int): newest commits that remain.

        Returns:
            Path: of the commit.
        """
        write_manifest(self.folder, entries, number=self.number, **facts)
        final = self.root / str(self.number)
        move_into_place(self.folder, final)
        for old in commit_numbers(self.root)[:-keep]:
            shutil.rmtree(self.root / str(old), ignore_errors=True)
        return final


def check_fits(manifest, **facts):
    """Raises ConfigError if a commit was made with other settings than those of this run, by name."""
    for name, here in facts.items():
        if manifest.get(name, here) != here:
            raise ConfigError(
                f"the last commit was made with {name} {manifest[name]}, this run has {here}; they must be equal "
                "to resume (another output_dir begins from nothing)"
            )
