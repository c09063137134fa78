"""A worker: leases parts of the stream, computes the gradients of their batches, and pushes them to the shards.

Nothing in a worker has to survive: the rows are on the shards, the dense parameters at `Dense`, the position in the
stream at the coordinator.  Only the moments of its dense optimizer are its own.
"""

import collections
import time

import numpy as np

from common.build.data import build_dataset, build_metric, build_transforms
from common.data.batches import END, StreamedBatches, TableBatches
from common.data.pipeline import Pipeline
from common.elastic.commits import shards_of
from common.elastic.model import RemoteModel
from common.elastic.settings import build_optimizers, read_config
from common.elastic.shard import RunOver
from common.errors import Diverged
from common.inference.evaluate import sources_of, update
from common.inference.task import task_of
from common.log import logger
from common.optim.grouped import build_grouped
from common.training.stream_trainer import scores_in_training
from common.training.trainer import to_tensors

PAUSE = 0.2  # seconds until a worker asks again


class Unwatched:
    """Takes the notes of a batch reader, which nobody reads here."""

    def write(self, text):
        """Does nothing."""


class Worker:
    """One worker.

    Args:
        number (int): of this worker, from 0.
        config_path (str): the configuration of the run.
        links (object): `shards`, `dense` and `coordinator`, whose methods are called by `.remote(...)`; `get(answers)`
            waits for answers; `is_lost(error)` is true for the error of a process that is gone.
    """

    def __init__(self, number, config_path, links):
        self.number, self.links = number, links
        self.config = read_config(config_path)
        self.settings, self.elastic = self.config.settings("train"), self.config.settings("elastic")
        self.dataset = build_dataset(self.config, "train")
        transforms = build_transforms(self.config, "train", dataset=self.dataset)
        self.pipeline = Pipeline(transforms, self.config.get("seed"))
        self.remote = RemoteModel(self.config, self.dataset)
        self.model = self.remote.model
        self.metric = build_metric(self.config, self.dataset, task_of(self.config))
        settings = build_optimizers(self.config).dense
        self.schedule = settings.schedule
        self.optimizer = build_grouped(settings, self.model, dict(self.model.named_parameters()))
        self.one_pass = scores_in_training(self.model)
        self.used = collections.Counter()

    def work(self, seconds=float("inf")):
        """Works until the coordinator says stop, or for some seconds at least. Returns `stop` or `time`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done = self.turn()
            if done == "stop":
                return done
            if done == "wait":
                time.sleep(PAUSE)
        return "time"

    def turn(self):
        """Leases one part and learns it. Returns `part`, `wait` or `stop`; `wait` too if the run was rolled back."""
        try:
            lease = self.links.get(self.links.coordinator.lease.remote(self.number))
            if lease["do"] == "part":
                self.learn(lease)
            return lease["do"]
        except RunOver:
            return "wait"
        except Exception as error:
            if not self.links.is_lost(error):
                raise
            logger.info("worker %d waits: %s", self.number, str(error).splitlines()[0])
            return "wait"

    def learn(self, lease):
        """Learns the part of a lease, and acknowledges it once every push has been applied."""
        part = Part(self, lease)
        waiting, ended = collections.deque(), False
        batches = self.batches(lease)
        while True:
            while not ended and len(waiting) <= self.elastic.prefetch:
                batch = next(batches, None)
                ended = batch is None
                if not ended:
                    waiting.append(part.ask(batch))
            if not waiting:
                break
            part.learn(*waiting.popleft())
        part.finish()
        scores = {name: np.asarray(value) for name, value in self.metric.state().items()}
        self.links.get(self.links.coordinator.ack.remote(lease["run"], self.number, lease["part"], part.rows, scores))

    def batches(self, lease):
        """The batches of a part, which follow from the part alone."""
        kind = TableBatches if hasattr(self.dataset, "assemble") else StreamedBatches
        skip, size = self.settings.bad_samples == "skip", self.settings.batch_size
        given = (self.dataset, self.pipeline, skip, Unwatched(), size, False, lease["part"], lease["shards"])
        reader, step = kind(*given), 0
        reader.start(lease["hour"])
        while True:
            begun = time.thread_time()
            found = reader.make(lease["hour"], step, True, bool)
            self.used["read"] += time.thread_time() - begun
            if found is END:
                return
            step += 1
            if found.batch is not None:
                yield found.batch

    def pulse(self):
        """Facts for a status (dict)."""
        return {"cpu": time.process_time(), "used": dict(self.used)}


class Part:
    """The learning of one part by a worker.

    Args:
        worker (Worker): that has leased it.
        lease (dict): what the coordinator answered.
    """

    def __init__(self, worker, lease):
        self.worker, self.remote, self.links = worker, worker.remote, worker.links
        self.run, self.hour, self.share = lease["run"], lease["hour"], lease["workers"]
        self.name = f"{lease['hour']}:{lease['part']}"
        self.rows = self.step = self.synced = 0
        self.pushes = collections.deque()  # of each step, one for every shard; they go out with the next messages
        worker.metric.reset()
        worker.model.train()
        layout = self.remote.layout
        answer = self.links.dense.start.remote(self.run, self.remote.vector(), layout)
        self.base, self.steps = self.links.get(answer)
        self.remote.set_vector(self.base)

    def ask(self, batch):
        """Asks the shards for the rows of a batch, and sends the push that waits: (batch, keys, owners, answers)."""
        wanted = self.remote.keys(batch)
        count = len(self.links.shards)
        owners = {name: shards_of(keys, count) if count > 1 else None for name, (keys, _, _) in wanted.items()}
        push = self.pushes.popleft() if self.pushes else [None] * count
        answers = []
        for number, shard in enumerate(self.links.shards):
            pull = {name: of_shard(keys, owners[name], number) for name, (keys, _, _) in wanted.items()}
            answers.append(shard.exchange.remote(self.run, push[number], pull))
        return batch, wanted, owners, answers

    def learn(self, batch, wanted, owners, answers):
        """Learns a batch whose rows were asked for."""
        worker = self.worker
        self.remote.take(wanted, joined(wanted, owners, self.links.get(answers)))
        tensors = to_tensors(batch)
        if worker.one_pass:
            losses, outputs = worker.model.scored_loss(tensors)
            found = {name: value.numpy() for name, value in outputs.items()}
            update(worker.metric, {"predictions": lambda _: found}, batch)
        else:
            worker.model.eval()
            update(worker.metric, sources_of(worker.model), batch)
            worker.model.train()
            losses = worker.model.loss(tensors)
        total = sum(losses.values())
        if not np.isfinite(float(total.item())):
            raise Diverged(f"the loss is not finite in part {self.name}, step {self.step}: {float(total.item())}")
        total.backward()
        self.give(wanted, owners, self.remote.gradients())
        worker.optimizer.step(worker.schedule.at(self.steps + (self.step - self.synced) * self.share))
        worker.optimizer.clear()
        self.step += 1
        self.rows += len(next(iter(batch.values())))
        if (self.step - self.synced) >= worker.elastic.dense_every:
            self.sync()

    def give(self, wanted, owners, gradients):
        """Keeps the push of this step for the next message to each shard; every shard gets one, even if empty."""
        pushes = []
        for number in range(len(self.links.shards)):
            tables = {}
            for name, (keys, counts, _) in wanted.items():
                mine = counts > 0 if owners[name] is None else (counts > 0) & (owners[name] == number)
                if mine.all():
                    tables[name] = keys, gradients[name], counts.astype(np.uint32)
                else:
                    tables[name] = keys[mine], gradients[name][mine], counts[mine].astype(np.uint32)
            pushes.append((self.name, self.step, self.hour, tables))
        self.pushes.append(pushes)

    def sync(self):
        """Sends what the dense parameters were moved by, and takes the mean of all workers."""
        count = self.step - self.synced
        if not count:
            return
        moved = (self.remote.vector() - self.base) / np.float32(self.share)
        answer = self.links.dense.sync.remote(self.run, self.name, self.step, moved, count)
        self.base, self.steps = self.links.get(answer)
        self.remote.set_vector(self.base)
        self.synced = self.step

    def finish(self):
        """Sends what is left, and waits until all of it has been applied."""
        while self.pushes:
            push = self.pushes.popleft()
            answers = [shard.exchange.remote(self.run, push[n]) for n, shard in enumerate(self.links.shards)]
            self.links.get(answers)
        self.sync()


def of_shard(keys, owners, number):
    """Those of the keys that a shard has; all where there is one shard."""
    return keys if owners is None else keys[owners == number]


def joined(wanted, owners, answers):
    """The rows of all keys, in their order, of the answers of all shards: {table: rows float32 [U, K]}."""
    found = {}
    for name, (keys, _, _) in wanted.items():
        if owners[name] is None:
            found[name] = answers[0][name]
            continue
        rows = np.empty((len(keys), answers[0][name].shape[1]), np.float32)
        for number, answer in enumerate(answers):
            rows[owners[name] == number] = answer[name]
        found[name] = rows
    return found
