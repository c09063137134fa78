"""Near places: for each row of a table the nearest known places, their prices and distances.

Shapes in this file:
    N rows, M known places, C columns of attributes, S slots, K kinds of distance.
"""

from pathlib import Path

import numpy as np

from common.data.transform import Transform
from common.errors import BadRows, ConfigError, DataError, EnvironmentProblem
from common.table.features import parse_column
from common.table.hash import as_words
from common.weights.safetensors import decode_arrays, encode_arrays, write_atomically

EARTH = 6371.0  # radius in kilometers
RANKS = 256  # quantiles by which the values of a column are ranked
HOUSE, EMPTY = -1, -2  # in `near_place`, beside the numbers of public places


class NearPlaces(Transform):
    """Converts the columns of places to the inputs of the model Monopoly.

    The known places are the rows of the training data, with a k-d tree over their coordinates; only these and no
    table that
    is priced are held in memory. A row that is a known place, equal in coordinates, price and columns, is not near
    itself.

    Every column is ranked from 0 to 1 among the known places. For each the model is given its rank and its rank less
    the mean rank of
    the near houses, both in `buckets` of equal numbers of training rows, with one more bucket for missing values: 2
    C attributes. The first kind of distance is log(1 + kilometers), those of `distances` are differences of ranks.

    Args:
        file (str): file of the known places; created by `tools/fit.py`, or by training if missing.
        columns (list[str]): numeric columns of attributes.
        houses (int): the number of near known places.
        public (str | None): a CSV file with the coordinates of public places, a place a line.
        num_near_public (int): the number of near public places.
        distances (list[str]): which of the columns are kinds of distance, too.
        buckets (int): of each attribute.
        longitude (str): column of degrees east.
        latitude (str): column of degrees north.
        price (str): column of the price.

    Raises:
        ConfigError: a number is out of range, or a distance is not one of the columns.
    """

    files = ("file", "public")
    alike = ("columns", "houses", "num_near_public", "distances", "buckets", "longitude", "latitude", "price")
    makes = ("attributes", "near_place", "near_price", "near_distance")
    learns = True

    def __init__(
        self,
        file,
        columns,
        houses=10,
        public=None,
        num_near_public=0,
        distances=(),
        buckets=16,
        longitude="longitude",
        latitude="latitude",
        price="price",
    ):
        self.file, self.columns, self.distances = Path(file), list(columns), list(distances)
        if not self.columns or houses < 1 or buckets < 2 or num_near_public < 0:
            raise ConfigError(
                f"NearPlaces got {len(self.columns)} columns, houses={houses}, buckets={buckets}, "
                f"num_near_public={num_near_public}; it needs a column, a house and 2 buckets"
            )
        if (public is None) != (num_near_public == 0):
            raise ConfigError("NearPlaces takes public and num_near_public together, or neither")
        for name in self.distances:
            if name not in self.columns:
                raise ConfigError(f"distances has '{name}', which is not one of columns: {', '.join(self.columns)}")
        self.houses, self.num_near_public, self.buckets = houses, num_near_public, buckets
        self.public = Path(public) if public else None
        self.longitude, self.latitude, self.price = longitude, latitude, price
        self.known = self.tree = self.public_tree = None

    # Fitting ---------------------------------------------------------------------------------------------------------

    def is_fitted(self):
        """True if the file exists."""
        return self.known is not None or self.file.is_file()

    @property
    def reads(self):
        """The columns that every row must have (list[str])."""
        return [self.longitude, self.latitude, *self.columns]

    def probe(self, columns):
        """Checks a table before fitting: raises BadRows for bad rows, DataError for missing columns."""
        self.read(columns, priced=True)

    def fit(self, tables):
        """Takes the rows of tables (an iterable of dicts of arrays) as the known places, and writes the file.

        Raises:
            DataError: there are fewer rows than near houses.
            BadRows: a value is not a number.
        """
        parts = [self.read(table, priced=True) for table in tables]
        if sum(len(part[0]) for part in parts) <= self.houses:
            raise DataError(f"error[D117] {self.file}: there are no more rows than houses={self.houses}")
        places, values, price = map(np.concatenate, zip(*parts))
        steps = np.linspace(0, 1, RANKS + 1)
        with np.errstate(invalid="ignore"):
            quantiles = [
                np.quantile(present(values[:, column], name), steps) for column, name in enumerate(self.columns)
            ]
        self.known = {"places": places, "values": values, "price": price, "quantiles": np.stack(quantiles)}
        self.known["spec"] = np.frombuffer(self.spec().encode(), np.uint8)
        ranks, near_rank, _, _ = self.near(places, values, price)
        edges = [
            np.nanquantile(x, np.arange(1, self.buckets) / self.buckets, axis=0) for x in (ranks, ranks - near_rank)
        ]
        self.known["edges"] = np.concatenate(edges, 1).T
        write_atomically(self.file, encode_arrays(self.known))

    def spec(self):
        """The settings that the file depends on, as text."""
        names = ",".join([self.longitude, self.latitude, self.price, *self.columns])
        return f"columns={names} houses={self.houses} buckets={self.buckets}"

    def load(self):
        """Reads the file and the public places, once.

        Raises:
            DataError: the file is missing, damaged, or was fitted with other settings.
        """
        if self.known is None:
            if not self.file.is_file():
                raise DataError(
                    f"error[D104] {self.file}: the places are not fitted yet\n  fix: tools/fit.py -c CONFIG"
                )
            try:
                found = decode_arrays(self.file.read_bytes())
                spec = bytes(found["spec"]).decode()
            except (ValueError, KeyError) as error:
                raise DataError(f"error[D112] {self.file}: {error}\n  fix: recreate it with tools/fit.py") from None
            if spec != self.spec():
                raise DataError(
                    f"error[D113] {self.file}: fitted with {spec}, the configuration has {self.spec()}\n"
                    "  fix: recreate it with tools/fit.py --force, or set another file"
                )
            self.known = found
        if self.tree is None:
            self.tree = tree_of(self.known["places"])
        if self.public is not None and self.public_tree is None:
            self.public_tree = tree_of(read_public_places(self.public, self.longitude, self.latitude))

    # Transforming ----------------------------------------------------------------------------------------------------

    def read(self, columns, priced=False):
        """Parses the columns of a table.

        Returns:
            tuple: points float64 [N, 3] in kilometers from the center of the earth, values float64 [N, C] and prices
            float64 [N],
                NaN where they are missing.

        Raises:
            DataError: a column is missing.
            BadRows: a value is not a number, a coordinate is missing or out of range, or with `priced` a price is
            missing.
        """
        names = [*self.reads, *([self.price] if priced else [])]
        missing = [name for name in names if name not in columns]
        if missing:
            raise DataError(f"error[D113] the rows have no column '{missing[0]}'; the columns are {', '.join(columns)}")
        bad = {}
        east, north, *values = (parse_column(columns[name], name, bad) for name in self.reads)
        price = np.full(len(east), np.nan)
        if self.price in columns:
            price = parse_column(columns[self.price], self.price, bad)
        for name, degrees, most in ((self.longitude, east, 360), (self.latitude, north, 90)):
            for row in np.flatnonzero(~(np.abs(degrees) <= most)).tolist():
                bad.setdefault(
                    row, ("D119", f"column '{name}' must be degrees from {-most} to {most}", f"{degrees[row]:g}")
                )
        for row in np.flatnonzero(np.isnan(price)).tolist() if priced else []:
            bad.setdefault(row, ("D119", f"column '{self.price}' is empty", ""))
        if bad:
            raise BadRows(bad)
        return on_sphere(east, north), np.stack(values, 1), price

    def near(self, places, values, price):
        """The known places near places [N, 3] with values [N, C] and prices [N].

        Returns:
            tuple: the ranks [N, C], the mean rank of the near houses [N, C], the numbers of these [N, houses], and the
                distances [N, houses] in kilometers.
        """
        if self.tree is None:
            self.tree = tree_of(self.known["places"])
        distance, number = self.tree.query(places, self.houses + 1)
        same = (distance == 0) & (self.known["price"][number] == price[:, None])
        same &= equal_or_missing(self.known["values"][number], values[:, None]).all(2)
        same &= np.cumsum(same, 1) == 1  # of equal rows one is the row itself
        order = np.argsort(same, 1, kind="stable")[:, : self.houses]
        number, distance = np.take_along_axis(number, order, 1), np.take_along_axis(distance, order, 1)
        return self.ranks(values), mean_of_present(self.ranks(self.known["values"][number])), number, distance

    def ranks(self, values):
        """The ranks 0 to 1 of values [..., C] among those of the known places; NaN where they are missing."""
        found = np.empty(values.shape)
        for column, quantiles in enumerate(self.known["quantiles"]):
            low = np.searchsorted(quantiles, values[..., column], "left")
            high = np.searchsorted(quantiles, values[..., column], "right")
            found[..., column] = np.clip((low + high - 1) / 2 / RANKS, 0, 1)
        return np.where(np.isnan(values), np.nan, found)

    def __call__(self, sample, rng):
        names = [*self.reads, *([self.price] if self.price in sample else [])]
        row = self.table({name: as_words([sample.get(name)]) for name in names})
        return sample | {name: row[name][0] for name in self.makes}

    def table(self, columns):
        """Transforms a table; numeric columns that are no words are kept."""
        self.load()
        places, values, price = self.read(columns)
        ranks, near_rank, number, kilometers = self.near(places, values, price)
        measured = np.concatenate([ranks, ranks - near_rank], 1)
        ids = np.stack([np.searchsorted(edge, column) for edge, column in zip(self.known["edges"], measured.T)], 1)
        kinds = [self.columns.index(name) for name in self.distances]
        apart = np.abs(ranks[:, None, kinds] - self.ranks(self.known["values"][number])[..., kinds])
        distance = np.concatenate([np.log1p(kilometers)[..., None], np.nan_to_num(apart, nan=0.5)], 2)
        place, near_price = np.full(number.shape, HOUSE), self.known["price"][number]
        if self.public_tree is not None:
            away, public = self.public_tree.query(places, range(1, self.num_near_public + 1))
            far = np.zeros((*away.shape, 1 + len(kinds)))
            far[..., 0] = np.log1p(np.where(np.isfinite(away), away, 0))
            place = np.concatenate([place, np.where(np.isfinite(away), public, EMPTY)], 1)
            near_price = np.concatenate([near_price, np.zeros(away.shape)], 1)
            distance = np.concatenate([distance, far], 1)
        kept = {name: column for name, column in columns.items() if column.dtype.kind in "biuf"}
        return kept | {
            "attributes": np.where(np.isnan(measured), self.buckets, ids),
            "near_place": place.astype(np.int64),
            "near_price": near_price.astype("float32"),
            "near_distance": distance.astype("float32"),
        }


def on_sphere(east, north):
    """Points float64 [N, 3] in kilometers from the center of the earth, of degrees east and north [N]."""
    east, north = np.deg2rad(np.nan_to_num(east)), np.deg2rad(np.nan_to_num(north))
    return EARTH * np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], 1)


def tree_of(places):
    """A k-d tree of points [M, 3]; raises EnvironmentProblem without SciPy."""
    try:
        from scipy.spatial import cKDTree
    except ImportError:
        raise EnvironmentProblem("near places are found by the package scipy: pip install scipy") from None
    return cKDTree(places)


def equal_or_missing(one, other):
    """True where values of arrays are equal, or both missing."""
    return (one == other) | (np.isnan(one) & np.isnan(other))


def mean_of_present(values):
    """The mean over the second axis of values [N, S, C] that are not missing; NaN without any."""
    here = ~np.isnan(values)
    total = np.where(here, values, 0).sum(1)
    return np.where(here.any(1), total / np.maximum(here.sum(1), 1), np.nan)


def present(values, name):
    """The values that are not missing; raises DataError where all are."""
    found = values[~np.isnan(values)]
    if not len(found):
        raise DataError(f"error[D117] column '{name}' has no value in any row")
    return found


def read_public_places(path, longitude, latitude):
    """The points float64 [P, 3] of the public places of a CSV file with columns of these names.

    Raises:
        DataError: the file is missing, or a row has no coordinates; names the line.
    """
    from common.errors import BadSample
    from common.table.sources import open_table

    rows = []
    for number, row in enumerate(open_table(path), 2):
        if isinstance(row, BadSample):
            raise row
        try:
            rows.append((float(row[longitude]), float(row[latitude])))
        except KeyError as error:
            raise DataError(f"error[D113] {path}: no column is named {error}; it has {', '.join(row)}") from None
        except ValueError as error:
            raise DataError(f"error[D119] {path}: line {number}: {error}") from None
    if not rows:
        raise DataError(f"error[D117] {path}: no public place")
    return on_sphere(*np.array(rows, np.float64).T)
