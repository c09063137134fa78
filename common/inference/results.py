"""Predictions of the Python API: plain lists that can be shown and saved."""

import html
import os
import sys
import tempfile
import webbrowser
from pathlib import Path

from common.errors import ConfigError, EnvironmentProblem
from common.inference.result_files import WRITERS, Layout, is_result_file, open_results
from common.vision.files import IMAGE_SUFFIXES, is_image_file

KEPT = ("coverage", "error")  # of a decoded sample, besides what was given: how much of a text is known or cut
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


class Shown(list):
    """Results that are shown as a table, in a notebook or on a terminal; copies and pickles of them are plain lists."""

    def __reduce_ex__(self, protocol):
        return list, (list(self),)

    def pairs(self):
        """The samples with their records: list[tuple[dict, list[dict]]]."""
        raise NotImplementedError

    def table(self):
        """The results as in a csv file, without the columns that are empty: (names of the columns, rows)."""
        pairs = self.pairs()
        if not pairs:
            return [], []
        layout = Layout(self.model.task, self.model.labels, pairs)
        rows = [row for pair in pairs for row in layout.rows(*pair)]
        filled = [k for k in range(len(layout.names)) if any(row[k] is not None for row in rows)]
        return [layout.names[k] for k in filled], [[row[k] for k in filled] for row in rows]

    def write_table(self, path):
        """Writes a .csv, .jsonl or .json file as `tools/infer.py --out` does."""
        file = open_results(path, self.model.task, self.model.labels)
        file.add(self.pairs())
        file.close()

    def show_table(self):
        """Displays the table in a notebook, or prints it."""
        if in_notebook():
            from IPython.display import HTML, display

            display(HTML(as_html(*self.table())))
            return
        from rich.console import Console

        Console(file=sys.stdout).print(as_rich(*self.table()))


class Predictions(Shown):
    """The predictions of one input: a list of dicts, with `show` and `save`.

    Images are not kept: a file is read again when it is drawn.

    Args:
        model (Predictor | ModelInMemory): that predicted.
        given (dict): the sample as it was given.
        sample (dict): the same, decoded.
        records (list[dict]): the predictions.
    """

    def __init__(self, model, given, sample, records):
        super().__init__(records)
        self.model, self.given = model, given
        self.about = {key: sample[key] for key in KEPT if key in sample}

    def pairs(self):
        return [(self.given | self.about, list(self))]

    @property
    def drawn(self):
        """True if these predictions are drawn on an image."""
        return self.model.task.draws and self.model.task.input == "image"

    def draw(self):
        """The image with the predictions drawn (RGB uint8 [H, W, 3]).

        Raises:
            ConfigError: the model does not predict on images, or its task does not draw.
            DataError: the file cannot be read anymore.
        """
        task = self.model.task
        if not self.drawn:
            raise ConfigError(f"the predictions of {task.name} are not drawn: save them as {', '.join(WRITERS)}")
        return task.draw(self.model.decode(self.given)["image"], list(self))

    def save(self, path):
        """Writes the drawn image (.jpg, .png, ...), speech (.wav) or the predictions (.csv, .jsonl, .json), by suffix.

        Raises:
            ConfigError: another suffix, the input itself, or an image of a task that does not draw.
            EnvironmentProblem: the file cannot be written.
        """
        path = Path(path)
        if is_result_file(path):
            self.write_table(path)
        elif is_image_file(path.name):
            source = Path(self.given["path"])
            if path.exists() and source.exists() and path.samefile(source):
                raise ConfigError(f"{path}: would overwrite the input; choose another name")
            write_image(path, self.draw())
        elif path.suffix.lower() in self.model.task.writes and self:
            write_content(path, self.model.task.file_of(list(self)))
        else:
            known = [*self.model.task.writes, *IMAGE_SUFFIXES, *WRITERS]
            raise ConfigError(f"{path}: '{path.suffix}' is no suffix that can be written: {', '.join(known)}")

    def show(self):
        """Shows the drawn image, in a notebook or by the viewer of the desktop; other predictions as a table.

        Raises:
            EnvironmentProblem: there is no display.
        """
        if not self.drawn:
            self.show_table()
        elif in_notebook():
            from IPython.display import Image, display

            display(Image(data=self._repr_png_(), format="png"))
        else:
            open_viewer(self.draw())

    def _repr_png_(self):
        """The image for notebooks; None for predictions that are not drawn."""
        return encode(self.draw(), ".png") if self.drawn else None

    def _repr_html_(self):
        """The table for notebooks; None for predictions that are drawn."""
        return None if self.drawn else as_html(*self.table())


class Several(Shown):
    """The predictions of several inputs: a list of :class:`Predictions`, with `show` and `save`."""

    @property
    def model(self):
        """The model that predicted."""
        return self[0].model

    def pairs(self):
        pairs = [pair for item in self for pair in item.pairs()]
        if self and self.model.task.input == "table":  # rows go by their numbers
            pairs = [(sample | {"name": number}, records) for number, (sample, records) in enumerate(pairs, 1)]
        return pairs

    def save(self, path):
        """Writes all predictions to a .csv, .jsonl or .json file.

        Raises:
            ConfigError: another suffix, or there are no predictions.
            EnvironmentProblem: the file cannot be written.
        """
        if not is_result_file(path):
            names = ", ".join(WRITERS)
            raise ConfigError(f"{path}: predictions of several inputs are saved as {names}; each one as an image")
        if not self:
            raise ConfigError(f"{path}: there are no predictions to save")
        self.write_table(path)

    def show(self):
        """Shows all predictions as one table, in a notebook or on the terminal."""
        self.show_table()

    def _repr_html_(self):
        """The table for notebooks."""
        return as_html(*self.table())


def in_notebook():
    """True in a kernel of Jupyter, which can display images and tables."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def open_viewer(image):
    """Opens an image (RGB uint8 [H, W, 3]) in the viewer of the desktop; raises EnvironmentProblem without one."""
    advice = "save('drawn.jpg') writes the image instead"
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in DISPLAYS):
        raise EnvironmentProblem(f"there is no display ({' and '.join(DISPLAYS)} are not set): {advice}")
    with tempfile.NamedTemporaryFile(prefix="predictions_", suffix=".png", delete=False) as file:
        file.write(encode(image, ".png"))  # left there: the viewer reads it later
    if not webbrowser.open(Path(file.name).as_uri()):
        raise EnvironmentProblem(f"no program was found that shows images: {advice}")


def write_image(path, image):
    """Writes an RGB image (uint8 [H, W, 3]) in the format of the suffix; raises EnvironmentProblem."""
    write_content(path, encode(image, path.suffix))


def write_content(path, content):
    """Writes bytes, in a folder that is created if missing; raises EnvironmentProblem."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise EnvironmentProblem(f"{path}: cannot be written: {error.strerror}") from error


def encode(image, suffix):
    """An RGB image (uint8 [H, W, 3]) as the bytes of a file; raises ConfigError for formats that cannot be written."""
    import cv2

    try:
        _, data = cv2.imencode(suffix.lower(), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    except cv2.error:
        raise ConfigError(f"images cannot be written as {suffix}; try .jpg or .png") from None
    return data.tobytes()


def as_html(names, rows):
    """A table in HTML."""

    def line(cells, tag):
        cells = ("" if cell is None else html.escape(str(cell)) for cell in cells)
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(names, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def as_rich(names, rows):
    """A table for terminals."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    table = Table(*map(escape, names), box=box.SIMPLE)
    for row in rows:
        table.add_row(*("" if cell is None else Text(str(cell)) for cell in row))
    return table
