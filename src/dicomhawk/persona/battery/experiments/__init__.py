"""The experiments, by what they are about."""

from ..laboratory import Catalogue
from .association import catalogue as association
from .capacity import catalogue as capacity
from .commands import catalogue as commands
from .negotiation import catalogue as negotiation
from .normalized import catalogue as normalized
from .queries import catalogue as queries
from .retrievals import catalogue as retrievals
from .rhythm import catalogue as rhythm
from .storing import catalogue as storing
from .syntaxes import catalogue as syntaxes
from .timers import catalogue as timers
from .wrong_before import catalogue as wrong_before
from .wrong_on import catalogue as wrong_on

ALL = Catalogue()
# What any client could do comes first: some products don't survive the rest.
ALL.include((syntaxes, normalized, storing, queries, retrievals, rhythm, association, negotiation))
ALL.include((capacity, commands, wrong_on, wrong_before, timers))
