"""Modules: exported models with a card, packed, installed, run in one line, fine-tuned and served."""

from common.hub import dataset as dataset
from common.hub import reader as reader
from common.hub.create import create_module as create_module
from common.hub.finetune.image_task import ImageClassifierTask as ImageClassifierTask
from common.hub.finetune.run_config import RunConfig as RunConfig
from common.hub.finetune.strategy import AdamWeightDecayStrategy as AdamWeightDecayStrategy
from common.hub.finetune.strategy import CombinedStrategy as CombinedStrategy
from common.hub.finetune.strategy import DefaultFinetuneStrategy as DefaultFinetuneStrategy
from common.hub.finetune.strategy import L2SPFinetuneStrategy as L2SPFinetuneStrategy
from common.hub.finetune.strategy import ULMFiTStrategy as ULMFiTStrategy
from common.hub.finetune.text_tasks import MultiLabelClassifierTask as MultiLabelClassifierTask
from common.hub.finetune.text_tasks import ReadingComprehensionTask as ReadingComprehensionTask
from common.hub.finetune.text_tasks import RegressionTask as RegressionTask
from common.hub.finetune.text_tasks import SequenceLabelTask as SequenceLabelTask
from common.hub.finetune.text_tasks import TextClassifierTask as TextClassifierTask
from common.hub.module import Module as Module
from common.system.trial import report_final_result as report_final_result
