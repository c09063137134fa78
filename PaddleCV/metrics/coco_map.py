"""COCO average precision and average recall (https://cocodataset.org/#detection-eval).

Computed by faster-coco-eval, which gives the same results as pycocotools.
"""

import numpy as np

from .confusion import confusion_matrix
from .detections import DetectionMetric, annotated_boxes
from .voc_map import count_boxes, score_of_best_f1, scored_detections

STATS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
STATS += ("AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large")
ALL_AREAS, MAX_BOXES, IOU_50 = 0, -1, 0  # indices into the axes of the COCO table


class CocoMap(DetectionMetric):
    """The twelve COCO metrics over the evaluated images; -1 if there is no box of a size.

    Args:
        dataset (object): a detection dataset with `annotations()`, `category_ids` and `labels`.
        primary (str): the metric that selects the best checkpoint, such as AP or AP50.
    """

    undefined, undefined_text = -1.0, "the data have no such boxes"

    def __init__(self, dataset, primary="AP"):
        if primary not in STATS:
            raise ValueError(f"primary is {primary!r}; it must be one of {', '.join(STATS)}")
        super().__init__(dataset)
        self.labels, self.primary, self.evaluation = list(dataset.labels), primary, None

    def reset(self):
        """Resets the detections."""
        super().reset()
        self.evaluation = None

    def update(self, outputs, batch):
        """Adds the predictions of a batch, see :meth:`Detections.add`."""
        super().update(outputs, batch)
        self.evaluation = None

    def merge(self, states):
        """Replaces the detections by the union over all processes."""
        super().merge(states)
        self.evaluation = None

    def results(self):
        """The detections in the COCO result format: list of `image_id`, `category_id`, `bbox` (x, y, w, h), `score`."""
        categories = self.dataset.category_ids
        return [
            {
                "image_id": int(image_id),
                "category_id": categories[int(label)],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": score,
            }
            for image_id, label, score, x1, y1, x2, y2 in self.detections.table(len(categories)).tolist()
        ]

    def compute(self):
        """The twelve metrics by name."""
        return dict(zip(STATS, map(float, self._evaluate().stats)))

    def per_class(self):
        """Number of boxes, AP50 and AP of every class by name; -1 for the AP of a class without boxes."""
        boxes = count_boxes(self._truth(), self.dataset.labels)
        precision = self._evaluate().eval["precision"]  # [IoU, recall, class, area, maximum boxes]
        found = {}
        for k, name in enumerate(self._in_order_of_ids()):
            table = precision[:, :, k, ALL_AREAS, MAX_BOXES]
            found[name] = {"boxes": boxes[name], "AP50": mean_of_known(table[IOU_50]), "AP": mean_of_known(table)}
        return {name: found[name] for name in self.dataset.labels}

    def curves(self):
        """The precision-recall curve of each class with boxes at IoU 0.5: recall and precision, [101] each."""
        evaluation = self._evaluate()
        precision = evaluation.eval["precision"][IOU_50, :, :, ALL_AREAS, MAX_BOXES]
        recall = np.asarray(evaluation.params.recThrs)
        return {
            name: (recall, precision[:, k])
            for k, name in enumerate(self._in_order_of_ids())
            if (precision[:, k] >= 0).any()
        }

    def scored(self):
        """The detections of each class by score at IoU 0.5, see :func:`scored_detections`."""
        labels = self.dataset.labels
        return scored_detections(self.detections.table(len(labels)), self._truth(), labels)

    def confusion(self):
        """The confusion matrix at IoU 0.5 and the score threshold of maximum F1, see :func:`confusion_matrix`."""
        count, score = len(self.dataset.labels), score_of_best_f1(self.scored())
        self.confusion_at = f"score {score:g}, IoU 0.5"
        return confusion_matrix(self.detections.table(count), self._truth(), count, score)

    def _truth(self):
        return annotated_boxes(self.dataset, self.detections.seen, with_difficult=True)

    def _in_order_of_ids(self):
        """Class names by ascending category id, the order of the COCO table."""
        return [name for _, name in sorted(zip(self.dataset.category_ids, self.dataset.labels))]

    def _evaluate(self):
        if self.evaluation is None:
            self.evaluation = evaluate_coco(self.dataset, self.results(), self.detections.seen, "bbox")
        return self.evaluation


def evaluate_coco(dataset, results, seen, kind, sigmas=None):
    """The evaluation of results in COCO's format over the images `seen` (COCOeval_faster).

    Args:
        dataset (object): with `annotations()`.
        results (list[dict]): one or more.
        seen (set[int]): ids of the evaluated images.
        kind (str): `bbox`, `segm` or `keypoints`.
        sigmas (list[float] | None): of keypoints, those of COCO when None.
    """
    from faster_coco_eval import COCO, COCOeval_faster  # imports OpenCV: not needed to read a configuration

    truth = COCO(dataset.annotations())
    if kind == "segm":  # beside a box, the area would be that of the box
        results = [{key: value for key, value in result.items() if key != "bbox"} for result in results]
    evaluation = COCOeval_faster(truth, truth.loadRes(results), kind, kpt_oks_sigmas=sigmas)
    evaluation.params.imgIds = sorted(seen)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def mean_of_known(values):
    """The mean of the values that are not -1; -1 without such values."""
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0
