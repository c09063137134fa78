"""Networks that find when something happens in a video."""
