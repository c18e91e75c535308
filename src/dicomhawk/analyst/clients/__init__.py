"""With what a session was made: the fingerprints that it shows, whose they are, and the tool in words."""

from __future__ import annotations

from .session import clients_of as clients_of
