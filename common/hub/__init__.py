"""Modules: exported models with a card, packed, installed, run in one line, fine-tuned and served."""

from common.hub.module import Module as Module
from common.system.trial import report_final_result as report_final_result
