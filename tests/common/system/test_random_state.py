"""A restored random state reproduces the numbers that followed when it was saved."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
CODE = """
import json, random, sys
import numpy as np, paddle
from common.system import random_state

dropout = paddle.nn.Dropout(0.5)

def draw():
    return [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(),
            paddle.rand([4]).tolist(), dropout(paddle.ones([32])).tolist(), paddle.randperm(9).tolist()]

random_state.seed(3)
first = draw()
random_state.seed(3)
assert draw() == first
draw()
state = json.dumps(random_state.collect())
expected, later = draw(), draw()
assert expected != later
random_state.restore(json.loads(state))
assert [draw(), draw()] == [expected, later]
random_state.seed(99)
random_state.restore(json.loads(state))
assert draw() == expected
assert random_state.collect() != json.loads(state)
"""


def test_restored_generators_repeat_their_numbers():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
