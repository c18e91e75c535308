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
ALL.include((association, negotiation, syntaxes, wrong_before, wrong_on, commands, normalized))
ALL.include((storing, queries, retrievals, rhythm, capacity, timers))
