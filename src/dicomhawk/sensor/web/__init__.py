"""The web doors: an HTTP engine that behaves as the persona's product, and the sites that it serves."""
