"""Which program asks for an association: the DICOM client fingerprint, and the clients that are known by it.

docs/clients.md says what goes into the fingerprint and lists the table.
"""

from .fingerprint import canonical, fingerprint
from .known import Client, Clients, Identified, load

__all__ = ["Client", "Clients", "Identified", "canonical", "fingerprint", "load"]
