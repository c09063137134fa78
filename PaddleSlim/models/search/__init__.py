"""Search spaces of network architectures."""
