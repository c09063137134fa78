"""The publisher: turns the commit at the end of an hour into a version for serving.

A version is an export whose program takes rows (`common.export.by_rows`), with a file of rows by key for each table.
"""

import itertools

import numpy as np

from common.build.data import build_dataset, build_transforms
from common.data.pipeline import Pipeline
from common.elastic.commits import BUCKETS, read_bucket, read_commit_arrays
from common.elastic.dense import FILE, join_arrays
from common.elastic.model import RemoteModel
from common.elastic.settings import read_config
from common.export.by_rows import ByRows, export_by_rows
from common.table.first_rows import first_seeds
from common.table.versions import publish
from common.weights.manifest import read_manifest

ROWS = 2  # of a batch, to compare the exported model with the trained one


class Publisher:
    """Writes versions.

    Args:
        config_path (str): the configuration of the run.
    """

    def __init__(self, config_path):
        self.config = read_config(config_path)
        self.dataset = build_dataset(self.config, "train")
        self.remote = RemoteModel(self.config, self.dataset)
        self.program = ByRows(self.remote.model)

    def publish(self, commit, root, version, hour, facts, keep):
        """Publishes a commit.

        Args:
            commit (str): its folder.
            root (str): of all versions.
            version (str): digits, such as 2020040100.
            hour (int): a row of this hour is the golden of the export.
            facts (dict): of the line in `donefile`: the scores of the hour.
            keep (int): newest versions that remain.

        Returns:
            str: the folder of the version.
        """
        entries = read_manifest(commit)["files"]
        self.remote.set_vector(join_arrays(read_commit_arrays(commit, FILE, entries), self.remote.layout))
        rows = {name: [] for name in self.remote.layers}
        for bucket in range(BUCKETS):
            for table, arrays in read_bucket(commit, bucket, entries).items():
                rows[table].append((arrays["keys"], arrays["rows"]))
        return str(publish(root, version, lambda draft: self.fill(draft, rows, hour), keep, facts))

    def fill(self, draft, rows, hour):
        """Writes the files of a version into its folder."""
        self.program.eval()
        seeds = first_seeds(rows, self.config.get("seed"))
        first = {name: {"std": about["std"], "seed": seeds[name]} for name, about in self.remote.tables().items()}
        export_by_rows(self.program, self.config, rows, self.rows_of(hour), draft, first=first)

    def rows_of(self, hour):
        """The inputs of the model for the first rows of an hour."""
        transforms = build_transforms(self.config, "train", dataset=self.dataset)
        rows = list(itertools.islice(self.dataset.iterate(0, 1, hour), ROWS))
        batch = Pipeline(transforms, self.config.get("seed")).table(self.dataset.assemble(rows))
        return {name: np.asarray(batch[name]) for name in self.remote.model.inputs}
