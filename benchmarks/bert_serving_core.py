"""Server of bert-as-service 1.10 with our exported encoder in the place of TensorFlow, see encoder_service.py.

All that makes it a server is its own: ventilator, sockets, jobs, tokenizer, features, sink. Its worker asks an
estimator of TensorFlow for the encodings of each job; here that is the predictor of the framework, on the same program
that our service runs.

    python bert_serving_core.py EXPORT VOCABULARY_FOLDER PORT PORT_OUT WORKERS LAYER
"""

import argparse
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
tensorflow = MagicMock(__version__="1.15.0")  # its modules import it; nothing of it runs but the opening of files
tensorflow.gfile.GFile = open
sys.modules["tensorflow"] = tensorflow

from bert_serving import server  # noqa: E402
from bert_serving.server import graph, helper  # noqa: E402

MOST_POSITIONS = 512


class Pipe:
    """The two functions of `tf.data.Dataset` that its worker calls: jobs as its generator gives them."""

    @staticmethod
    def from_generator(jobs, output_types, output_shapes):
        """Returns the generator function."""
        found = MagicMock()
        found.prefetch = lambda count: jobs
        return found


class Estimator:
    """The estimator that its worker asks.

    Args:
        folder (str): the export.
        layer (str): an output of it.
    """

    def __init__(self, folder, layer):
        from common.inference.predictor import Predictor

        self.model, self.layer = Predictor(folder, 1), layer

    def predict(self, input_fn, yield_single_examples):
        """The encodings of each job, as it comes."""
        for job in input_fn()():
            given = {
                "input_ids": np.array(job["input_ids"], np.int64),
                "token_type_ids": np.array(job["input_type_ids"], np.int64),
                "length": np.array(job["input_mask"], np.int64).sum(1),
            }
            yield {"client_id": job["client_id"], "encodes": self.model.run(given)[self.layer]}


def optimized(args):
    """Its frozen graph and the configuration of the encoder, of which it reads one number."""
    return "none", argparse.Namespace(max_position_embeddings=MOST_POSITIONS)


def main():
    """Serves until it is killed."""
    folder, vocabulary, port, port_out, workers, layer = sys.argv[1:]
    tensorflow.data.Dataset = Pipe
    graph.optimize_graph = optimized
    server.import_tf = lambda *args, **kwargs: tensorflow
    server.BertWorker.get_estimator = lambda self, tf: Estimator(folder, layer)
    args = ["-model_dir", vocabulary, "-port", port, "-port_out", port_out, "-num_worker", workers, "-cpu"]
    args = helper.get_args_parser().parse_args([*args, "-max_seq_len", "NONE", "-max_batch_size", "256"])
    running = server.BertServer(args)
    running.start()
    running.is_ready.wait()
    print("ready", flush=True)
    running.join()


if __name__ == "__main__":
    main()
