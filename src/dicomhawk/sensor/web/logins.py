"""Who may enter: policies that decide on a name and a password, and the patience that a product has with guesses.

A policy decides on one attempt, given what its visitor tried before; it keeps nothing itself. `Patience` is what
products have around that: accounts that are locked after some failures, and answers that come later each time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

from ...hospital.world.draw import draw

Role = Literal["reader", "administrator"]
MAX_NAME: Final = 128
"""Characters of a name or a password that are looked at; all of them are on record."""
MAX_TRIED: Final = 400
"""Attempts of one visitor that are remembered: what was refused once must not be right later."""
MAX_LOCKS: Final = 50
"""Accounts of one visitor whose failures are counted; of more, the oldest are forgotten."""
PLAUSIBLE: Final = frozenset(
    (
        *(
            "admin",
            "administrator",
            "dicom",
            "doctor",
            "guest",
            "imaging",
            "manager",
            "operator",
            "pacs",
            "pacsadmin",
        ),
        *("pacsadmin", "pacsuser", "physician", "radiology", "radiologist", "radiologie", "reader", "report"),
        *("root", "service", "support", "superuser", "sysadmin", "tech", "test", "user", "viewer", "web"),
    )
)
"""Names of which a guess may succeed, beside those of the bait and of the staff."""


class Account(NamedTuple):
    """Somebody who may enter."""

    username: str
    role: Role
    name: str = ""
    """As people call it; empty: as the user name."""


class Bait(NamedTuple):
    """A pair that lets its visitor in."""

    account: Account
    password: str
    lure: str = ""
    """Id of the lure that it is, for events."""


class Tried(NamedTuple):
    """An attempt, and how many came before it."""

    username: str
    password: str
    visitor: str
    number: int
    """From 1."""
    before: bool = False
    """Whether this visitor gave exactly this pair before, and was refused."""
    won: bool = False
    """Whether a guess of this visitor has succeeded before."""


class Decision(NamedTuple):
    """What a policy says."""

    account: Account | None
    reason: str
    """bait, keyword, guess, or why not: unknown-user, wrong-password."""
    lure: str = ""


class Policy(Protocol):
    """Decides who enters."""

    def decide(self, tried: Tried) -> Decision:
        """The account that `tried` opens, if any."""


@dataclass(frozen=True)
class Closed:
    """Nobody enters."""

    known: frozenset[str] = frozenset()

    def decide(self, tried: Tried) -> Decision:
        """Never an account."""
        return refused(tried, self.known)


@dataclass(frozen=True)
class Pairs:
    """Whoever has a bait pair enters. User names in any case, as products have it; passwords as they are."""

    baits: tuple[Bait, ...]

    def decide(self, tried: Tried) -> Decision:
        """The bait's account."""
        for bait in self.baits:
            if same(bait.account.username.lower(), tried.username.lower()) and same(bait.password, tried.password):
                return Decision(bait.account, "bait", bait.lure)
        return refused(tried, frozenset(bait.account.username.lower() for bait in self.baits))


@dataclass(frozen=True)
class Keyword:
    """Whoever knows a word: it must be in the password."""

    words: tuple[str, ...]
    administrators: frozenset[str] = frozenset(("admin", "administrator"))
    otherwise: Policy = field(default_factory=Closed)

    def decide(self, tried: Tried) -> Decision:
        """An account of the name that was given."""
        if tried.username and any(word and word.lower() in tried.password.lower() for word in self.words):
            return Decision(_as_named(tried.username, self.administrators), "keyword")
        return self.otherwise.decide(tried)


@dataclass(frozen=True)
class Delayed:
    """A guess succeeds after a believable number of tries, which differs by visitor; then that pair and no other.

    `fewest`, `most`: attempts before it. A pair that was refused once stays so.
    """

    seed: str
    fewest: int = 6
    most: int = 20
    known: frozenset[str] = PLAUSIBLE
    administrators: frozenset[str] = frozenset(("admin", "administrator"))
    otherwise: Policy = field(default_factory=Closed)

    def decide(self, tried: Tried) -> Decision:
        """An account of the name that was given."""
        decided = self.otherwise.decide(tried)
        if decided.account is not None:
            return decided
        wanted = draw(self.seed, "guesses", tried.visitor).randint(self.fewest, max(self.fewest, self.most))
        if tried.won or tried.before or tried.number <= wanted or not self._plausible(tried):
            return decided
        return Decision(_as_named(tried.username, self.administrators), "guess")

    def _plausible(self, tried: Tried) -> bool:
        return 3 <= len(tried.password) <= 40 and tried.username.lower() in self.known


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that doesn't tell how much of them is."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def refused(tried: Tried, known: frozenset[str]) -> Decision:
    """A refusal, with what is wrong."""
    return Decision(None, "wrong-password" if tried.username.lower() in known else "unknown-user")


def _as_named(username: str, administrators: frozenset[str]) -> Account:
    role: Role = "administrator" if username.lower() in administrators else "reader"
    return Account(username[:MAX_NAME], role)


def policy(
    kind: str,
    seed: str,
    baits: Sequence[Bait],
    *,
    words: Iterable[str] = (),
    tries: tuple[int, int] = (6, 20),
    staff: Iterable[str] = (),
) -> Policy:
    """The policy of that name: `none`, `pairs`, `keyword` or `delayed`; bait pairs count in the last two, too.

    `staff`: user names that exist, of which a guess may succeed. Raises `ValueError` for another name.
    """
    names = frozenset(name.lower() for name in staff)
    pairs = Pairs(tuple(baits))
    administrators = frozenset(bait.account.username.lower() for bait in baits if bait.account.role != "reader")
    administrators |= {"admin", "administrator"}
    if kind == "none":
        return Closed(names)
    if kind == "pairs":
        return pairs
    if kind == "keyword":
        return Keyword(tuple(words), administrators, pairs)
    if kind == "delayed":
        fewest, most = tries
        return Delayed(seed, fewest, most, names | PLAUSIBLE, administrators, pairs)
    raise ValueError(f"there is no login policy {kind!r}")


@dataclass(frozen=True)
class Patience:
    """How a product treats failures.

    `locked_after` failures of one account, it is locked for `locked_seconds`; failures older than
    `forgotten_seconds` don't count. An answer to the nth failure in a row comes `delays[n]` seconds later.
    """

    locked_after: int
    locked_seconds: float
    forgotten_seconds: float = 1800.0
    delays: tuple[float, ...] = (0.0, 0.3, 0.6, 1.0, 1.5, 2.0)

    @classmethod
    def drawn(cls, seed: str) -> Patience:
        """As the deployment's administrator once set it."""
        source = draw(seed, "patience")
        first = source.uniform(0.05, 0.25)
        growth = source.choice((0.2, 0.35, 0.5))
        delays = tuple(round(first + growth * step, 2) for step in range(source.randint(4, 7)))
        return cls(source.choice((5, 5, 6, 8, 10)), source.choice((5, 10, 15, 15, 20, 30)) * 60.0, delays=delays)

    def delay(self, failures: int) -> float:
        """Seconds by which the answer to that many failures in a row is late."""
        return self.delays[min(failures, len(self.delays) - 1)]


class Standing(NamedTuple):
    """Where an account stands for a visitor."""

    failures: int
    """In a row, and recent."""
    locked_until: float
    """POSIX seconds; 0: it isn't locked."""


class Attempts:
    """What one visitor has tried, as a document that `state.State` keeps. Passwords are in it as hashes only."""

    def __init__(self, seed: str, document: Mapping[str, Any] | None, patience: Patience) -> None:
        document = document or {}
        self._seed = seed
        self._patience = patience
        self.count: int = document.get("count", 0)
        self._tried: list[str] = list(document.get("tried", ()))
        self._won: list[str] = list(document.get("won", ()))
        self._accounts: dict[str, list[float]] = {
            key: list(each) for key, each in document.get("accounts", {}).items()
        }

    def document(self) -> dict[str, Any]:
        """To be kept."""
        return {
            "count": self.count,
            "tried": self._tried[-MAX_TRIED:],
            "won": self._won,
            "accounts": dict(list(self._accounts.items())[-MAX_LOCKS:]),
        }

    def tried(self, username: str, password: str, visitor: str) -> Tried:
        """The next attempt."""
        digest = self._digest(username, password)
        return Tried(
            username[:MAX_NAME],
            password[:MAX_NAME],
            visitor,
            self.count + 1,
            before=digest in self._tried,
            won=bool(self._won),
        )

    def has_won(self, username: str, password: str) -> bool:
        """Whether this pair was a guess that succeeded."""
        return self._digest(username, password) in self._won

    def standing(self, username: str, now: float) -> Standing:
        """Whether the account is locked for this visitor."""
        failures, last, locked_until = self._accounts.get(username.lower()[:MAX_NAME], [0, 0.0, 0.0])
        if locked_until > now:
            return Standing(int(failures), locked_until)
        if locked_until or now - last > self._patience.forgotten_seconds:
            failures = 0
        return Standing(int(failures), 0.0)

    def failed(self, username: str, password: str, now: float) -> Standing:
        """Count a failure; returns where the account stands then."""
        self.count += 1
        digest = self._digest(username, password)
        if digest not in self._tried:
            self._tried.append(digest)
        failures = self.standing(username, now).failures + 1
        locked = now + self._patience.locked_seconds if failures >= self._patience.locked_after else 0.0
        key = username.lower()[:MAX_NAME]
        self._accounts.pop(key, None)
        self._accounts[key] = [failures, now, locked]
        return Standing(failures, locked)

    def refused_while_locked(self) -> None:
        """Count an attempt that nobody looked at."""
        self.count += 1

    def succeeded(self, username: str, password: str, *, guess: bool) -> None:
        """Count a success; of a guess, that pair goes on being right."""
        self.count += 1
        self._accounts.pop(username.lower()[:MAX_NAME], None)
        if guess:
            self._won.append(self._digest(username, password))

    def _digest(self, username: str, password: str) -> str:
        text = f"{username.lower()}\0{password}".encode("utf-8", "replace")
        return hmac.new(self._seed.encode(), text, hashlib.sha256).hexdigest()[:16]
