import types

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.inference.evaluate import evaluate, sources_of
from common.inference.metrics import Perplexity, ValidationLoss


class Halves(paddle.nn.Layer):
    """Predicts half of its input, and counts how often `forward` runs."""

    inputs, outputs = {"x": ([None, 2], "float32")}, ["half"]

    def __init__(self):
        super().__init__()
        self.runs = 0

    def forward(self, x):
        self.runs += 1
        return x / 2

    def loss(self, batch):
        return {"loss_a": batch["x"].mean(), "loss_b": batch["x"].max()}


class Collect:
    """A metric that keeps what it is given."""

    primary = "count"

    def __init__(self, needs=None):
        self.found = []
        if needs:
            self.needs = needs

    def reset(self):
        self.found = []

    def update(self, found, batch):
        self.found.append(found)

    def compute(self):
        return {"count": float(len(self.found))}


def loader(*batches):
    return types.SimpleNamespace(epoch=lambda epoch: iter(batches))


BATCHES = [
    {"x": np.array([[1, 2], [3, 6]], "float32"), "tokens": np.array([3, 1])},
    {"x": np.array([[4, 8]], "float32"), "tokens": np.array([2])},
]


def test_a_metric_is_given_predictions_unless_it_says_otherwise():
    metric = Collect()
    assert evaluate(sources_of(Halves()), loader(*BATCHES), metric) == {"count": 2.0}
    np.testing.assert_array_equal(metric.found[1]["half"], [[2, 4]])


def test_a_metric_of_losses_does_not_run_the_predictions():
    model, metric = Halves(), ValidationLoss()
    seen = []
    scores = evaluate(sources_of(model), loader(*BATCHES), metric, lambda batch, outputs: seen.append(outputs))
    # loss_a: (2 * 3 + 1 * 6) / 3 = 4, loss_b: (2 * 6 + 1 * 8) / 3 = 20 / 3
    assert scores == pytest.approx({"loss": 4 + 20 / 3, "loss_a": 4.0, "loss_b": 20 / 3})
    assert model.runs == 0 and seen == [None, None]


def test_perplexity_counts_tokens():
    scores = evaluate(sources_of(Halves()), loader(*BATCHES), Perplexity("loss_a", count="tokens"))
    # exp((4 * 3 + 2 * 6) / 6) = exp(4)
    assert scores == pytest.approx({"perplexity": np.exp(4.0), "loss": 4.0})


def test_losses_of_several_processes_are_merged():
    whole, parts = ValidationLoss(), [ValidationLoss(), ValidationLoss()]
    losses = sources_of(Halves())["losses"]
    for part, batch in zip(parts, BATCHES):
        for metric in (whole, part):
            metric.update(losses(batch), batch)
    parts[0].merge([part.state() for part in parts])
    assert parts[0].compute() == pytest.approx(whole.compute())


def test_a_metric_may_ask_for_the_model():
    model, metric = Halves(), Collect("model")
    evaluate(sources_of(model), loader(*BATCHES), metric)
    assert metric.found == [model, model]


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ("losses", "Collect needs the losses of a model in memory; an exported model gives predictions only"),
        ("answers", "Collect needs 'answers'; a metric needs predictions, losses or model"),
    ],
)
def test_what_a_model_cannot_give_is_refused(needs, words):
    with pytest.raises(ConfigError, match=words):
        evaluate({"predictions": dict}, loader(*BATCHES), Collect(needs))


def test_a_loss_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="there is no loss 'loss_c'; the losses are loss_a, loss_b"):
        evaluate(sources_of(Halves()), loader(*BATCHES), Perplexity("loss_c"))


def test_a_metric_that_needs_an_output_which_the_model_lacks_is_refused():
    class Masks(Collect):
        def update(self, found, batch):
            self.found.append(found["masks"])

    with pytest.raises(ConfigError, match="Masks needs 'masks'; the model gives half"):
        evaluate(sources_of(Halves()), loader(*BATCHES), Masks())
