"""A predictor's process as the server sees it: started, sent requests, and given up when it dies or hangs."""

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path

from common.errors import EnvironmentProblem, KitError
from deploy.serving import wire

WORKER = Path(__file__).resolve().with_name("worker.py")
START_SECONDS = 300  # to load a model


class Died(Exception):
    """The process ended before it responded."""


class Hung(Exception):
    """The process did not respond in time, and was killed."""


class PredictorProcess:
    """A running process with a loaded model; made by :meth:`start`.

    Args:
        process (asyncio.subprocess.Process): the process.
        reader (StreamReader): from it.
        writer (StreamWriter): to it.
        description (dict): what it said of its model.
    """

    def __init__(self, process, reader, writer, description):
        self.process, self.reader, self.writer, self.description = process, reader, writer, description
        self.asked, self.unknown = 0, {}

    @classmethod
    async def start(cls, folder, threads=0):
        """Starts a process and waits until its model is loaded.

        Raises:
            KitError: the model cannot be loaded; with the exit code that the predictor gave.
        """
        ours, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if name != "KIT_API_KEY"}
        environment.setdefault("KIT_MALLOC", "0")  # batches of many sizes: kept memory would be memory lost
        if threads:
            environment["KIT_THREADS"] = str(threads)
        arguments = [str(WORKER), str(folder), str(theirs.fileno()), str(threads)]
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *arguments),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        started = cls(process, reader, writer, {})
        try:
            started.description, _ = await asyncio.wait_for(wire.receive(reader), START_SECONDS)
        except (asyncio.IncompleteReadError, OSError, ValueError, TimeoutError) as error:
            await started.stop()
            raise EnvironmentProblem(
                f"{folder}: the process of the predictor ended or hung while it loaded the model "
                f"(exit code {process.returncode})"
            ) from error
        except asyncio.CancelledError:
            started.kill()
            raise
        if "error" in started.description:
            await started.stop()
            error = KitError(started.description["error"])
            error.exit_code = started.description["exit_code"]
            raise error
        return started

    async def ask(self, items, seconds):
        """Predicts a batch.

        Args:
            items (list[tuple[dict, list[bytes]]]): see `worker.predict_items`.
            seconds (float): after so long the process is killed.

        Returns:
            list[tuple[int, bytes, dict | None]]: of each item the status, the JSON of its records or the reason, and
                how much of a text was read, see `worker.note_of`.

        Raises:
            Died, Hung: there is no response; the process is gone.
        """
        self.asked += 1
        messages = [{**item, "blobs": len(blobs)} for item, blobs in items]
        blobs = [blob for _, own in items for blob in own]
        try:
            async with asyncio.timeout(seconds):
                self.writer.write(wire.frame({"id": self.asked, "items": messages}, blobs))
                await self.writer.drain()
                message, texts = await wire.receive(self.reader)
        except TimeoutError:
            self.kill()
            raise Hung(f"no response within {seconds:.0f} s") from None
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            self.kill()
            raise Died(str(error)) from error
        if message["id"] != self.asked or not len(message["statuses"]) == len(texts) == len(items):
            self.kill()
            raise Died("its response belongs to another request")
        self.unknown = message.get("unknown", {})
        notes = message.get("notes") or [None] * len(items)
        return list(zip(message["statuses"], texts, notes, strict=True))

    def kill(self):
        """Ends the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def stop(self, seconds=5):
        """Closes the connection, at which the process ends; kills it when it does not."""
        self.writer.close()
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            self.kill()
            await self.process.wait()
