"""The baselines of each task, the simplest first."""

from .baseline import MajorityClass
from .faces import FaceCascade
from .images import NearestCentroid, PixelNeighbor, PixelRegression
from .items import ItemKNN, ItemPopularity
from .keypoints import MeanPose
from .masked_words import UnigramFill
from .masks import FrequentClass, OtsuThreshold
from .running_texts import KneserNeyTrigram
from .tables import TableRegression, TableTrees
from .texts import FrequentTag, MajorityTag, TfidfRegression

BY_TASK = {
    "TextClassification": (MajorityClass, TfidfRegression),
    "SequenceLabeling": (MajorityTag, FrequentTag),
    "Embedding": (PixelNeighbor,),
    "ImageClassification": (MajorityClass, NearestCentroid, PixelRegression),
    "Ranking": (MajorityClass, TableRegression, TableTrees),
    "Retrieval": (ItemPopularity, ItemKNN),
    "SemanticSegmentation": (FrequentClass, OtsuThreshold),
    "Detection": (FaceCascade,),
    "KeypointDetection": (MeanPose,),
    "FillMask": (UnigramFill,),
    "TextGeneration": (KneserNeyTrigram,),
}
