"""Complete models: an encoder, a head and a loss."""
