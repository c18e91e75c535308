"""How the product that we pretend to be behaves, as data."""
