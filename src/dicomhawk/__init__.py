"""DICOMHawk: a high-interaction honeypot that poses as a hospital's picture archive (PACS)."""

__version__ = "0.1.0"
