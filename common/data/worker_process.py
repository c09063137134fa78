"""What runs in a data worker: a forked process that makes the batches it is asked for, and dies with its parent."""

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


def work(connection, others_ends, parent, dies_with_thread, source, slots, generation, trace):
    """Answers tasks until the other end closes.

    A task is (generation, epoch, step, slot number, what); `what` is a slot message holding `indexes`, or whether a
    batch of a stream is wanted. An answer is (kind, body, left out), kind one of batch, nothing, end, error.

    Args:
        connection (Connection): to the parent.
        others_ends (list[Connection]): the parent's ends of pipes, inherited; closed here.
        parent (int): process id of the parent.
        dies_with_thread (bool): whether the thread that forks lives as long as the parent does.
        source (IndexedBatches | StreamedBatches): makes the batches.
        slots (list[Slot]): where batches are put.
        generation (Counter): tasks of an older generation are given up.
        trace (file): where Python stacks are written on a crash and on SIGUSR1.
    """
    settle(parent, dies_with_thread, trace)
    for end in others_ends:
        end.close()
    streaming = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            asked, epoch, step, slot, what = connection.recv()

            def is_cancelled(asked=asked):
                return generation.read() != asked

            try:
                if is_cancelled():
                    made = None
                elif hasattr(source, "start"):
                    if streaming != asked:
                        source.start(epoch)
                        streaming = asked
                    made = source.make(epoch, step, what, is_cancelled)
                else:
                    made = source.make(epoch, step, slots[slot].take(what)["indexes"].tolist(), is_cancelled)
                answer = answer_of(made, slots[slot])
            except Exception as error:  # noqa: BLE001  every failure is the parent's to report
                answer = ("error", describe(error), [])
            send(connection, answer)


def settle(parent, dies_with_thread, trace):
    """Makes the forked process a quiet one: no signals of the terminal, no threads, no life after the parent."""
    gc.freeze()  # never collects, and so never finalizes, what belongs to the parent
    for number in (signal.SIGINT, signal.SIGTERM):  # launchers signal the whole group; the parent ends its workers
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
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"  # for an OpenCV that is imported later
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(0)


def answer_of(made, slot):
    """The message that carries what was made."""
    if made is None:
        return ("nothing", None, [])
    if made is END:
        return ("end", None, [])
    if made.batch is None:
        return ("nothing", None, made.left_out)
    return ("batch", slot.put(made.batch), made.left_out)


def send(connection, answer):
    """Sends an answer; one that cannot be sent is answered by the reason."""
    try:
        connection.send(answer)
    except (EOFError, OSError):
        raise
    except Exception as error:  # noqa: BLE001  whatever a value's own pickling raises
        problem = DataError(f"a batch holds a value that cannot leave its process: {type(error).__name__}: {error}")
        connection.send(("error", describe(problem, error), []))


def describe(error, cause=None):
    """An exception as plain values: (class name, message, issue, index, traceback)."""
    text = "".join(traceback.format_exception(cause or error))
    if isinstance(error, BadSample):
        return ("BadSample", str(error), error.issue, getattr(error, "index", None), text)
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == KitError.__module__]
    name = names[0] if names else "RuntimeError"
    message = str(error) if isinstance(error, KitError) else f"{type(error).__name__}: {error}"
    return (name, message, None, None, text)
