"""Detection datasets in the PASCAL VOC XML format (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf).

VOC counts pixels from 1 and includes the last one: a box from 1 to 1 is one pixel wide.  Here it becomes
(xmin - 1, ymin - 1, xmax, ymax), the edges of the same pixels counted from 0.
"""

import codecs
import os
import re
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeXml

from common.data.issues import IssueList, data_error
from common.vision.files import IMAGE_SUFFIXES, Listing

from .detection import DetectionDataset
from .labels import read_labels
from .objects import corners_of, find_labels, select_known, to_boxes
from .values import compare_names, read_flag, read_name, read_size

DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
BY_EXPAT = ("utf-8", "utf-16", "us-ascii", "iso-8859-1")  # what the parser decodes itself
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class VocDetection(DetectionDataset):
    """Images and boxes of VOC XML files.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        list_file (str): the list of images: an id a line, or the paths of an image and its XML file.
        images (str): the folder of the images, for a list of ids.
        annotations (str): the folder of the XML files, for a list of ids.
        labels (list[str] | str): class names in order, or a file with one per line; default `label_list.txt` in
            `root` if it exists, else the names found, sorted.
        with_difficult (bool): whether the samples include boxes marked difficult; evaluation always knows them.
        with_empty (bool): whether to keep images without boxes, as background.
        one_based (bool): whether coordinates count from 1 and include the last pixel, as in VOC, or are edges from 0.
        bad_boxes (str): `error`, or `drop` for boxes without area or outside their image.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        encoding (str | None): character encoding of the XML files and of the list, such as gbk; default what each XML
            file declares, else UTF-8.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        ValueError: the encoding is unknown.
    """

    def __init__(
        self,
        root="dataset/voc",
        list_file="ImageSets/Main/train.txt",
        images="JPEGImages",
        annotations="Annotations",
        labels=None,
        with_difficult=True,
        with_empty=True,
        one_based=True,
        bad_boxes="error",
        bad_samples="error",
        encoding=None,
    ):
        check_encoding(encoding)
        self.source = os.path.normpath(os.path.join(root, list_file))
        self.with_difficult = with_difficult
        issues = IssueList(self.source)
        pairs = read_list(self.source, root, images, annotations, issues, encoding)
        listed, objects = read_all(pairs, issues, encoding)
        known = read_labels(find_labels(labels, root, ("label_list.txt",)), root)
        self.labels = sorted({item["name"] for item in objects}) if known is None else known
        self.category_ids = list(range(1, len(self.labels) + 1))
        compare_names(self.labels, issues)
        objects = select_known(objects, self.labels, listed, issues)
        boxes = self._to_boxes(objects, listed, one_based, issues)

        def place(k):
            return listed[objects[k]["image"]]["file"], objects[k]["place"]

        self.store(listed, boxes, place, issues, with_empty, bad_boxes, bad_samples)

    def _to_boxes(self, objects, images, one_based, issues):
        """The objects as Boxes, with coordinates counted from 0."""
        box = corners_of(objects)
        if one_based:
            for k in np.flatnonzero((box[:, :2] < 1).any(1)):
                file = images[objects[k]["image"]]["file"]
                fix = "if the file counts from 0, set `one_based: false`"
                start = "at 0" if box[k, :2].min() == 0 else "below 1"
                message = f"a box starts {start}, but pixels count from 1"
                issues.warn("D107", message, objects[k]["place"], fix=fix, file=file)
            box[:, :2] = np.maximum(box[:, :2], np.minimum(1, box[:, 2:])) - 1 if len(box) else box[:, :2]
        return to_boxes(objects, self.labels, box)

    def _for_training(self, rows):
        return self.with_difficult | ~self.boxes.difficult[rows]


def check_encoding(encoding):
    """Raises ValueError for an encoding that Python does not know."""
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise ValueError(f"encoding {encoding!r} is unknown; gbk, big5 and utf-8 are known") from None


def read_list(path, root, images, annotations, issues, encoding=None):
    """The (image path or stem, XML path, place) of each line.

    Raises:
        DataError: D104 if the list cannot be opened, D112 if it is not UTF-8, D118 for malformed lines.
    """
    try:
        with open(path, encoding=encoding or "utf-8-sig") as file:
            lines = file.read().splitlines()
    except OSError as error:
        fix = "set `root` and `list_file` to the location of the list"
        issues.error("D104", f"list of images cannot be opened: {error.strerror}", fix=fix)
        raise data_error(issues.errors) from None
    except UnicodeDecodeError as error:
        fix = "save it as UTF-8, or name its encoding, such as `encoding: gbk`"
        issues.error("D112", f"list of images is not {encoding or 'UTF-8'}", f"byte {error.start}", fix=fix)
        raise data_error(issues.errors) from None
    listing, pairs, seen = Listing(), [], set()
    for number, line in enumerate(lines, 1):
        place, line = f"line {number}", line.strip().replace("\\", "/")
        fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split()) if field.strip()]
        xml = os.path.join(root, annotations, line + ".xml")
        if not fields:
            continue
        if len(fields) == 2 and fields[1].lower().endswith(".xml"):
            pair = os.path.join(root, fields[0]), os.path.join(root, fields[1]), place
        elif xml in listing or (len(fields) == 1 and not line.lower().endswith((".xml", *IMAGE_SUFFIXES))):
            pair = os.path.join(root, images, line), xml, place
        else:
            fix = "a line is an id without suffix, or an image and its XML file with a space (a tab) between them"
            issues.error("D118", "is neither an id nor an image and its XML file", place, line[:80], fix)
            continue
        if pair[1] in seen:
            issues.warn("D115", "image is listed twice", place, line[:80])
        else:
            seen.add(pair[1])
            pairs.append(pair)
    if issues.errors:
        raise data_error(issues.errors)
    return pairs


def read_all(pairs, issues, encoding=None):
    """The images and the objects of all listed files; the image of an unreadable XML file keeps its index."""
    images, objects, listing = [], [], Listing()
    for i, (image_path, xml_path, place) in enumerate(pairs):
        image = {"id": i, "width": 0, "height": 0, "file": xml_path, "place": ""}
        tree = read_xml(xml_path, place, issues, listing, i, encoding)
        stem = tree.findtext("filename", "").strip() if tree is not None else ""
        image["path"] = find_image(image_path, stem, listing)
        image["file_name"] = os.path.basename(image["path"])
        image["unread"] = tree is None
        if tree is not None:
            image["width"], image["height"] = (read_size(tree.findtext(f"size/{key}")) for key in ("width", "height"))
            objects += read_objects(tree, i, xml_path, issues)
        images.append(image)
    return images, objects


def read_xml(path, place, issues, listing, image, encoding=None):
    """The root of an XML file, or None after an error (D104, D112)."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        root = SafeXml.fromstring(decode_xml(data, encoding))
    except OSError as error:
        near = listing.nearest(path)
        fix = f"did you mean {near!r}?" if near else "set `root` and `annotations` to the location of the XML files"
        message = f"annotation file cannot be opened: {error.strerror}: {path}"
        issues.error("D104", message, place, fix=fix, image=image)
    except DefusedXmlException:
        issues.error("D112", "defines entities, which are not allowed in annotations", file=path, image=image)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fix = "save it as UTF-8, or name its encoding, such as `encoding: gbk`"
        value = f"byte 0x{data[error.start]:02x}"
        issues.error("D112", f"is not {error.encoding}", f"line {line}", value, fix, file=path, image=image)
    except (ParseError, ValueError, LookupError) as error:
        issues.error("D112", f"is not XML: {error}", file=path, image=image)
    else:
        if root.tag == "annotation":
            return root
        issues.error("D113", "the first element is not <annotation>", value=f"<{root.tag}>", file=path, image=image)
    return None


def decode_xml(data, encoding=None):
    """The content of an XML file to parse: its bytes, or its text where the parser does not know the encoding.

    Raises:
        UnicodeDecodeError: the file is not in the given encoding, in the one it declares, or in UTF-8.
        LookupError: it declares an unknown encoding.
    """
    declared = DECLARED.match(data)
    name = encoding or (declared[1].decode("ascii") if declared else "utf-8")
    name = codecs.lookup("gb18030" if name.lower() in ("gb2312", "gbk") else name).name  # gb18030 contains both
    if encoding is None and (name in BY_EXPAT or data[:2] in (b"\xff\xfe", b"\xfe\xff")):
        if name == "utf-8" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            data.decode("utf-8")
        return data
    text = data.decode(name)
    return text[text.index("?>") + 2 :] if declared else text


def find_image(path, named, listing):
    """The image file: as listed, by its id with any suffix, or as named in the XML file; a guess if none exists."""
    if os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES:
        if path in listing:
            return path
        return listing.same_stem(path) or path
    for suffix in IMAGE_SUFFIXES:
        for candidate in (path + suffix, path + suffix.upper()):
            if candidate in listing:
                return candidate
    candidate = os.path.join(os.path.dirname(path), os.path.basename(named.replace("\\", "/")))
    return candidate if named and candidate in listing else path + ".jpg"


def read_objects(tree, image, path, issues):
    """The objects of one XML file: `name`, `corners` as written, `difficult`, `image`, `place` (list[dict])."""
    found = []
    for number, item in enumerate(tree.findall("object")):
        name = read_name(item.findtext("name"), f"object[{number}]", issues, path) or ""
        place = f"object[{number}]" + (f" ({name})" if name else "")
        texts = [item.findtext(f"bndbox/{key}") for key in CORNERS]
        missing = [f"bndbox/{key}" for key, text in zip(CORNERS, texts) if not (text or "").strip()]
        missing += [] if name else ["name"]
        if missing:
            issues.error("D113", f"has no {' and no '.join(missing)}", place, file=path, image=image)
            continue
        keys = ("name", "bndbox", "difficult", *(f"bndbox/{key}" for key in CORNERS))
        if twice := [key for key in keys if len(item.findall(key)) > 1]:
            issues.error("D115", f"has {' and '.join(twice)} more than once", place, file=path, image=image)
            continue
        try:
            corners = [float(text) if "_" not in text else float("") for text in texts]
        except ValueError:
            issues.error("D113", "a coordinate is not a number", place, ", ".join(texts), file=path, image=image)
            continue
        difficult = read_flag(item.findtext("difficult", "0"))
        if difficult is None:
            value = item.findtext("difficult").strip()[:80]
            issues.warn("D113", "'difficult' is neither 0 nor 1, assumed 0", place, value, "write 0 or 1", path)
        found.append({"name": name, "corners": corners, "difficult": bool(difficult), "image": image, "place": place})
    return found
