"""The data worker process: forked from the trainer, prepares batches on request, and dies with its parent."""

import contextlib
import ctypes
import faulthandler
import gc
import os
import signal
import sys
import traceback

from common.data.batches import END
from common.errors import BadSample, DataError, KitError

FATAL_SIGNALS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
PR_SET_PDEATHSIG = 1


def run_worker(connection, others_ends, parent, dies_with_thread, source, slots, generation, trace):
    """The main loop: processes tasks until the parent closes the connection.

    A task is (generation, epoch, step, slot number, what); `what` is a slot message that contains `indexes`, or True if
    a batch of a stream is wanted. A result is (kind, body, skipped), kind one of batch, nothing, end, error.

    Args:
        connection (Connection): to the parent.
        others_ends (list[Connection]): inherited pipe ends of the parent, closed here.
        parent (int): process id of the parent.
        dies_with_thread (bool): the forking thread lives as long as the parent process.
        source (IndexedBatches | StreamedBatches): prepares the batches.
        slots (list[Slot]): shared memory for batches.
        generation (Counter): tasks of an older generation are cancelled.
        trace (file): receives Python stacks on a crash and on SIGUSR1.
    """
    set_up_worker(parent, dies_with_thread, trace)
    for end in others_ends:
        end.close()
    streaming = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task_generation, epoch, step, slot, what = connection.recv()

            def is_cancelled(task_generation=task_generation):
                return generation.read() != task_generation

            try:
                if is_cancelled():
                    made = None
                elif hasattr(source, "start"):
                    if streaming != task_generation:
                        source.start(epoch)
                        streaming = task_generation
                    made = source.make(epoch, step, what, is_cancelled)
                else:
                    made = source.make(epoch, step, slots[slot].take(what)["indexes"].tolist(), is_cancelled)
                message = encode_result(made, slots[slot])
            except Exception as error:  # noqa: BLE001  the parent reports every failure
                message = ("error", encode_error(error), [])
            send_message(connection, message)


def set_up_worker(parent, dies_with_thread, trace):
    """Sets up the forked process: signals ignored, no OpenCV threads, termination with the parent."""
    gc.freeze()  # objects of the parent are never collected, and therefore never finalized
    for number in (signal.SIGINT, signal.SIGTERM):  # launchers signal the whole group; the parent stops its workers
        signal.signal(number, signal.SIG_IGN)
    for number in FATAL_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if dies_with_thread:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    faulthandler.enable(trace)
    faulthandler.register(signal.SIGUSR1, trace, all_threads=True)
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"  # in case OpenCV is imported later
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(0)


def encode_result(made, slot):
    """The message for a result of a batch source."""
    if made is None:
        return ("nothing", None, [])
    if made is END:
        return ("end", None, [])
    if made.batch is None:
        return ("nothing", None, made.skipped)
    return ("batch", slot.put(made.batch), made.skipped)


def send_message(connection, message):
    """Sends a message; if it cannot be pickled, the reason is sent instead."""
    try:
        connection.send(message)
    except (EOFError, OSError):
        raise
    except Exception as error:  # noqa: BLE001  whatever a value's own pickling raises
        problem = DataError(f"a batch contains a value that cannot be pickled: {type(error).__name__}: {error}")
        connection.send(("error", encode_error(problem, error), []))


def encode_error(error, cause=None):
    """Encodes an exception as (class name, message, issue, index, traceback)."""
    text = "".join(traceback.format_exception(cause or error))
    if isinstance(error, BadSample):
        return ("BadSample", str(error), error.issue, getattr(error, "index", None), text)
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == KitError.__module__]
    name = names[0] if names else "RuntimeError"
    message = str(error) if isinstance(error, KitError) else f"{type(error).__name__}: {error}"
    return (name, message, None, None, text)
