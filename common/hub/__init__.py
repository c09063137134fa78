"""Modules: exported models with a card, packed, installed, run, fine-tuned and served."""
