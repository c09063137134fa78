"""Recognizers of text in images: an encoder of columns, and decoders that spell."""
