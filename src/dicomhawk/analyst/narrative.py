"""Events as sentences, for people. What came from a stranger is shown so that it does nothing to a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..evidence.documents import Document as Event
from ..evidence.documents import value_at

MAX_VALUE = 64
"""Characters of one value that a line shows."""
MAX_KEYS = 12
"""Keys of a query that a line shows."""
WORKLIST = "1.2.840.10008.5.1.4.31"
_LEVEL = "00080052"
"""Query/Retrieve Level, which a sentence begins with."""


def printable(text: object, limit: int = MAX_VALUE) -> str:
    """`text` with everything escaped that isn't printable, and cut."""
    whole = str(text)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in whole[:limit])
    return shown + "..." if len(whole) > limit else shown


def sentence(event: Event) -> str:
    """What happened, without moment and address."""
    action = str(event["event"]["action"])
    tell = _SENTENCES.get(action)
    return printable(action) if tell is None else tell(Facts(event))


def line(event: Event) -> str:
    """A whole line: moment, visitor, session, what happened."""
    address = printable(event.get("source", {}).get("ip", "-"))
    return f"{event['@timestamp']} {address} {printable(event.get('session', '-'))} {sentence(event)}"


def size(number: int) -> str:
    """Bytes, as people say them."""
    amount = float(number)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def duration(ns: int) -> str:
    """Nanoseconds, as people say them."""
    if ns < 1_000_000:
        return f"{ns / 1000:.0f} us"
    if ns < 1_000_000_000:
        return f"{ns / 1_000_000:.1f} ms"
    return f"{ns / 1_000_000_000:.1f} s"


class Facts:
    """Values of an event by their dotted path, ready to be shown."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def raw(self, path: str) -> Any:
        return value_at(self._event, path)

    def __getitem__(self, path: str) -> str:
        value = self.raw(path)
        return "?" if value is None else printable(value)

    def after(self, prefix: str, path: str) -> str:
        """The value after `prefix`; nothing if there is none."""
        value = self.raw(path)
        return "" if value is None else prefix + printable(value)

    @property
    def took(self) -> str:
        ns = self.raw("event.duration")
        return "" if ns is None else f" after {duration(ns)}"

    @property
    def keys(self) -> str:
        """The keys of a query, by keyword where there is one."""
        from ..hospital.registry import keyword_for_tag

        shown = []
        keys = self.raw("dicom.query.keys")
        found = {path: value for path, value in keys.items() if path != _LEVEL} if isinstance(keys, dict) else {}
        for path, value in list(found.items())[:MAX_KEYS]:
            names = []
            for tag in path.split("."):
                try:
                    names.append(keyword_for_tag(int(tag, 16)) or tag)
                except ValueError:
                    names.append(printable(tag))
            shown.append(f"{'.'.join(names)}={printable(value)}")
        more = f" and {len(found) - MAX_KEYS} more" if len(found) > MAX_KEYS else ""
        return " ".join(shown) + more


def _association(facts: Facts) -> str:
    contexts = facts.raw("dicom.contexts") or []
    accepted = sum(context.get("result") == "accepted" for context in contexts)
    parts = [f"{facts['dicom.ae.calling']} -> {facts['dicom.ae.called']}"]
    parts.append(facts.after("", "dicom.implementation.version") or facts["dicom.implementation.class_uid"])
    if facts.raw("dicom.reject") is not None:
        if facts.raw("dicom.reject.result") is None:
            parts.append(f"left unanswered{facts.after(': ', 'dicom.reject.cause')}")
        else:
            reject = (facts[f"dicom.reject.{key}"] for key in ("result", "source", "reason"))
            parts.append(f"rejected with {'/'.join(reject)}")
    else:
        parts.append(f"{accepted} of {len(contexts)} contexts accepted")
    credential = facts.raw("honeypot.credential")
    if credential:
        parts.append(" ".join(f"{printable(key)}={printable(value)}" for key, value in credential.items()))
    unknown = facts.raw("dicom.unknown_items")
    if unknown:
        parts.append(f"{len(unknown)} unknown items")
    return "association " + ", ".join(parts)


def _query(name: str) -> Callable[[Facts], str]:
    def tell(facts: Facts) -> str:
        destination = facts.after(" to ", "dicom.move.destination")
        level = "worklist" if facts.raw("dicom.context.abstract_syntax") == WORKLIST else facts["dicom.query.level"]
        return f"{name} {level}{destination} {facts.keys}".rstrip()

    return tell


def _retrieved(name: str) -> Callable[[Facts], str]:
    def tell(facts: Facts) -> str:
        counts = [
            f"{facts.raw(f'dicom.suboperations.{key}')} {key}"
            for key in ("completed", "failed", "warning", "remaining")
            if facts.raw(f"dicom.suboperations.{key}")
        ]
        sent = facts.raw("dicom.dataset.bytes")
        extent = [*counts, *([size(sent)] if sent else [])]
        return f"{name} ended with {facts['dicom.status']}{facts.took}: {', '.join(extent) or 'nothing'}"

    return tell


def _error(facts: Facts) -> str:
    *_, last = ["?", *str(facts.raw("error.stack_trace") or "").strip().splitlines()]
    return f"error in the sensor: {printable(last)}"


def _store(facts: Facts) -> str:
    got = size(facts.raw("dicom.dataset.bytes") or 0)
    return f"C-STORE {facts['dicom.sop.instance_uid']} ({got}) answered {facts['dicom.status']}"


def _command(facts: Facts) -> str:
    name = facts.after("", "dicom.command.name") or facts["dicom.command.field"]
    return f"{name} {facts['dicom.sop.class_uid']} answered {facts['dicom.status']}"


def _step(name: str) -> Callable[[Facts], str]:
    def tell(facts: Facts) -> str:
        state = facts.after(" ", "dicom.step.status")
        return f"{name} of procedure step {facts['dicom.sop.instance_uid']}{state} answered {facts['dicom.status']}"

    return tell


def _report(facts: Facts) -> str:
    if not facts.raw("dicom.commitment.sent"):
        return "N-EVENT-REPORT not sent: the association ended before"
    kept, failed = (facts.raw(f"dicom.commitment.{key}") or 0 for key in ("committed", "failed"))
    answer = facts.after(" answered ", "dicom.status") or " not answered"
    return f"N-EVENT-REPORT by {facts['dicom.commitment.by']}: {kept} objects kept, {failed} not{answer}"


def _captured(facts: Facts) -> str:
    state = "kept" if facts.raw("honeypot.capture.new") else "known already"
    if facts.raw("file.name") is None:
        state = "not kept"
    part = "" if facts.raw("honeypot.capture.complete") else ", transfer broke off"
    return f"object {facts['file.hash.sha256'][:16]} ({size(facts.raw('file.size') or 0)}) {state}{part}"


def _closed(facts: Facts) -> str:
    got, sent = (size(facts.raw(f"{side}.bytes") or 0) for side in ("source", "destination"))
    return f"connection ended ({facts['event.reason']}){facts.took}: {got} in, {sent} out"


def _foreign(facts: Facts) -> str:
    expected = "HTTP" if facts.raw("network.protocol") == "http" else "DICOM"
    return f"not {expected} but {facts['honeypot.protocol']}{facts.after(': ', 'honeypot.first_line')}"


def _request(facts: Facts) -> str:
    body = facts.raw("http.request.body.bytes")
    client = facts.after(", ", "user_agent.original")
    return f"{facts['http.request.method']} {facts['url.original']}{f' ({size(body)})' if body else ''}{client}"


def _response(facts: Facts) -> str:
    sent = size(facts.raw("http.response.body.bytes") or 0)
    return f"answered {facts['http.response.status_code']} ({sent}){facts.took}{facts.after(': ', 'event.reason')}"


def _malformed(facts: Facts) -> str:
    answer = facts.after(", answered ", "http.response.status_code")
    served = ", served" if facts.raw("honeypot.web.served") else ""
    return f"malformed request: {facts['honeypot.web.fault']}{answer}{served}"


def _login(facts: Facts) -> str:
    who = facts.after(" of ", "honeypot.credential.username")
    word = facts.after(" with ", "honeypot.credential.password")
    return f"login ({facts['honeypot.login.scheme']}){who}{word}: {facts['event.outcome']}"


def _asked(facts: Facts) -> str:
    matches = facts.after(": ", "dicom.query.matches")
    level = facts.after(" ", "dicom.query.level")
    return f"{facts['honeypot.web.face']} query{level} {facts.keys}".rstrip() + (matches and f"{matches} matches")


def _lure(what: str) -> Callable[[Facts], str]:
    def tell(facts: Facts) -> str:
        minted = facts.after(", minted for session ", "honeypot.lure.session")
        return f"{what}: {facts['honeypot.lure.kind']} {facts['honeypot.lure.id']}{minted}"

    return tell


_SENTENCES: dict[str, Callable[[Facts], str]] = {
    "sensor.start": lambda f: f"sensor started: {', '.join(map(printable, f.raw('honeypot.doors') or []))}",
    "sensor.stop": lambda f: f"sensor ended: {f['event.reason']}",
    "sensor.error": _error,
    "worker.start": lambda f: f"worker {f['honeypot.worker']} answers",
    "worker.exit": lambda f: f"worker {f['honeypot.worker']} ended with {f['process.exit_code']}",
    "hospital.extend": lambda f: f.after("", "event.reason") or "further days of the hospital were made",
    "journal.gap": lambda f: f"{f['honeypot.lost.events']} events were lost: {f['event.reason']}",
    "session.start": lambda f: "session began",
    "session.end": lambda f: f"session ended after {f['honeypot.connections']} connections",
    "connection.open": lambda f: f"connection {f['source.port']} -> {f['destination.port']}",
    "connection.close": _closed,
    "protocol.unknown": _foreign,
    "dicom.association": _association,
    "dicom.association.reject": _association,
    "dicom.release": lambda f: "association released",
    "dicom.abort": lambda f: f"A-ABORT by {f['dicom.abort.by']}{f.after(', reason ', 'dicom.abort.reason')}",
    "dicom.violation": lambda f: f"violation {f['dicom.violation.quirk']}{f.after(': ', 'dicom.violation.detail')}",
    "dicom.c-echo": lambda f: f"C-ECHO answered {f['dicom.status']}",
    "dicom.c-find": _query("C-FIND"),
    "dicom.c-find.end": lambda f: (
        f"C-FIND ended with {f['dicom.status']}{f.took}: {f['dicom.query.matches']} matches"
    ),
    "dicom.c-get": _query("C-GET"),
    "dicom.c-get.end": _retrieved("C-GET"),
    "dicom.c-move": _query("C-MOVE"),
    "dicom.c-move.end": _retrieved("C-MOVE"),
    "dicom.c-store": _store,
    "dicom.c-cancel": lambda f: f"C-CANCEL of message {f['dicom.command.message_id']}",
    "dicom.n-command": _command,
    "dicom.n-create": _step("N-CREATE"),
    "dicom.n-set": _step("N-SET"),
    "dicom.n-action": lambda f: (
        f"N-ACTION: storage commitment of {f['dicom.commitment.references']} objects answered {f['dicom.status']}"
    ),
    "dicom.n-event-report": _report,
    "tls.handshake": lambda f: (
        f"TLS {f['tls.version']}{f.after(' for ', 'tls.client.server_name')}{f.after(', JA4 ', 'tls.client.ja4')}"
        f"{f.after(' failed: ', 'event.reason')}"
    ),
    "http.request": _request,
    "http.response": _response,
    "http.malformed": _malformed,
    "http.login": _login,
    "web.query": _asked,
    "web.retrieve": lambda f: (
        f"{f['honeypot.web.face']} sent {f['honeypot.web.what']}"
        f"{f.after(' of study ', 'dicom.study.instance_uid')}{f.after(': ', 'event.outcome')}"
    ),
    "web.store": lambda f: (
        f"{f['honeypot.web.face']} was sent {f.after('', 'file.name') or f['dicom.sop.instance_uid']}"
        f" ({size(f.raw('file.size') or 0)}){f.after(': ', 'event.outcome')}"
    ),
    "web.change": lambda f: (
        f"{f['honeypot.web.face']}: {f['honeypot.web.call']}{f.after(' of ', 'honeypot.web.target')}"
        f"{f.after(': ', 'honeypot.web.detail')}"
    ),
    "web.browser": lambda f: (
        f"browser told of itself{f.after(': ', 'honeypot.browser.facts')}"
        f"{f.after(', automated: ', 'honeypot.browser.automation')}"
    ),
    "lure.taken": _lure("lure taken"),
    "lure.reused": _lure("lure came back from elsewhere"),
    "lure.hit": lambda f: _lure(f"bait opened by {f['honeypot.lure.opener']}")(f),
    "file.captured": _captured,
    "evidence.head": lambda f: (
        f"chain of evidence: {f['honeypot.chain.entries']} entries, the last {f['honeypot.chain.head']}"
    ),
    "evidence.removed": lambda f: (
        f"{size(f.raw('honeypot.dropped.bytes') or 0)} of {f['honeypot.limited']}s removed ({f['event.reason']})"
    ),
    "evidence.failure": lambda f: f"the chain of evidence can't be continued: {f['event.reason']}",
    "vault.dropped": lambda f: f"{size(f.raw('honeypot.dropped.bytes') or 0)} of old transcripts removed",
    "vault.limit": lambda f: f"{f['honeypot.limited']} not kept: limit {f['honeypot.limit']}",
}
