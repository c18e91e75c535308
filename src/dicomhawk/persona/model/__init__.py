"""The persona model: how a product behaves on the wire, as validated data.

A persona is a TOML file (`library/*.toml`, or an operator's own). `load` reads one, and the model hands out
what the floors below need. Each module holds the model of one concern; every field is observable from outside,
which is what lets a recorder fill it in.
"""

from .library import check, load, parsed, shipped
from .persona import Persona

__all__ = ["Persona", "check", "load", "parsed", "shipped"]
