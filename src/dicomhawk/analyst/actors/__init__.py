"""Who belongs together: sessions of one actor, across addresses and sensors."""

from __future__ import annotations

from .records import cluster as cluster
from .traits import traits_of as traits_of
