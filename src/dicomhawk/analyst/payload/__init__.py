"""Captured objects, looked at without being run: what they truly are, what is hidden in them, whose they claim to be.

What a stranger sent is read in a process of its own that can open nothing and reach nobody (`sandbox`); what that
process says is believed only as far as its form goes (`model`).
"""

from .examiner import Examiner as Examiner
from .model import VERSION as VERSION
from .pending import examine_pending as examine_pending
