"""Devices, distributed processes, signals, random number generator states and facts about the host."""
