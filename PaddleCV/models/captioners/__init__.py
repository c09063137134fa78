"""Networks that write a sentence about a video."""
