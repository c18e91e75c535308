"""Events of a session as steps of a story: what was asked, and what was answered.

A step is begun by what the visitor did and completed by the event that says what came of it. What says more about the
same (a web request that turns out to be a login) takes the place of what was said before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ...evidence.documents import Document, moment_of, number_at, text_at, value_at
from ..narrative import WORKLIST, Facts, printable, size
from .cells import many
from .model import Step

MAX_PENDING = 512
"""Steps that wait for their answer, of one session."""
_LEVELS = {"PATIENT": "patients", "STUDY": "studies", "SERIES": "series", "IMAGE": "images"}
_REASONS = {
    (1, 1): "no reason given",
    (1, 2): "application context not supported",
    (1, 3): "calling AE title not recognised",
    (1, 7): "called AE title not recognised",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""By source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

Key = tuple[str, str, int]


class Said(NamedTuple):
    """What an event adds."""

    kind: str
    """Steps of one kind, one after the other, are told together."""
    text: str
    answer: str = ""
    key: Key | None = None
    """By which the event that answers is known."""
    alarming: bool = False


@dataclass
class Told:
    """A step, and its kind; either may change while its answer is to come."""

    kind: str
    step: Step


class Steps:
    """Makes steps of events, given in order."""

    def __init__(self) -> None:
        self._pending: dict[Key, Told] = {}

    def add(self, event: Document) -> Told | None:
        """A new step; None if the event is none or belongs to a step that was given."""
        action = text_at(event, "event.action")
        ends = _ENDS.get(action)
        if ends is not None:
            key, answer = ends(event, Facts(event))
            answered = self._pending.pop(key, None)
            if answered is not None:
                step = answered.step
                step.answer = f"{step.answer}, {answer}" if step.answer else answer
            return None
        tell = _TELLERS.get(action)
        if tell is None:
            return None
        said = tell(event, Facts(event))
        if said.key is not None and said.key[0] == "about":
            waiting = self._pending.get(("http", said.key[1], said.key[2]))
            waiting = waiting or self._latest(said.key[1])
            if waiting is not None and not said.alarming:
                waiting.kind, waiting.step.text, waiting.step.answer = said.kind, said.text, said.answer
                return None
        step = Step(moment=moment_of(event), text=said.text, answer=said.answer, alarming=said.alarming)
        told = Told(said.kind, step)
        if said.key is not None and said.key[0] != "about":
            self._pending[said.key] = told
            if len(self._pending) > MAX_PENDING:
                del self._pending[next(iter(self._pending))]
        return told

    def _latest(self, connection: str) -> Told | None:
        """The last request of a connection that waits for its answer."""
        found = [key for key in self._pending if key[:2] == ("http", connection)]
        return self._pending[max(found, key=lambda key: key[2])] if found else None


def _connection(event: Document) -> str:
    return text_at(event, "honeypot.connection")


def _dimse(event: Document) -> Key:
    return "dimse", _connection(event), number_at(event, "dicom.command.message_id")


def _http(event: Document) -> Key:
    return "http", _connection(event), number_at(event, "honeypot.web.request")


def _about(event: Document) -> Key:
    return "about", _connection(event), number_at(event, "honeypot.web.request")


def _asked_for(facts: Facts) -> str:
    client = facts.after(" with ", "dicom.implementation.version")
    secret = "".join(
        f", {name} {facts[path]}"
        for name, path in (
            ("user", "honeypot.credential.username"),
            ("password", "honeypot.credential.password"),
            ("password (SHA-256)", "honeypot.credential.password_sha256"),
        )
        if facts.raw(path) is not None
    )
    return f"It asked for an association{_called(facts)}{client}{secret}."


def _called(facts: Facts) -> str:
    """What it called itself and us, as far as that is on record."""
    said = [
        f"{whom} {facts[path] or '(blank)'}"
        for whom, path in (("itself", "dicom.ae.calling"), ("us", "dicom.ae.called"))
        if facts.raw(path) is not None
    ]
    return f", calling {' and '.join(said)}" if said else ""


def _status(facts: Facts) -> str:
    return facts.after("status ", "dicom.status")


def _and_status(facts: Facts) -> str:
    return f" ({_status(facts)})" if _status(facts) else ""


def _association(event: Document, facts: Facts) -> Said:
    contexts = facts.raw("dicom.contexts")
    contexts = contexts if isinstance(contexts, list) else []
    accepted = sum(isinstance(one, dict) and one.get("result") == "accepted" for one in contexts)
    services = f", {accepted} of {len(contexts)} services" if contexts else ""
    return Said("association", _asked_for(facts), f"accepted{services}")


def _rejected(event: Document, facts: Facts) -> Said:
    if facts.raw("dicom.reject.result") is None:
        return Said("rejected", _asked_for(facts), f"no answer{facts.after(': ', 'dicom.reject.cause')}")
    why = _REASONS.get((number_at(event, "dicom.reject.source"), number_at(event, "dicom.reject.reason")))
    return Said("rejected", _asked_for(facts), f"rejected: {why or facts['dicom.reject.reason']}")


def _what(facts: Facts) -> str:
    if facts.raw("dicom.context.abstract_syntax") == WORKLIST:
        return "the worklist"
    level = str(facts.raw("dicom.query.level") or "").upper()
    return _LEVELS.get(level, facts.after("level ", "dicom.query.level") or "something")


def _with(facts: Facts) -> str:
    return f" with {facts.keys}" if facts.keys else ""


def _find(event: Document, facts: Facts) -> Said:
    return Said("find", f"It searched for {_what(facts)} (C-FIND){_with(facts)}.", "", _dimse(event))


def _get(event: Document, facts: Facts) -> Said:
    return Said("get", f"It fetched {_what(facts)} (C-GET){_with(facts)}.", "", _dimse(event))


def _move(event: Document, facts: Facts) -> Said:
    to = facts["dicom.move.destination"]
    return Said("move", f"It told us to send {_what(facts)} to {to} (C-MOVE){_with(facts)}.", "", _dimse(event))


def _echo(event: Document, facts: Facts) -> Said:
    return Said("echo", "It asked whether the archive answers (C-ECHO).", _status(facts))


def _store(event: Document, facts: Facts) -> Said:
    got = number_at(event, "dicom.dataset.bytes")
    extent = f" of {size(got)}" if got else ""
    text = f"It left an object{extent} (C-STORE){facts.after(', ', 'dicom.sop.instance_uid')}."
    return Said("store", text, _status(facts), alarming=True)


def _command(event: Document, facts: Facts) -> Said:
    name = facts.after("", "dicom.command.name") or facts["event.action"].removeprefix("dicom.").upper()
    return Said("command", f"It sent {name}.", _status(facts))


def _unknown(event: Document, facts: Facts) -> Said:
    line = facts.after(": ", "honeypot.first_line")
    return Said("protocol", f"It spoke {facts['honeypot.protocol']}, which isn't what the door speaks{line}.")


def _violation(event: Document, facts: Facts) -> Said:
    detail = facts.after(": ", "dicom.violation.detail")
    return Said("violation", f"It broke the protocol ({facts['dicom.violation.quirk']}){detail}.")


def _malformed(event: Document, facts: Facts) -> Said:
    return Said(
        "violation",
        f"It sent a malformed request ({facts['honeypot.web.fault']}).",
        facts.after("status ", "http.response.status_code"),
    )


def _handshake(event: Document, facts: Facts) -> Said:
    return Said("tls", f"It shook hands with TLS{facts.after(' for ', 'tls.client.server_name')}.", _failed(facts))


def _failed(facts: Facts) -> str:
    return facts.after("failed: ", "event.reason")


def _request(event: Document, facts: Facts) -> Said:
    body = number_at(event, "http.request.body.bytes")
    text = (
        f"It requested {facts['http.request.method']} {facts['url.original']}{f' with {size(body)}' if body else ''}."
    )
    return Said("request", text, "", _http(event))


def _login(event: Document, facts: Facts) -> Said:
    word = facts.after(" and ", "honeypot.credential.password") or facts.after(
        " and a password with the SHA-256 ", "honeypot.credential.password_sha256"
    )
    let_in = text_at(event, "event.outcome") == "success"
    text = f"It tried to sign in{facts.after(' as ', 'honeypot.credential.username')}{word}."
    return Said("login", text, "let in" if let_in else "refused", _about(event), let_in)


def _asked(event: Document, facts: Facts) -> Said:
    known = value_at(event, "dicom.query.matches") is not None
    matches = many(number_at(event, "dicom.query.matches"), "match", "matches") if known else ""
    text = f"It searched for {_what(facts)} on the web ({facts['honeypot.web.face']}){_with(facts)}."
    return Said("web query", text, matches, _about(event))


def _retrieved(event: Document, facts: Facts) -> Said:
    study = facts.after(" of study ", "dicom.study.instance_uid")
    text = f"It fetched {facts['honeypot.web.what']}{study} on the web ({facts['honeypot.web.face']})."
    return Said("web retrieve", text, facts.after("", "event.outcome"), _about(event))


def _uploaded(event: Document, facts: Facts) -> Said:
    name = facts.after("", "file.name") or facts["dicom.sop.instance_uid"]
    text = f"It uploaded {name}, {size(number_at(event, 'file.size'))} ({facts['honeypot.web.face']})."
    return Said("web store", text, facts.after("", "event.outcome"), _about(event), True)


def _changed(event: Document, facts: Facts) -> Said:
    text = (
        f"It called {facts['honeypot.web.call']}{facts.after(' on ', 'honeypot.web.target')}"
        f"{facts.after(': ', 'honeypot.web.detail')}."
    )
    return Said("web change", text, facts.after("", "event.outcome"), _about(event), True)


def _browser(event: Document, facts: Facts) -> Said:
    signs = value_at(event, "honeypot.browser.automation")
    return Said("browser", "Its browser told of itself" + (" and seems to be a machine's." if signs else "."))


def _lure(what: str) -> Callable[[Document, Facts], Said]:
    def tell(event: Document, facts: Facts) -> Said:
        detail = facts.after(": ", "honeypot.lure.detail")
        text = f"{what} ({facts['honeypot.lure.kind']} {facts['honeypot.lure.id']}){detail}."
        return Said("lure", text, alarming=True)

    return tell


def _captured(event: Document, facts: Facts) -> Said:
    digest = printable(text_at(event, "file.hash.sha256")[:16])
    return Said("capture", f"A file of {size(number_at(event, 'file.size'))} was captured (SHA-256 {digest}...).")


_TELLERS: dict[str, Callable[[Document, Facts], Said]] = {
    "dicom.association": _association,
    "dicom.association.reject": _rejected,
    "dicom.c-echo": _echo,
    "dicom.c-find": _find,
    "dicom.c-get": _get,
    "dicom.c-move": _move,
    "dicom.c-store": _store,
    "dicom.n-command": _command,
    "dicom.n-create": _command,
    "dicom.n-set": _command,
    "dicom.n-action": _command,
    "dicom.violation": _violation,
    "protocol.unknown": _unknown,
    "tls.handshake": _handshake,
    "http.request": _request,
    "http.malformed": _malformed,
    "http.login": _login,
    "web.query": _asked,
    "web.retrieve": _retrieved,
    "web.store": _uploaded,
    "web.change": _changed,
    "web.browser": _browser,
    "lure.taken": _lure("It took bait"),
    "lure.hit": _lure("Bait that it had taken was opened elsewhere"),
    "lure.reused": _lure("It came with something that had been handed to somebody else"),
    "file.captured": _captured,
}


def _found(event: Document, facts: Facts) -> tuple[Key, str]:
    matches = many(number_at(event, "dicom.query.matches"), "match", "matches")
    return _dimse(event), f"{matches}{_and_status(facts)}"


def _sent(event: Document, facts: Facts) -> tuple[Key, str]:
    done = number_at(event, "dicom.suboperations.completed")
    extent = size(number_at(event, "dicom.dataset.bytes"))
    objects = f"{done} object{'' if done == 1 else 's'}"
    return _dimse(event), f"{objects} sent, {extent}{_and_status(facts)}"


def _moved(event: Document, facts: Facts) -> tuple[Key, str]:
    done = number_at(event, "dicom.suboperations.completed")
    return _dimse(event), f"{done} pretended to be sent{_and_status(facts)}"


def _responded(event: Document, facts: Facts) -> tuple[Key, str]:
    sent = size(number_at(event, "http.response.body.bytes"))
    return _http(event), f"status {facts['http.response.status_code']} with {sent}{facts.after(', ', 'event.reason')}"


_ENDS: dict[str, Callable[[Document, Facts], tuple[Key, str]]] = {
    "dicom.c-find.end": _found,
    "dicom.c-get.end": _sent,
    "dicom.c-move.end": _moved,
    "http.response": _responded,
}
