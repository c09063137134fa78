"""From the names that others gave to the arrays of a network to ours, by the order of their layers.

Names of one network differ between programs, the order of its layers does not.  What is known of a family of names is
how to sort them: numbers rise, and words come in a given order.  Sorted so, the n-th array of a file is the n-th of
ours, and has its shape.
"""

import dataclasses
import re

import numpy as np

from common.errors import ConfigError

TOKEN = re.compile(r"\d+|[A-Za-z]+")
LEAVES = ("weight", "bias", "mean", "variance")


@dataclasses.dataclass(frozen=True)
class NameOrder:
    """How the names of one family are sorted.

    Args:
        words (str): every word that the names are made of, in the order of the layers they stand for.
        rewrites (tuple): (pattern, replacement) pairs, applied in turn before a name is taken apart.
        transposed (bool): matrices of linear layers are [out, in], as PyTorch has them, not [in, out].
        ignored (str): a pattern of names that no array of ours stands for.
        scales (tuple): (name, factor) pairs: arrays that are multiplied, where the layer before them scales otherwise.
        zeros (str): a pattern of their names that no array of ours stands for, and that must therefore hold zeros.
        identities (str): a pattern of our names; where a file lacks exactly these, they become a layer that changes
            nothing: a 1x1 convolution with ones on its diagonal, and a normalisation by 0 and 1.
        epsilon (float): by how much that of their normalisation is greater than ours; it is added to the variances.
    """

    words: str
    rewrites: tuple = ()
    transposed: bool = False
    ignored: str = ""
    scales: tuple = ()
    zeros: str = ""
    identities: str = ""
    epsilon: float = 0.0

    def ordered(self, arrays):
        """The names of those arrays that ours stand for, in the order of the layers.

        Raises:
            ConfigError: a name is not of this family, or an array that must hold zeros holds something else.
        """
        names = []
        for name, array in arrays.items():
            if self.zeros and re.fullmatch(self.zeros, name):
                if np.any(array):
                    raise ConfigError(f"{name}: must be 0, for our network has nothing in its place")
            elif not (self.ignored and re.fullmatch(self.ignored, name)):
                names.append(name)
        return sorted(names, key=self.key)

    def key(self, name):
        """The sorting key of a name.

        Raises:
            ConfigError: a word of it is not of this family.
        """
        rank = {word: place for place, word in enumerate((*self.words.split(), *LEAVES))}
        text = name
        for pattern, replacement in self.rewrites:
            text = re.sub(pattern, replacement, text)
        tokens = TOKEN.findall(text)
        strange = [token for token in tokens if not token.isdigit() and token not in rank]
        if strange:
            raise ConfigError(f"{name}: '{strange[0]}' is no name of this family of networks")
        return [(0, int(token)) if token.isdigit() else (1, rank[token]) for token in tokens]

    def rename(self, arrays, shapes):
        """The arrays under our names.

        Args:
            arrays (dict): their name -> array.
            shapes (dict): our name -> shape, in the order of our layers.

        Raises:
            ConfigError: there are more or fewer arrays than ours, or one has another shape; it names the first.
        """
        theirs = self.ordered(arrays)
        wanted = dict(shapes)
        absent = [name for name in shapes if self.identities and re.fullmatch(self.identities, name)]
        if len(theirs) + len(absent) == len(shapes):
            wanted = {name: shape for name, shape in shapes.items() if name not in absent}
        factors, found = dict(self.scales), {}
        if not factors.keys() <= arrays.keys():
            raise ConfigError(f"the file lacks {', '.join(sorted(factors.keys() - arrays.keys()))}")
        for name, (ours, shape) in zip(theirs, wanted.items(), strict=False):
            array = fitted(arrays[name], shape) if self.transposed else arrays[name]
            if tuple(array.shape) != tuple(shape):
                there = list(arrays[name].shape)
                raise ConfigError(f"{name} has shape {there}, where {ours} has {list(shape)}")
            factor, more = factors.get(name, 1), self.epsilon if ours.endswith("_variance") else 0
            found[ours] = (array * factor + more).astype(array.dtype) if factor != 1 or more else array
        if len(theirs) != len(wanted):
            rest = theirs[len(wanted) :] or list(wanted)[len(theirs) :]
            raise ConfigError(f"the file has {len(theirs)} arrays, the model {len(shapes)}: {rest[0]} is left over")
        return {name: found[name] if name in found else identity(name, shape) for name, shape in shapes.items()}


def fitted(array, shape):
    """PyTorch's matrix or convolution in the place of ours where one of them has a matrix, [in, out], for the other.

    Args:
        array (ndarray): [out, in] or [out, in, h, w]; others stay as they are.
        shape (tuple): of our array.
    """
    if len(shape) == 2 and array.ndim in (2, 4):
        return np.ascontiguousarray(array.reshape(len(array), -1).T)
    if len(shape) == 4 and array.ndim == 2:
        return array[:, :, None, None]
    return array


def identity(name, shape, epsilon=1e-5):
    """What the array of this name holds in a layer that changes nothing: float32.

    Args:
        name (str): ends in weight, bias, _mean or _variance.
        shape (tuple): [C, C, 1, 1] of a convolution, else [C].
        epsilon (float): of the normalisation.
    """
    if len(shape) == 4:
        return np.eye(shape[0], dtype=np.float32).reshape(shape)
    value = {"weight": 1, "_variance": 1 - epsilon}.get(name.rpartition(".")[2], 0)
    return np.full(shape, value, np.float32)
