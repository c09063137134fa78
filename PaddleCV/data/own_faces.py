"""A folder with text files of WIDER FACE: read by the reader of the format, written as lists of splits."""

from common.data.issues import IssueList, data_error
from common.errors import DataError
from common.vision.files import is_image_file

from .own_boxes import OwnBoxes, split_of_file
from .wider import WiderFaceDetection, read_faces

HIDDEN = "0 0 0 {} 0 0"  # blur, expression, illumination, invalid, occlusion, pose: only `invalid` is read


class WiderFolder(OwnBoxes):
    """Text files of WIDER FACE: one, or one for training and one for evaluation by their names."""

    def open(self, folder):
        names = [name for name in self.files if is_wider_file(self.request.source / name)]
        if not names:
            raise DataError(f"error[D104] {self.root}: no text file is in the format of WIDER FACE")
        self.faces, splits = {}, {}
        for name in names:
            for path, lines in self.read_file(name).items():
                if path in self.faces:
                    raise DataError(f"error[D115] {self.root}: {path} is in several of {', '.join(names)}")
                self.faces[path], splits[path] = lines, split_of_file(name)
        self.given = splits if "train" in splits.values() and len(set(splits.values())) > 1 else None
        (folder / "all.txt").write_text(self.listed(self.faces), encoding="utf-8")
        return WiderFaceDetection(self.root, str(folder / "all.txt"), "", bad_boxes="drop")

    def read_file(self, name):
        """{image, relative to the folder of the user: lines of its faces} of a file; raises DataError."""
        issues = IssueList(str(self.request.source / name))
        images, objects = read_faces(str(self.request.source / name), "", issues)
        if issues.errors:
            raise data_error(issues.errors)
        lines = [[] for _ in images]
        for face in objects:
            x1, y1, x2, y2 = face["corners"]
            numbers = (f"{value:.6f}".rstrip("0").rstrip(".") for value in (x1, y1, x2 - x1, y2 - y1))
            lines[face["image"]].append(f"{' '.join(numbers)} {HIDDEN.format(int(face['difficult']))}")
        inside = self.folder_of(images[0]["file_name"] if images else "")
        return {f"{inside}/{image['file_name']}".lstrip("/"): found for image, found in zip(images, lines)}

    def listed(self, paths):
        """The text of a file with these images."""
        blocks = ([path, str(len(self.faces[path])), *self.faces[path]] for path in paths)
        return "".join(f"{line}\n" for block in blocks for line in block)

    def write(self, split, rows, written):
        """Adds the list of a split to the written files; returns its node of the configuration."""
        paths = self.dataset.paths()
        written[f"{split}.txt"] = self.listed(self.relative(paths[i]) for i in rows)
        node = {"type": "WiderFaceDetection", "root": self.root, "annotations": self.beside(f"{split}.txt")}
        return node | {"images": "", "bad_boxes": "drop"}


def is_wider_file(path):
    """True for a .txt file that begins with an image and the number of its faces."""
    if path.suffix.lower() != ".txt":
        return False
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            image, count = (file.readline(1000).strip() for _ in range(2))
    except OSError:
        return False
    return is_image_file(image) and count.isdecimal()
