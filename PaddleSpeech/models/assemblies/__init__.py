"""Complete models: an encoder, a head, a loss and a decoder."""
