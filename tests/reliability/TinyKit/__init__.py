"""A kit of one small model that uses everything a resumed run must restore."""
