"""The processes of a run, each built from the path of its configuration, so that it can be built again."""

from common.build.data import build_dataset, build_metric
from common.elastic.coordinator import Coordinator, StreamSource
from common.elastic.dense import Dense
from common.elastic.settings import build_optimizers, read_config
from common.elastic.shard import Shard
from common.inference.task import task_of


def make_coordinator(config_path, workers):
    """The coordinator of a run.

    Args:
        config_path (str): the configuration of the run.
        workers (int): that are wanted.
    """
    config = read_config(config_path)
    settings, dataset = config.settings("elastic"), build_dataset(config, "train")
    metric = build_metric(config, dataset, task_of(config))
    sizes = (settings.part_mb * 2**20, settings.lease_seconds, settings.commit_minutes * 60)
    return Coordinator(StreamSource(dataset), metric, config.settings("train").epochs, workers, *sizes)


def make_shard(config_path, number, count, tables):
    """A shard of a run.

    Args:
        config_path (str): the configuration of the run.
        number (int): of the shard.
        count (int): of all shards.
        tables (dict[str, dict]): what it holds, see :meth:`common.elastic.model.RemoteModel.tables`.
    """
    config = read_config(config_path)
    admit = config.settings("elastic").admit
    return Shard(number, count, tables, build_optimizers(config).sparse, config.get("seed"), admit)


def make_dense(config_path):
    """The process that holds the dense parameters."""
    return Dense()


def make_worker(config_path, number, links):
    """A worker of a run; see :class:`common.elastic.worker.Worker`."""
    from common.elastic.worker import Worker

    return Worker(number, config_path, links)


def make_publisher(config_path):
    """The publisher of a run."""
    from common.elastic.publisher import Publisher

    return Publisher(config_path)
