"""Audio: decoding, acoustic features, augmentation, CTC labels, beam search, n-gram language models."""
