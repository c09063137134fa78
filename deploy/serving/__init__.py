"""Serves exported models over HTTP; `tools/serve.py` starts it."""
