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
    """

    words: str
    rewrites: tuple = ()
    transposed: bool = False
    ignored: str = ""
    scales: tuple = ()

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
        theirs = [name for name in arrays if not (self.ignored and re.fullmatch(self.ignored, name))]
        theirs.sort(key=self.key)
        factors, found = dict(self.scales), {}
        if not factors.keys() <= arrays.keys():
            raise ConfigError(f"the file lacks {', '.join(sorted(factors.keys() - arrays.keys()))}")
        for name, (ours, shape) in zip(theirs, shapes.items(), strict=False):
            array = arrays[name]
            if self.transposed and array.ndim == 2:
                array = np.ascontiguousarray(array.T)
            if tuple(array.shape) != tuple(shape):
                raise ConfigError(f"{name} has shape {list(array.shape)}, where {ours} has {list(shape)}")
            found[ours] = (array * factors[name]).astype(array.dtype) if name in factors else array
        if len(theirs) != len(shapes):
            rest = theirs[len(shapes) :] or list(shapes)[len(theirs) :]
            raise ConfigError(f"the file has {len(theirs)} arrays, the model {len(shapes)}: {rest[0]} is left over")
        return found
