import os
import subprocess
import threading
import time

import paddle
import pytest

from common.errors import DataError, EnvironmentProblem, Stopped
from common.system import distributed
from common.system.failure import FailureNote, lost_connection, process_start, report_failure


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """The environment of rank 0 of two."""
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.setenv("PADDLE_TRAINER_ID", "0")
    monkeypatch.setenv("PADDLE_LOG_DIR", str(tmp_path))
    monkeypatch.setenv("PADDLE_MASTER", "127.0.0.1:6070")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    monkeypatch.setattr("common.system.failure.signal.signal", lambda number, handler: None)
    return tmp_path


def test_the_first_note_stands(launched):
    first, second = FailureNote(), FailureNote()
    assert first.read() is None
    assert first.leave(3)
    assert not second.leave(4)
    assert first.read() == second.read() == 3


def test_the_others_wait_until_the_process_that_failed_first_is_gone(launched, monkeypatch):
    monkeypatch.setattr("common.system.failure.GRACE", 0.2)
    other, note = subprocess.Popen(["sleep", "60"]), FailureNote()
    note.path.write_text(f"3 {other.pid}")
    waiting = threading.Thread(target=note.wait)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive() and note.read() == 3
    other.kill()
    waiting.join(0.2)
    assert waiting.is_alive()  # its launcher does not know yet
    other.wait()
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_note_from_before_a_restart_is_ignored(launched):
    old = FailureNote()
    old.leave(3)
    os.utime(old.path, (process_start() - 5,) * 2)
    assert old.read() is None
    assert FailureNote().leave(4)
    assert old.read() == 4


def test_without_a_writable_folder_every_process_reports_its_own_error(monkeypatch):
    monkeypatch.setenv("PADDLE_LOG_DIR", "/no/such/folder")
    assert FailureNote().leave(3)
    assert FailureNote().leave(3)


def test_the_start_of_this_process_is_known():
    assert 0 < time.time() - process_start() < 3600


def test_an_error_propagates_and_its_exit_code_is_noted(launched):
    with pytest.raises(DataError), report_failure():
        raise DataError("bad")
    assert FailureNote().read() == 3


def test_a_requested_stop_is_not_a_failure(launched):
    with pytest.raises(Stopped), report_failure():
        raise Stopped(15, "saved")
    assert FailureNote().read() is None


def test_a_lost_connection_is_explained(launched):
    with pytest.raises(EnvironmentProblem, match=r"rank 0 lost another process") as raised, report_failure():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:576] Read error: Connection reset by peer")
    assert FailureNote().read() == raised.value.exit_code == 4
    assert not lost_connection(ValueError("gloo"))
    assert not lost_connection(RuntimeError("shapes differ"))


def test_the_message_for_processes_that_cannot_connect_names_what_to_set(launched, monkeypatch):
    def fail():
        raise RuntimeError("\nconnect timed out\nC++ stack")

    monkeypatch.setattr(paddle.distributed, "init_parallel_env", fail)
    with pytest.raises(EnvironmentProblem) as raised:
        distributed.initialize()
    text = str(raised.value)
    assert "rank 0 of 2 at 127.0.0.1:0 cannot reach the others: connect timed out" in text
    assert "PADDLE_MASTER is 127.0.0.1:6070, the network interface lo" in text
    assert "set GLOO_SOCKET_IFNAME" in text
