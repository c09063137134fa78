"""oneDNN (https://uxlfoundation.github.io/oneDNN, version 3), called in the library that PaddlePaddle brings along.

PaddlePaddle itself uses it for exported models only. An operation is described once for its shapes and kept; an
array lives in a Tensor whose memory has the layout that the operation asks for.
"""

import ctypes
import functools
import weakref
from pathlib import Path

import paddle

ENGINE_CPU, IN_ORDER, FLOAT32, ANY_LAYOUT = 1, 1, 3, 1
FORWARD_TRAINING, BACKWARD = 64, 128
DIRECT_CONVOLUTION = 1
USE_SCALE, USE_SHIFT = 2, 4
RELU, CLIP, SWISH, HARD_SWISH, RELU_FROM_RESULT = 0x20, 0x2E, 0x2C, 0x34, 0x100
QUERY = {"src": 129, "diff_src": 130, "weights": 131, "diff_weights": 132, "dst": 133, "diff_dst": 134}
ARGUMENT = {"src": 1, "dst": 17, "weights": 33, "mean": 49, "variance": 50, "scale": 51, "shift": 52}
ARGUMENT |= {"diff_src": 129, "diff_dst": 145, "diff_weights": 161, "diff_scale": 255, "diff_shift": 256}


class Version(ctypes.Structure):
    """The result of `dnnl_version`, as far as it is read."""

    _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int)]


class Binding(ctypes.Structure):
    """One argument of an operation and its memory."""

    _fields_ = [("argument", ctypes.c_int), ("memory", ctypes.c_void_p)]


@functools.cache
def library():
    """The loaded library; None where it is missing or of another version."""
    try:
        found = ctypes.CDLL(str(Path(paddle.__file__).parent / "libs" / "libdnnl.so.3"))
        found.dnnl_version.restype = ctypes.POINTER(Version)
        if found.dnnl_version().contents.major != 3:
            return None
    except (OSError, AttributeError):
        return None
    found.dnnl_primitive_desc_query_md.restype = ctypes.c_void_p
    found.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
    return found


def check(status):
    """Raises RuntimeError where the library answers anything but 0."""
    if status:
        raise RuntimeError(f"oneDNN refused an operation with status {status}")


def make(function, *arguments):
    """The object that a `..._create` function of the library writes to its first argument."""
    made = ctypes.c_void_p()
    check(getattr(library(), function)(ctypes.byref(made), *arguments))
    return made


@functools.cache
def engine():
    """The CPU."""
    return make("dnnl_engine_create", ENGINE_CPU, ctypes.c_size_t(0))


@functools.cache
def stream():
    """Operations one after another."""
    return make("dnnl_stream_create", engine(), IN_ORDER)


def numbers(values):
    """A C array of int64."""
    return (ctypes.c_int64 * len(values))(*values)


class Layout:
    """The memory layout of a float32 array.

    Args:
        handle (c_void_p): the library's description.
        sizes (tuple[int, ...]): of the array.
    """

    def __init__(self, handle, sizes):
        self.handle, self.sizes = handle, tuple(sizes)
        self.floats = library().dnnl_memory_desc_get_size(handle) // 4

    def __eq__(self, other):
        return self.sizes == other.sizes and bool(library().dnnl_memory_desc_equal(self.handle, other.handle))

    def __hash__(self):
        return hash(self.sizes)


@functools.cache
def plain(*sizes):
    """The layout of a Tensor: the last axis runs fastest."""
    strides = [1]
    for size in sizes[:0:-1]:
        strides.insert(0, strides[0] * size)
    arguments = (len(sizes), numbers(sizes), FLOAT32, numbers(strides))
    return Layout(make("dnnl_memory_desc_create_with_strides", *arguments), sizes)


def any_layout(sizes):
    """The description that lets an operation choose."""
    return make("dnnl_memory_desc_create_with_tag", len(sizes), numbers(sizes), FLOAT32, ANY_LAYOUT)


class Operation:
    """One operation on arrays of fixed layouts.

    Args:
        description (c_void_p): a primitive descriptor.
        layouts (dict[str, Layout]): of the arguments, by their names in ARGUMENT.
    """

    def __init__(self, description, layouts):
        self.description, self.layouts = description, layouts
        self.primitive = make("dnnl_primitive_create", description)
        self.memories = {
            name: make("dnnl_memory_create", layout.handle, engine(), ctypes.c_void_p())
            for name, layout in layouts.items()
        }
        bindings = [Binding(ARGUMENT[name], memory) for name, memory in self.memories.items()]
        self.bindings = (Binding * len(bindings))(*bindings)
        weakref.finalize(self, destroy, self.primitive, description, list(self.memories.values())).atexit = False

    def __call__(self, **tensors):
        """Runs on the Tensors given for all arguments, each of the layout that `layouts` names."""
        for name, memory in self.memories.items():
            check(library().dnnl_memory_set_data_handle(memory, ctypes.c_void_p(tensors[name].data_ptr())))
        check(library().dnnl_primitive_execute(self.primitive, stream(), len(self.bindings), self.bindings))


def destroy(primitive, description, memories):
    """Gives back what an operation holds."""
    for memory in memories:
        library().dnnl_memory_destroy(memory)
    library().dnnl_primitive_destroy(primitive)
    library().dnnl_primitive_desc_destroy(description)


def describe(kind, *arguments):
    """The descriptor that `dnnl_<kind>_primitive_desc_create` makes; `arguments` are those after the engine."""
    return make(f"dnnl_{kind}_primitive_desc_create", engine(), *arguments, None)


def chosen_layouts(description, **sizes):
    """The layouts an operation chose for the arguments whose sizes are given."""
    query = library().dnnl_primitive_desc_query_md
    found = {name: query(description, QUERY[name], 0) for name in sizes}
    return {name: Layout(make("dnnl_memory_desc_clone", ctypes.c_void_p(found[name])), sizes[name]) for name in sizes}


@functools.lru_cache(maxsize=4096)
def reordering(source, target):
    """The operation that carries an array from one layout to another."""
    arguments = (source.handle, engine(), target.handle, engine(), None)
    return Operation(make("dnnl_reorder_primitive_desc_create", *arguments), {"src": source, "dst": target})


def carry(tensor, source, target, out=None):
    """The values of a Tensor in another layout: in `out`, or in a new Tensor, or in itself if the layouts are equal."""
    if source == target and out is None:
        return tensor
    out = empty(target) if out is None else out
    reordering(source, target)(src=tensor, dst=out)
    return out


def empty(layout):
    """A new Tensor with room for a layout."""
    return paddle.empty([layout.floats], dtype="float32")
