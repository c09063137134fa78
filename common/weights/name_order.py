"""Converting weights between naming schemes by the order of the layers.

The parameter names of a network differ between frameworks, the order of its layers does not.  A naming scheme is
described by its sort order: numbers ascending, words in a given order.  After sorting, the n-th array of the file
corresponds to the n-th array of our model and must have the same shape.
"""

import dataclasses
import re

import numpy as np

from common.errors import ConfigError

TOKEN = re.compile(r"\d+|[A-Za-z]+")
LEAVES = ("weight", "bias", "mean", "variance")


@dataclasses.dataclass(frozen=True)
class NameOrder:
    """The sort order of one naming scheme.

    Args:
        words (str): all words of the names, in the order of their layers.
        rewrites (tuple): (pattern, replacement) pairs, applied in turn before a name is split into tokens.
        transposed (bool): weights of linear layers are [out, in] as in PyTorch, not [in, out].
        ignored (str): pattern of names in the file that have no counterpart in our model.
        scales (tuple): (name, factor) pairs of arrays to multiply, for inputs that are scaled differently.
        zeros (str): pattern of names in the file without counterpart in our model, whose arrays must be zero.
        identities (str): pattern of our names; if the file lacks exactly these, they are initialized as identity
            layers: a 1x1 convolution with an identity kernel, a normalization with mean 0 and variance 1.
        epsilon (float): the difference between their normalization epsilon and ours; it is added to the variances.
    """

    words: str
    rewrites: tuple = ()
    transposed: bool = False
    ignored: str = ""
    scales: tuple = ()
    zeros: str = ""
    identities: str = ""
    epsilon: float = 0.0

    def sort_names(self, arrays):
        """The names of the arrays that have a counterpart in our model, in the order of the layers.

        Raises:
            ConfigError: a name does not belong to this scheme, or an array that must be zero is not.
        """
        names = []
        for name, array in arrays.items():
            if self.zeros and re.fullmatch(self.zeros, name):
                if np.any(array):
                    raise ConfigError(f"{name}: must be 0, because our network has no counterpart for it")
            elif not (self.ignored and re.fullmatch(self.ignored, name)):
                names.append(name)
        return sorted(names, key=self.key)

    def key(self, name):
        """The sort key of a name.

        Raises:
            ConfigError: the name contains a word that is not in `words`.
        """
        rank = {word: position for position, word in enumerate((*self.words.split(), *LEAVES))}
        tokens = TOKEN.findall(self.rewrite(name))
        strange = [token for token in tokens if not token.isdigit() and token not in rank]
        if strange:
            raise ConfigError(f"{name}: '{strange[0]}' is not a name of this family of networks")
        return [(0, int(token)) if token.isdigit() else (1, rank[token]) for token in tokens]

    def rewrite(self, name):
        """A name in the words of this order (str)."""
        for pattern, replacement in self.rewrites:
            name = re.sub(pattern, replacement, name)
        return name

    def count_classes(self, arrays):
        """The number of classes of a file: the length of the last array in the order of the layers."""
        return len(arrays[self.sort_names(arrays)[-1]])

    def rename(self, arrays, shapes):
        """Renames the arrays of a file to our names.

        Args:
            arrays (dict): their name -> array.
            shapes (dict): our name -> shape, in the order of our layers.

        Raises:
            ConfigError: the number of arrays or a shape differs; names the first mismatch.
        """
        theirs = self.sort_names(arrays)
        wanted = dict(shapes)
        missing = [name for name in shapes if self.identities and re.fullmatch(self.identities, name)]
        if len(theirs) + len(missing) == len(shapes):
            wanted = {name: shape for name, shape in shapes.items() if name not in missing}
        factors, found = dict(self.scales), {}
        if not factors.keys() <= arrays.keys():
            raise ConfigError(f"the file lacks {', '.join(sorted(factors.keys() - arrays.keys()))}")
        for name, (ours, shape) in zip(theirs, wanted.items(), strict=False):
            array = convert_layout(arrays[name], shape) if self.transposed else arrays[name]
            if tuple(array.shape) != tuple(shape):
                there = list(arrays[name].shape)
                raise ConfigError(f"{name} has shape {there}, but {ours} has {list(shape)}")
            factor, more = factors.get(name, 1), self.epsilon if ours.endswith("_variance") else 0
            found[ours] = (array * factor + more).astype(array.dtype) if factor != 1 or more else array
        if len(theirs) != len(wanted):
            rest = theirs[len(wanted) :] or list(wanted)[len(theirs) :]
            raise ConfigError(f"the file has {len(theirs)} arrays, the model {len(shapes)}: {rest[0]} is left over")
        return {name: found[name] if name in found else identity_array(name, shape) for name, shape in shapes.items()}


def convert_layout(array, shape):
    """Converts a PyTorch linear or 1x1 convolution weight to our layout, also from one kind to the other.

    Args:
        array (ndarray): [out, in] or [out, in, h, w]; other arrays are returned unchanged.
        shape (tuple): the shape in our model: [in, out] of a linear layer, [out, in, h, w] of a convolution.
    """
    if len(shape) == 2 and array.ndim in (2, 4):
        return np.ascontiguousarray(array.reshape(len(array), -1).T)
    if len(shape) == 4 and array.ndim == 2:
        return array[:, :, None, None]
    return array


def identity_array(name, shape, epsilon=1e-5):
    """The float32 array that makes its layer an identity mapping.

    Args:
        name (str): ends in weight, bias, _mean or _variance.
        shape (tuple): [C, C, 1, 1] of a convolution, otherwise [C].
        epsilon (float): the epsilon of the normalization.
    """
    if len(shape) == 4:
        return np.eye(shape[0], dtype=np.float32).reshape(shape)
    value = {"weight": 1, "_variance": 1 - epsilon}.get(name.rpartition(".")[2], 0)
    return np.full(shape, value, np.float32)
