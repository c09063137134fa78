"""What a model, a data set, a metric and a transform may offer, beyond what each of them must have.

The runtime asks for these names and for no others.  A name that is nearly one of them, such as `export_tolerence`, is
refused when the component is built (:func:`check_names`); it would be ignored in silence otherwise.  The classes here
describe; a component does not derive from them.  Their values are the defaults that :func:`offered` gives.
"""

from common.errors import ConfigError
from common.suggest import edit_distance


class Model:
    """A `paddle.nn.Layer` with these three calls: `predict(*inputs)` gives raw predictions, `forward(*inputs)` what is
    exported, `loss(batch)` named losses, whose sum is minimized.
    """

    inputs = {}  # required: name -> (shape, dtype) of the arguments of forward; None and -1 are any size
    outputs = ()  # required: the names of what forward returns
    task = None  # required: the class that says what predictions mean
    labels = None  # given: class names of the data it is trained on
    size_multiple = 1  # heights and widths of images are multiples of it
    about = {}  # further keys of infer.yml, for who runs the export
    export_tolerance = 0.0  # the largest relative difference of an export, where export.tolerance is below it
    vocab_size = None  # rows of its embedding: the ids that a tokenizer may give
    max_positions = None  # the longest sequence that it takes
    training_only = ()  # sublayers that learn beside the model and are neither in its weights nor exported
    phases = ()  # what `AlternatingTrainer` runs in turn; `loss(batch, phase)` then has a second argument
    higher_gradients = False  # whether its losses hold gradients of gradients
    structure = None  # given: what compression has done to it

    def predict(self, *inputs):
        """Raw predictions; may take fewer of the inputs than forward."""

    def forward(self, *inputs):
        """What is exported, post-processing included."""

    def loss(self, batch):
        """{name: scalar Tensor}, names beginning with `loss_`."""

    def training_outputs(self, *inputs):
        """All that training computes, where forward leaves out a part; pruning follows it."""

    def layers_above(self, name):
        """How many layers stand above a parameter (int), for `layer_decay`."""

    def convert_weights(self, arrays):
        """Arrays by the names of another program as arrays by the names of this model, for `pretrained`."""

    def training_state(self):
        """{name: array} of what a resumed run needs beside the weights, such as a pool of images."""

    def load_training_state(self, arrays):
        """The inverse of training_state."""


class Dataset:
    """Samples by number (`__len__`, `__getitem__` -> dict), or a stream (`iterate(shard, num_shards, epoch)`)."""

    labels = None  # class names, in the order of their numbers
    num_classes = None  # their number
    padding = None  # array name -> fill value (None: no padding, a list) of arrays whose length differs
    what = "image"  # what one sample is called
    late = "wait"  # of a stream by the hour: `skip` leaves out an hour that does not come
    wait = 0.0  # of a stream by the hour: seconds to wait for one

    def iterate(self, shard, num_shards, epoch):
        """The samples of a part of an epoch, of a stream."""

    def num_rows(self, shard, num_shards):
        """How many samples a part of the stream has, where that is known without reading it."""

    def rows(self, shard, num_shards):
        """The rows of a part of the stream, where the rows of a batch become arrays together (assemble)."""

    def assemble(self, rows):
        """A batch of rows as arrays."""

    def place(self, row):
        """Where a row stands, for messages."""

    def check(self, deep=False, cache=None):
        """What is wrong with the data (list[DataIssue])."""

    def paths(self):
        """The file of each sample, to find samples that two splits share."""

    def digests(self):
        """The content of each sample, hashed."""

    def groups(self):
        """A number a sample, for samplers that keep groups together."""

    def lengths(self):
        """A number a sample, for samplers that batch equal lengths."""

    def weights(self):
        """A number a sample, for samplers that draw by weight."""

    def image_of(self, path):
        """The image that a sample's `path` names, where that is no file of its own."""

    def write_fixed(self, path):
        """Writes corrected annotations, for `check.py --fix`."""

    def await_hour(self, hour, should_stop):
        """Waits for an hour of a stream; False where it does not come."""

    def name_of(self, hour):
        """The name of an hour of a stream."""


class Metric:
    """Scores a model: `reset()`, `update(found, batch)`, `state()`, `merge(states)`, `compute() -> {name: number}`."""

    primary = None  # required: the score that selects the best checkpoint
    needs = "predictions"  # what update is given: predictions, losses or model, see common/inference/evaluate.py
    higher_is_better = True  # of the primary score
    labels = None  # names on the axes of its confusion matrix

    def reset(self):
        """Forgets all batches."""

    def update(self, found, batch):
        """Adds a batch."""

    def state(self):
        """{name: array} that processes exchange."""

    def merge(self, states):
        """Takes the states of all processes."""

    def compute(self):
        """{name: number}."""

    def confusion(self):
        """Counts [C, C] of true (rows) and predicted classes, or [C + 1, C + 1] with the background last; None."""

    def curves(self):
        """{class: (recall, precision)}, arrays of equal length."""


KINDS = {"model": Model, "data set": Dataset, "metric": Metric}
REQUIRED = {"model": ("inputs", "outputs", "task", "loss"), "metric": ("primary", "update", "compute"), "data set": ()}


def offered(thing, kind, name):
    """What a component has by a name of the contract, else the default.

    Args:
        thing (object): a component.
        kind (str): one of `KINDS`.
        name (str): an attribute in it.
    """
    return getattr(thing, name, getattr(KINDS[kind], name))


def check_names(thing, kind, place=""):
    """Refuses a component that lacks what it must have, or that has a name nearly of the contract.

    Args:
        thing (object): just built.
        kind (str): one of `KINDS`.
        place (str): where the configuration names it, for the message.

    Raises:
        ConfigError: with the name that was probably meant.
    """
    who = f"{place}: {type(thing).__name__}" if place else type(thing).__name__
    own = public_names(thing)
    known = [name for name in vars(KINDS[kind]) if not name.startswith("_")]
    for name in sorted(own - set(known)):
        near = next((right for right in known if is_misspelt(name, right) and right not in own), None)
        if near:
            raise ConfigError(f"{who} has '{name}', which nothing asks for; a {kind} may offer '{near}'")
    for name in REQUIRED[kind]:
        if not hasattr(thing, name):
            raise ConfigError(f"{who} lacks '{name}', which every {kind} has; see common/contract.py")


def public_names(thing):
    """The public names that the classes of a component define, frameworks' classes left out, and its own values."""
    classes = [c for c in type(thing).__mro__ if c.__module__.split(".")[0] not in ("builtins", "paddle", "abc")]
    names = {name for owner in classes for name in vars(owner)} | set(getattr(thing, "__dict__", ()))
    return {name for name in names if not name.startswith("_")}


def is_misspelt(name, right):
    """Whether a name is another one with a slip: one edit in four letters at most, and not only a plural."""
    if name.rstrip("s") == right.rstrip("s") or len(right) < 5:
        return False
    return edit_distance(name, right) <= max(1, len(right) // 6)
