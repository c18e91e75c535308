"""The world behind the doors: people, devices, studies, images. Knows no network."""
