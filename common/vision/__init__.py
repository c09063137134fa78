"""Images: decoding, geometry, color, mixing, drawing."""
