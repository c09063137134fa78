"""Graceful shutdown: on SIGINT or SIGTERM a run finishes its step, saves and exits; a second signal exits at once."""

import os
import signal
import threading
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_active = []


class GracefulStop:
    """Context manager that records SIGINT and SIGTERM while its block runs.

        with GracefulStop() as stop:
            ...                        # after every step: if stop.requested: save and raise Stopped

    A second signal exits the process with 128 + its number, even inside a long operator, because a thread handles it.
    Enter it after `import paddle`, which would otherwise install its own handler over this one. In forked children
    (data workers) SIGINT is ignored and SIGTERM terminates the child.

    Args:
        repeats_within (float): seconds in which further signals count as the first one; None means 2 s in a process of
            `paddle.distributed.launch`, which sends each signal three times, and 0.05 s otherwise.
    """

    def __init__(self, repeats_within=None):
        launched = "PADDLE_TRAINER_ENDPOINTS" in os.environ
        self.repeats_within = repeats_within if repeats_within is not None else (2.0 if launched else 0.05)
        self.signal_number = 0
        self.requested_at = 0.0

    @property
    def requested(self):
        """True once a signal has arrived; `signal_number` says which."""
        return self.signal_number != 0

    def __enter__(self):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("GracefulStop works in the main thread only")
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.writer, False)
        self.watcher = threading.Thread(target=self.watch, name="signals", daemon=True)
        self.watcher.start()
        self.handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        self.wakeup = signal.set_wakeup_fd(self.writer, warn_on_full_buffer=False)
        _active.append(self)
        return self

    def __exit__(self, *_):
        _active.remove(self)
        signal.set_wakeup_fd(self.wakeup)
        for number, handler in self.handlers.items():
            signal.signal(number, exit_now if self.requested else handler or signal.SIG_DFL)
        os.write(self.writer, b"\0")
        self.watcher.join()
        os.close(self.writer)
        os.close(self.reader)

    def watch(self):
        """Thread body: the interpreter writes the number of each signal to the pipe; a 0 ends the thread."""
        while (number := os.read(self.reader, 1)[0]) != 0:
            if number in SIGNALS:
                self.receive(number)

    def receive(self, number):
        """Records the first signal; a later one exits the process immediately."""
        now = time.monotonic()
        if not self.requested:
            self.requested_at, self.signal_number = now, int(number)
        elif now - self.requested_at > self.repeats_within:
            os._exit(128 + number)


def exit_now(number, _):
    """Signal handler for a second signal that arrives during shutdown, after the block has ended."""
    os._exit(128 + number)


def _in_child():
    """Restores default signal handling in forked children, which must not write to the parent's pipe."""
    if _active:
        _active.clear()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


os.register_at_fork(after_in_child=_in_child)
