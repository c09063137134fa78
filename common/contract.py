"""Interfaces of models, datasets and metrics: required and optional attributes and methods.

The runtime uses these names and no others.  A misspelled name, such as `export_tolerence`, which would be silently
ignored, is an error when the component is built (:func:`check_names`).  The classes here only document: components
need not derive from them.  Their values are the defaults that :func:`get_optional` returns.
"""

from common.errors import ConfigError
from common.suggest import edit_distance


class Model:
    """A `paddle.nn.Layer` with three calls: `predict(*inputs)` returns raw predictions, `forward(*inputs)` the exported
    outputs, `loss(batch)` named losses, whose sum is minimized.
    """

    inputs = {}  # required: name -> (shape, dtype) of the arguments of forward; None and -1 mean any size
    outputs = ()  # required: the names of the outputs of forward
    task = None  # required: name of the task class, which interprets the predictions
    labels = None  # set by the program: class names of the training data
    size_multiple = 1  # divisor of the heights and widths of images
    original_pixels = False  # its task maps predictions back to the original image
    about = {}  # additional keys of infer.yml
    export_tolerance = 0.0  # lower limit of export.tolerance
    vocab_size = None  # rows of its embedding, the upper limit of token ids
    token_ids = {}  # ids of tokens that mean something to it: token -> id, compared with the vocabulary
    max_positions = None  # maximum sequence length
    training_only = ()  # sublayers for training that are neither in the weights nor exported
    phases = ()  # phases of `AlternatingTrainer`; the signature is then `loss(batch, phase)`
    lookups = {}  # sparse table -> names of the inputs whose ids it looks up, in the order in which forward does
    higher_gradients = False  # its losses contain second-order gradients
    structure = None  # set by the program: structural changes by compression

    def predict(self, *inputs):
        """Raw predictions; may take fewer inputs than forward."""

    def forward(self, *inputs):
        """The exported computation, post-processing included."""

    def loss(self, batch):
        """{name: scalar Tensor}; names begin with `loss_`."""

    def part_for(self, batch):
        """The part that reads a batch, with `inputs`, `outputs` and `forward`, of a model of several tasks."""

    def scored_loss(self, batch):
        """(what `loss` returns, the outputs of forward by name) of one pass, to score a batch while learning it."""

    def training_outputs(self, *inputs):
        """All outputs used in training, if forward omits some; pruning traces it."""

    def undecided(self, inputs, tolerance):
        """{output name: bool array} of a label map's pixels where an error of the logits would change the class."""

    def layers_above(self, name):
        """The number of layers above a parameter (int), for `layer_decay`."""

    def convert_weights(self, arrays):
        """Renames arrays of another framework to the names of this model, for `pretrained`."""

    def sheet(self, batch):
        """Images that show a generating model's progress, a list of float Tensors [N, D, H, W] from -1 to 1: column by
        column, a row for each sample of the batch.
        """

    def training_state(self):
        """{name: array} of state besides the weights, for checkpoints, such as an image pool."""

    def load_training_state(self, arrays):
        """The inverse of training_state."""


class Dataset:
    """A map-style dataset (`__len__`, `__getitem__` -> dict), or a stream (`iterate(shard, num_shards, epoch)`)."""

    labels = None  # class names, in the order of class ids
    num_classes = None  # number of classes
    file_ids = None  # ids of the classes in the annotation file, by which predictions name them (category_id)
    names = None  # class names of data to search in, which need not be those of the model
    padding = None  # array name -> padding value of arrays of varying length (None: collate to a list)
    what = "image"  # noun for a sample in messages
    late = "wait"  # of an hourly stream: `skip` skips an hour that does not arrive
    wait = 0.0  # of an hourly stream: seconds to wait for an hour
    limits = ()  # cuts of sequences, which inference repeats: (parameter, 1 for the first or -1 for the last, columns)

    def iterate(self, shard, num_shards, epoch):
        """The samples of a shard of a stream in an epoch."""

    def num_rows(self, shard, num_shards):
        """The number of samples of a shard, if it is known without reading it."""

    def rows(self, shard, num_shards):
        """The rows of a shard, for streams that convert the rows of a batch together (assemble)."""

    def assemble(self, rows):
        """Converts a batch of rows to arrays."""

    def place(self, row):
        """The place of a row, for messages."""

    def check(self, deep=False, cache=None):
        """The problems of the data (list[DataIssue])."""

    def paths(self):
        """The file of each sample, to find samples shared by two splits."""

    def digests(self):
        """A hash of the content of each sample."""

    def groups(self):
        """A group id per sample, for samplers that keep groups together."""

    def lengths(self):
        """A length per sample, for samplers that batch similar lengths."""

    def weights(self):
        """A weight per sample, for weighted sampling."""

    def image_of(self, path):
        """The image of a sample's `path`, if that is not a file."""

    def write_fixed(self, path):
        """Writes corrected annotations, for `check.py --fix`."""

    def await_hour(self, hour, should_stop):
        """Waits for an hour of a stream; False if it does not arrive."""

    def name_of(self, hour):
        """The name of an hour of a stream."""


class Metric:
    """Computes scores: `reset()`, `update(found, batch)`, `state()`, `merge(states)`, `compute() -> {name: number}`."""

    primary = None  # required: the score that selects the best checkpoint
    needs = "predictions"  # argument of update: predictions, losses or model, see common/inference/evaluate.py
    higher_is_better = True  # of the primary score
    labels = None  # class names on the axes of its confusion matrix
    confusion_at = ""  # thresholds of what its confusion matrix counts, such as `score 0.3`, set by `confusion`
    undefined = None  # value of a score that the data do not define, such as -1; shown as -
    undefined_text = "undefined for these data"  # what a score shown as - means

    def reset(self):
        """Resets the state."""

    def update(self, found, batch):
        """Accumulates a batch."""

    def state(self):
        """{name: array} to gather from all processes."""

    def merge(self, states):
        """Merges the states of all processes."""

    def compute(self):
        """{name: number}."""

    def confusion(self):
        """Counts [C, C] of true (rows) and predicted classes, or [C + 1, C + 1] with the background last; None."""

    def curves(self):
        """{class: (recall, precision)}, arrays of equal length."""

    def per_class(self):
        """{class: {column: number}}, the rows of a table; -1 for an undefined number."""

    def scored(self):
        """{class: Scored}, see common/inference/scored.py: precision, recall and F1 over the score threshold, the
        best threshold; if all samples have a score, also ROC curve and calibration.
        """

    def worst(self):
        """The samples with the lowest scores, worst first: dicts of `score`, `name` and `drawing`, uint8 [H, W, 3]."""


KINDS = {"model": Model, "dataset": Dataset, "metric": Metric}
REQUIRED = {"model": ("inputs", "outputs", "task", "loss"), "metric": ("primary", "update", "compute"), "dataset": ()}


def get_optional(thing, kind, name):
    """An optional attribute of a component, or its default.

    Args:
        thing (object): a component.
        kind (str): one of `KINDS`.
        name (str): an attribute of that interface.
    """
    return getattr(thing, name, getattr(KINDS[kind], name))


def is_training_only(model, name):
    """True if a structured name, such as `adaptors.0.weight`, belongs to a training-only layer."""
    return name.partition(".")[0] in get_optional(model, "model", "training_only")


def check_names(thing, kind, place=""):
    """Checks that a component has all required names, and no misspelled optional ones.

    Args:
        thing (object): just built.
        kind (str): one of `KINDS`.
        place (str): its place in the configuration, for messages.

    Raises:
        ConfigError: names the missing or the probably intended name.
    """
    who = f"{place}: {type(thing).__name__}" if place else type(thing).__name__
    own = public_names(thing)
    known = [name for name in vars(KINDS[kind]) if not name.startswith("_")]
    for name in sorted(own - set(known)):
        near = next((right for right in known if is_misspelled(name, right) and right not in own), None)
        if near:
            raise ConfigError(
                f"{who} has '{name}', which is never used; did you mean '{near}', an optional name of a {kind}?"
            )
    for name in REQUIRED[kind]:
        if not hasattr(thing, name):
            raise ConfigError(f"{who} lacks '{name}', which every {kind} needs; see common/contract.py")


def public_names(thing):
    """The public names that a component and its classes define, without those of framework classes."""
    classes = [c for c in type(thing).__mro__ if c.__module__.split(".")[0] not in ("builtins", "paddle", "abc")]
    names = {name for owner in classes for name in vars(owner)} | set(getattr(thing, "__dict__", ()))
    return {name for name in names if not name.startswith("_")}


def is_misspelled(name, right):
    """True if a name is a probable misspelling of another: a small edit distance, and not just a plural."""
    if name.rstrip("s") == right.rstrip("s") or len(right) < 5:
        return False
    return edit_distance(name, right) <= max(1, len(right) // 6)
