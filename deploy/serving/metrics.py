"""Counters of the server, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """Counters of one server.

    Args:
        models (Callable): gives the models when a gauge is read: name -> `Model`.
    """

    def __init__(self, models):
        self.registry = CollectorRegistry()
        self.models = models
        self.requests = Counter("kit_requests", "Requests handled", ["model", "status"], registry=self.registry)
        self.seconds = Histogram(
            "kit_request_seconds", "Time to respond", ["model"], buckets=SECONDS, registry=self.registry
        )
        self.batches = Histogram(
            "kit_batch_items", "Items of a batch", ["model"], buckets=(1, 2, 4, 8, 16, 32, 64), registry=self.registry
        )
        self.restarts = Counter(
            "kit_predictor_restarts", "Processes of predictors restarted", ["model"], registry=self.registry
        )
        self.failures = Counter(
            "kit_prediction_failures", "Items that a model failed on, such as NaN", ["model"], registry=self.registry
        )
        self.values = Counter(
            "kit_values", "Values of columns with a vocabulary", ["model", "column"], registry=self.registry
        )
        self.unknown = Counter(
            "kit_unknown_values", "Values that are not in the vocabulary", ["model", "column"], registry=self.registry
        )
        described = {"tokens": "Tokens of texts", "unknown": "Tokens of texts that the vocabulary lacks",
                     "cut": "Tokens of texts cut off"}  # fmt: skip
        self.text_tokens = {
            name: Counter(f"kit_text_{name}", text, ["model"], registry=self.registry)
            for name, text in described.items()
        }
        self.truncated = Counter("kit_texts_truncated", "Texts cut", ["model"], registry=self.registry)
        self.waiting = Gauge("kit_queue_items", "Items waiting", ["model"], registry=self.registry)
        self.up = Gauge("kit_predictors_up", "Processes of predictors ready", ["model"], registry=self.registry)

    def observe_text(self, model, note):
        """Counts the tokens of one text; `note` is None for other inputs."""
        if note:
            for name, counter in self.text_tokens.items():
                counter.labels(model).inc(note[name])
            self.truncated.labels(model).inc(note["truncated"])

    def observe(self, model, status, seconds):
        """Counts one request; `model` is "-" where none was asked."""
        self.requests.labels(model, str(status)).inc()
        self.seconds.labels(model).observe(seconds)

    def count_unknown(self, model, columns):
        """Counts the values of a batch of rows: column -> (unknown values, all values)."""
        for column, (unknown, seen) in columns.items():
            self.unknown.labels(model, column).inc(unknown)
            self.values.labels(model, column).inc(seen)

    def text(self):
        """The metrics as Prometheus reads them (bytes)."""
        for name, model in self.models().items():
            self.waiting.labels(name).set(sum(len(lane.queue) for lane in model.lanes.values()))
            self.up.labels(name).set(sum(lane.up for lane in model.lanes.values()))
        return generate_latest(self.registry)
