"""Feature interactions: products, crosses, attention, session graphs."""
