"""Datasets for fine-tuning: those that people know by name, and the classes to derive their own from."""

from common.hub.dataset.base_cv_dataset import BaseCVDataset as BaseCVDataset
from common.hub.dataset.base_nlp_dataset import BaseNLPDataset as BaseNLPDataset
from common.hub.dataset.base_nlp_dataset import InputExample as InputExample
from common.hub.dataset.images import DogCat as DogCat
from common.hub.dataset.images import Flowers as Flowers
from common.hub.dataset.images import Food101 as Food101
from common.hub.dataset.images import Indoor67 as Indoor67
from common.hub.dataset.images import StanfordDogs as StanfordDogs
from common.hub.dataset.texts import BQ as BQ
from common.hub.dataset.texts import CMRC2018 as CMRC2018
from common.hub.dataset.texts import DRCD as DRCD
from common.hub.dataset.texts import GLUE as GLUE
from common.hub.dataset.texts import IFLYTEK as IFLYTEK
from common.hub.dataset.texts import LCQMC as LCQMC
from common.hub.dataset.texts import MSRA_NER as MSRA_NER
from common.hub.dataset.texts import NLPCC_DPQA as NLPCC_DPQA
from common.hub.dataset.texts import SQUAD as SQUAD
from common.hub.dataset.texts import THUCNEWS as THUCNEWS
from common.hub.dataset.texts import XNLI as XNLI
from common.hub.dataset.texts import ChnSentiCorp as ChnSentiCorp
from common.hub.dataset.texts import INews as INews
from common.hub.dataset.texts import TNews as TNews
from common.hub.dataset.texts import Toxic as Toxic
