"""Published versions in the server: the link `current` is followed while it runs; an answer is of one version."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.inference.predictor import Predictor
from common.system import runtime
from common.table.versions import publish, set_current
from deploy.kubernetes.client import script_of
from deploy.serving.models import follow, versions
from PaddleRec.models.rankers.slot_dnn import SlotDNN
from tests.deploy.serving_process import serving
from tests.made.published import published_ranker


def empty(folder):
    (folder / "infer.yml").write_text("")


def test_no_version_after_the_current_one_is_served(tmp_path):
    for version in ("8", "9", "10"):
        publish(tmp_path, version, empty)
    assert list(versions(tmp_path)) == ["8", "9", "10"]
    set_current(tmp_path, "9")
    assert list(versions(tmp_path)) == ["8", "9"]


def test_a_new_current_version_is_loaded_once_even_if_it_fails(tmp_path):
    calls = []

    class Model:
        name, folder, newest = "m", tmp_path, types.SimpleNamespace(version="2")

        async def load(self):
            calls.append(self.folder)
            if len(calls) == 2:
                raise EnvironmentProblem("damaged")
            return True

    async def look():
        task = asyncio.create_task(follow({"m": Model()}, 0.01))
        for version in ("2", "3", "4"):
            await asyncio.sleep(0.05)
            publish(tmp_path, version, empty)
        await asyncio.sleep(0.1)
        task.cancel()

    publish(tmp_path, "1", empty)
    asyncio.run(look())
    assert len(calls) == 3


@pytest.mark.slow
def test_every_answer_is_of_one_version_while_versions_are_published(tmp_path):
    runtime.prepare()
    slots = np.array([[[3, 5], [7, -1]]])
    expected = {}
    for version in range(1, 5):
        published_ranker(lambda: SlotDNN(2, 97, 3, [8]), {"slots": slots}, tmp_path / "made" / str(version))
        found = Predictor(tmp_path / "made" / str(version)).run({"slots": slots})
        expected[str(version)] = float(found["probability"][0])
    assert len(set(expected.values())) == 4

    def release(version):
        made = tmp_path / "made" / version
        publish(tmp_path / "live", version, lambda draft: shutil.copytree(made, draft, dirs_exist_ok=True))

    release("1")
    (tmp_path / "client.py").write_text(script_of(tmp_path / "live", "m", "http://127.0.0.1:1", "client.py"))
    with serving(f"m={tmp_path / 'live'}", options=("--watch", "0.1")) as server:
        asking = {**os.environ, "KIT_URL": server.url}
        said = subprocess.run(
            [sys.executable, tmp_path / "client.py"],
            input='{"slots": [[3, 5], [7]]}',
            capture_output=True,
            text=True,
            env=asking,
        )
        assert json.loads(said.stdout)["predictions"][0]["score"] == pytest.approx(expected["1"], abs=2e-6), said.stderr
        later = threading.Thread(target=lambda: [release(str(version)) for version in (2, 3, 4)])
        later.start()
        seen = []
        while not seen or seen[-1] != "4":
            answer = server.ask("/v1/models/m:predict", {"rows": [{"slots": [[3, 5], [7]]}]}).json
            assert answer["predictions"][0][0]["score"] == pytest.approx(expected[answer["version"]], abs=2e-6)
            seen.append(answer["version"])
        later.join()
    assert seen == sorted(seen) and seen[0] == "1"
