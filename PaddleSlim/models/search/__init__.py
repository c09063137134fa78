"""Networks found by trying."""
