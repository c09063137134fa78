"""A server under load and in trouble: batches, full queues, deadlines, killed predictors, new versions, the end.

The model asked adds its version to a number, so an answer that belongs to another request is found out.
"""

import concurrent.futures
import contextlib
import shutil
import signal
import threading
import time

import pytest

from tests.deploy.serving_process import serving


@pytest.fixture(scope="module")
def server(numbers):
    options = ["--queue", "12", "--max-batch", "8", "--deadline", "8"]
    with serving(numbers, options=options) as running:
        yield running


@contextlib.contextmanager
def held(server):
    """The predictor stands still inside the block."""
    (predictor,) = server.predictors()
    predictor.send_signal(signal.SIGSTOP)
    try:
        yield predictor
    finally:
        with contextlib.suppress(Exception):
            predictor.send_signal(signal.SIGCONT)


def waiting(server):
    return server.metric('kit_queue_items{model="numbers"}')


def restarts(server):
    return server.metric('kit_predictor_restarts_total{model="numbers"}')


def in_flight(server, pool, count, first=0):
    """Sends requests, the first of which a held predictor takes alone; returns when all others are queued."""
    batches = server.metric('kit_batch_items_count{model="numbers"}')
    futures = [pool.submit(server.number, first)]
    server.until(lambda: server.metric('kit_batch_items_count{model="numbers"}') > batches)
    futures += [pool.submit(server.number, first + n) for n in range(1, count)]
    server.until(lambda: waiting(server) == count - 1)
    return futures


def test_requests_that_wait_together_are_run_together(server):
    count, total = 'kit_batch_items_count{model="numbers"}', 'kit_batch_items_sum{model="numbers"}'
    before = server.metric(count), server.metric(total)
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        with held(server):
            futures = in_flight(server, pool, 9)
        assert [future.result() for future in futures] == [(200, "2", n + 2) for n in range(9)]
    assert (server.metric(count) - before[0], server.metric(total) - before[1]) == (2, 9)


def test_rows_of_one_request_keep_their_order(server):
    reply = server.ask("/v1/models/numbers:predict", {"inputs": {"x": [[n] for n in range(12)]}})
    assert [record["y"] for (record,) in reply.json["predictions"]] == [[n + 2] for n in range(12)]


def test_a_full_queue_is_answered_with_503_and_when_to_come_again(server):
    with concurrent.futures.ThreadPoolExecutor(13) as pool:
        with held(server):
            futures = in_flight(server, pool, 13)
            reply = server.ask("/v1/models/numbers:predict", {"inputs": {"x": [[1]]}})
            reply.refused(503, "the queue is full")
            assert 1 <= int(reply.headers["retry-after"]) <= 30
        assert [future.result() for future in futures] == [(200, "2", n + 2) for n in range(13)]


def test_a_predictor_that_hangs_is_answered_with_504_and_replaced(server):
    before = restarts(server)
    with held(server):
        server.ask("/v1/models/numbers:predict", {"inputs": {"x": [[1]]}}).refused(504)
        server.until(lambda: restarts(server) > before)
    server.until(server.ready)
    assert server.number(5) == (200, "2", 7)


def test_a_killed_predictor_costs_its_batch_and_nothing_that_waits(server):
    before = restarts(server)
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        with held(server) as predictor:
            futures = in_flight(server, pool, 9)
            predictor.kill()
        found = [future.result() for future in futures]
    assert found == [(503, None, None)] + [(200, "2", n + 2) for n in range(1, 9)]
    assert restarts(server) == before + 1


def test_a_predictor_that_is_killed_while_nobody_asks_costs_nothing(server):
    before = restarts(server)
    for predictor in server.predictors():
        predictor.kill()
    server.until(lambda: restarts(server) > before)
    assert server.number(1) == (200, "2", 3)


class Load:
    """Threads that ask without pause; what they got is in `found`, as (asked, status, version, answer)."""

    def __init__(self, server, threads=4):
        self.server, self.found, self.end = server, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(threads)]

    def ask(self, first):
        line, value = self.server.connection(), first
        while not self.end.is_set():
            try:
                self.found.append((value, *self.server.number(value, connection=line)))
            except OSError as error:
                self.found.append((value, type(error).__name__, None, None))
                line = self.server.connection()
            value += len(self.threads)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join()


def test_a_new_version_takes_over_without_a_lost_request(numbers, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(numbers / "1", folder / "1")
    with serving(f"numbers={folder}") as server:
        assert server.number(1) == (200, "1", 2)
        assert server.ask("/v1/models/numbers:reload", b"").json["changed"] is False
        with Load(server) as load:
            shutil.copytree(numbers / "2", tmp_path / "2")
            (tmp_path / "2").rename(folder / "2")
            reply = server.ask("/v1/models/numbers:reload", b"")
            assert reply.json == {"model": "numbers", "version": "2", "changed": True}
            time.sleep(0.3)
        assert [one for one in load.found if one[1] != 200] == []
        assert {version for _, _, version, _ in load.found} == {"1", "2"}
        assert [one for one in load.found if one[3] != one[0] + int(one[2])] == []
        server.until(lambda: len(server.predictors()) == 1)
        damaged = folder / "3"
        shutil.copytree(numbers / "2", damaged)
        (damaged / "model.pdiparams").write_bytes(b"damaged")
        server.ask("/v1/models/numbers:reload", b"").refused(409, "2 is served on")
        assert server.number(1) == (200, "2", 3)
        shutil.rmtree(damaged)
        shutil.rmtree(folder / "2")
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: server.number(1) == (200, "1", 2))


def test_sigterm_answers_what_was_asked_and_ends_in_order(numbers):
    with serving(numbers) as server, concurrent.futures.ThreadPoolExecutor(9) as pool:
        with held(server):
            futures = in_flight(server, pool, 9)
            server.process.terminate()
            with pytest.raises(OSError):  # nothing new comes in
                server.until(lambda: server.ask("/health/live").status != 200)
        assert [future.result() for future in futures] == [(200, "2", n + 2) for n in range(9)]
        assert server.process.wait(30) == 0
        assert "all that was asked is answered" in server.said()


def test_another_process_answers_while_one_is_started_anew(numbers):
    with serving(numbers, options=["--workers", "2", "--max-batch", "1"]) as server:
        first, _ = server.predictors()
        first.kill()
        server.until(lambda: restarts(server) == 1)
        assert server.number(1) == (200, "2", 3)
        server.until(lambda: server.metric('kit_predictors_up{model="numbers"}') == 2)
