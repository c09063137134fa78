"""Writes a trained model as a static program, and proves that it answers as the trained one."""
