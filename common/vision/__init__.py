"""Images: decoding, geometric and color augmentation, mixing, writing of annotated images."""
