"""Writes a trained model as a static program, and proves that it predicts as the trained one."""
