"""One loaded version of a model: a bounded queue, batches, and the processes that predict them."""

import asyncio
import collections
import contextlib
import math
import time

from common.errors import KitError
from common.log import logger
from deploy.serving.problems import Problem, problem_in_place
from deploy.serving.process import Died, Hung, PredictorProcess

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds between two starts of a process that does not come up


class Job:
    """One item that waits for its prediction; `future` gets (status, bytes, note), or a Problem."""

    __slots__ = ("arrived", "future", "item")

    def __init__(self, item, future):
        self.item, self.future, self.arrived = item, future, time.monotonic()


class Lane:
    """Answers items with one version of a model.

    Args:
        name (str): of the model.
        version (str): of the model.
        folder (Path): the exported model.
        settings (Settings): of the server.
        metrics (Metrics): counts.
    """

    def __init__(self, name, version, folder, settings, metrics):
        self.name, self.version, self.folder, self.settings, self.metrics = name, version, folder, settings, metrics
        self.queue, self.waiters = collections.deque(), set()
        self.up, self.closing, self.tasks, self.description = 0, False, [], {}
        self.max_batch, self.batch_seconds, self.batch_items = settings.max_batch, 0.0, 0  # of the last batch
        self.working = 0  # items that the processes predict now

    async def start(self):
        """Loads the model in every process.

        Raises:
            KitError: it cannot be loaded; no process is left.
        """
        starts = [PredictorProcess.start(self.folder, self.settings.threads) for _ in range(self.settings.workers)]
        children = await asyncio.gather(*starts, return_exceptions=True)
        failed = [child for child in children if isinstance(child, BaseException)]
        if failed:
            await asyncio.gather(*(c.stop() for c in children if isinstance(c, PredictorProcess)))
            raise failed[0]
        self.description = children[0].description
        self.max_batch = self.description["batch"] or self.settings.max_batch
        self.up = len(children)
        self.tasks = [asyncio.create_task(self.keep_running(child)) for child in children]

    # What requests do ------------------------------------------------------------------------------------------------

    async def predict(self, items, deadline):
        """The records of the items of one request, as JSON, in their order, and how much of each text was read.

        Args:
            items (list[tuple[dict, list[bytes]] | Problem]): see `inputs.read_items`.
            deadline (float): of `time.monotonic()`.

        Returns:
            tuple[list[bytes], list[dict | None]]: in the place of an item that is wrong an object with its problem.

        Raises:
            Problem: 503 the queue is full or the process died, 504 the deadline has passed, 422 every item is wrong.
        """
        jobs = self.submit([item for item in items if not isinstance(item, Problem)])
        try:
            await asyncio.wait([job.future for job in jobs], timeout=max(0, deadline - time.monotonic()))
        finally:
            late = [job for job in jobs if not job.future.done()]
            for job in late:
                job.future.cancel()
                with contextlib.suppress(ValueError):
                    self.queue.remove(job)
        problems = [job.future.exception() for job in jobs if job not in late]
        problem = next(filter(None, problems), None)
        if late:
            raise Problem(504, f"no prediction within the deadline of {self.settings.deadline:g} s")
        if problem:
            raise problem
        results = iter([job.future.result() for job in jobs])
        refused = {place: item for place, item in enumerate(items) if isinstance(item, Problem)}
        found = [(0, b"", None) if place in refused else next(results) for place in range(len(items))]
        refused |= {n: Problem(status, text.decode()) for n, (status, text, _) in enumerate(found) if status >= 400}
        if len(refused) == len(items):
            raise refused[0]
        for _, _, note in found:
            self.metrics.observe_text(self.name, note)
        texts = [problem_in_place(refused[n]) if n in refused else text for n, (_, text, _) in enumerate(found)]
        return texts, [None if n in refused else note for n, (_, _, note) in enumerate(found)]

    def submit(self, items):
        """Queues items, all or none; raises Problem 503 where there is no room."""
        if len(self.queue) + len(items) > self.settings.queue:
            raise Problem(503, f"{len(self.queue)} items are waiting, the queue is full", self.retry_after())
        loop = asyncio.get_running_loop()
        jobs = [Job(item, loop.create_future()) for item in items]
        self.queue.extend(jobs)
        self.wake()
        return jobs

    def retry_after(self):
        """When it makes sense to ask again, from how long the last batch took."""
        batches = len(self.queue) / self.max_batch / max(1, self.up)
        return {"Retry-After": str(min(30, max(1, math.ceil(batches * self.batch_seconds))))}

    # What the processes do -------------------------------------------------------------------------------------------

    async def keep_running(self, child):
        """Feeds one process; another is started when it dies, until the lane is closed."""
        pause = FIRST_PAUSE
        while True:
            if child is None:
                try:
                    child = await PredictorProcess.start(self.folder, self.settings.threads)
                    self.up, pause = self.up + 1, FIRST_PAUSE
                except (KitError, OSError) as error:
                    logger.error("%s: %s", self.name, str(error).splitlines()[0])
                    if self.closing:
                        return
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    continue
            ended = asyncio.create_task(child.process.wait())
            ended.add_done_callback(lambda _: self.wake())
            try:
                await self.feed(child)
                return
            except (Died, Hung) as error:
                logger.warning("%s: the process %d of the predictor is gone: %s", self.name, child.process.pid, error)
            except Exception:  # noqa: BLE001  a bug here must not leave the requests to come without a process
                logger.exception("%s: the process %d of the predictor is replaced", self.name, child.process.pid)
            finally:
                self.up -= 1
                await child.stop()
                await ended
            self.metrics.restarts.labels(self.name).inc()
            child = None

    async def feed(self, child):
        """Gives batches to a process until the lane is closed and empty; raises Died or Hung."""
        while jobs := await self.next_batch(child):
            began = time.monotonic()
            self.metrics.batches.labels(self.name).observe(len(jobs))
            self.working += len(jobs)
            try:
                found = await child.ask([job.item for job in jobs], self.settings.deadline)
            except Hung:
                self.fail(jobs, 504, "the predictor did not respond in time and was restarted")
                raise
            except Died:
                self.fail(jobs, 503, "the predictor ended while it worked on this, and is restarted")
                raise
            finally:
                self.working -= len(jobs)
            for job, one in zip(jobs, found, strict=True):
                if not job.future.done():
                    job.future.set_result(one)
            self.batch_seconds, self.batch_items = time.monotonic() - began, len(jobs)
            self.metrics.count_unknown(self.name, child.unknown)
            self.metrics.failures.labels(self.name).inc(sum(status == 500 for status, _, _ in found))

    def fail(self, jobs, status, detail):
        """Ends the jobs of a batch with a problem."""
        headers = {"Retry-After": "1"} if status == 503 else {}
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(Problem(status, detail, headers))

    async def next_batch(self, child):
        """The jobs of the next batch: as many as there are, up to `max_batch`, the first having waited `max_wait`.

        Returns:
            list[Job]: none when the lane is closed.

        Raises:
            Died: the process ended while there was nothing to do.
        """
        while True:
            if child.process.returncode is not None:
                raise Died(f"exit code {child.process.returncode}")
            wait = None
            if self.queue:
                wait = self.queue[0].arrived + self.patience() - time.monotonic()
                if wait <= 0 or self.closing or len(self.queue) >= self.enough():
                    return self.take()
            elif self.closing:
                return []
            await self.changed(wait)

    def enough(self):
        """Number of items that are not kept waiting for others."""
        return self.max_batch

    def patience(self):
        """Seconds that the first item of a batch waits for others."""
        return self.settings.max_wait

    def take(self):
        """Takes the jobs of the next batch out of the queue, the one that came first among them."""
        return [self.queue.popleft() for _ in range(min(self.max_batch, len(self.queue)))]

    async def changed(self, seconds):
        """Waits until :meth:`wake`, or so long."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        timer = seconds is not None and loop.call_later(seconds, wake, waiter)
        self.waiters.add(waiter)
        try:
            await waiter
        finally:
            self.waiters.discard(waiter)
            if timer:
                timer.cancel()

    def wake(self):
        """Lets everyone who waits in :meth:`changed` look again."""
        for waiter in self.waiters:
            wake(waiter)

    async def close(self):
        """Answers what is queued, then ends the processes."""
        self.closing = True
        self.wake()
        _, late = await asyncio.wait(self.tasks, timeout=self.settings.deadline) if self.tasks else ((), ())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self.fail(list(self.queue), 503, "the server is closing")
        self.queue.clear()


def wake(waiter):
    """Ends the wait for a future."""
    if not waiter.done():
        waiter.set_result(None)
