"""The speech kit."""
