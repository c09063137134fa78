"""From the outputs of an embedding network to records."""

import json

import numpy as np

from common.inference.tasks.embedding import Embedding

TASK = Embedding()


def test_the_record_of_an_image_is_its_vector_with_six_digits():
    found = TASK.records({"embedding": np.array([[0.12345678, -1, 0, 1e-9, 0.5]], np.float32)}, [], ["a"], 0.0)
    assert found == [[{"embedding": [0.123457, -1, 0, 0, 0.5]}]]
    json.dumps(found)
    assert TASK.line({"name": "cat.jpg"}, found[0]) == "cat.jpg: 5 numbers, 0.1235 -1.0000 0.0000 0.0000 ..."
    assert not TASK.draws
