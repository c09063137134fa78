"""How features meet: products, crosses, attention, graphs."""
