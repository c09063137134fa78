"""8-bit quantization."""
