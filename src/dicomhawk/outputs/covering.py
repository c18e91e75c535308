"""What a bundle says of itself: the entries of the chain that vouch for it, and a letter to who gets it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..analyst.narrative import printable, size
from ..evidence import chain
from ..settings import Settings

if TYPE_CHECKING:
    from .bundle import Bundle

MAX_NAMED = 20
"""Names that a sentence has: the manifest has all."""


class Cover(NamedTuple):
    """The part of a chain that vouches for some segments."""

    path: Path
    first: int
    """Number of the line that the part begins with; behind the last one, there is nothing."""
    head: chain.Head
    uncovered: list[str]
    """Segments without an entry."""

    def lines(self) -> Iterator[bytes]:
        """From the first entry that is about one of the segments to the head."""
        if self.first:
            for number, line in enumerate(chain.read(self.path), 1):
                if self.first <= number <= self.head.entry:
                    yield line.data


class Facts(NamedTuple):
    """Of a bundle."""

    session: str
    address: str
    first: str
    last: str
    sensor: str
    password: str
    segments: bool


def of(settings: Settings, segments: Collection[str]) -> Cover:
    """What covers `segments` (their names in the chain)."""
    path = settings.evidence_dir / chain.NAME
    missing = set(segments)
    first = number = 0
    head = chain.BEFORE
    if path.exists():
        for number, line in enumerate(chain.read(path), 1):
            head = line.hash
            entry = line.entry
            if entry is not None and entry.kind == "sealed" and entry.segment in segments:
                first = first or number
                missing.discard(entry.segment)
    return Cover(path, first, chain.Head(number, head), sorted(missing))


def readme(facts: Facts, bundle: Bundle) -> str:
    """The letter, in plain words."""
    return _README.format(
        session=facts.session,
        address=printable(facts.address),
        first=facts.first,
        last=facts.last,
        sensor=f" on the sensor {printable(facts.sensor)}" if facts.sensor else "",
        events=bundle.events,
        contents="\n".join(_contents(facts, bundle)),
        missing="".join(f"\n{line}\n" for line in _missing(bundle)),
        head=bundle.head,
    )


def _contents(facts: Facts, bundle: Bundle) -> Iterator[str]:
    lines = {
        "session.txt": "what happened, in sentences; begin here",
        "events.ndjson": "the same as events, one JSON object (ECS) on each line, exactly as recorded",
        "transcripts.ndjson": "every byte of every connection, with its moment (bytes are in base 64)",
        "session.pcap": "the same as a packet capture; in Wireshark, have the port decoded as DICOM",
        "findings.json": "what was concluded: origin, tool, techniques, files, alerts",
        "files.zip": f"files that the visitor left, named by their SHA-256; password: {printable(facts.password)}",
        "proof/events.ndjson": "where in the journal each event is",
        "proof/chain.ndjson": "the entries of the chain of hashes that vouch for it",
        "proof/public.pem": "the key that their signatures are checked with",
        "manifest.json": "all files with their sizes and hashes, and what is missing",
        "SHA256SUMS": "the same hashes, as sha256sum takes them",
    }
    there = {member.name for member in bundle.members} | {"manifest.json", "SHA256SUMS"}
    for name, what in lines.items():
        if name in there:
            yield f"  {name:<20} {what}"
    if facts.segments:
        yield f"  {'proof/segments/':<20} the whole files that the session's events and bytes are in"


def _missing(bundle: Bundle) -> Iterator[str]:
    if bundle.missing_files:
        yield f"{len(bundle.missing_files)} captured files were not kept, or are gone; the events have their hashes."
    if bundle.missing_transcripts:
        yield f"The bytes of {len(bundle.missing_transcripts)} connections are gone: they were not kept so long."
    if bundle.missing_bytes:
        yield f"{size(bundle.missing_bytes)} of objects could not be had again and are zeros in session.pcap."
    if bundle.uncovered:
        named = ", ".join(bundle.uncovered[:MAX_NAMED])
        yield f"The chain has no entry yet of {named}: nothing vouches for what is in there. Ask for a later bundle."


_README = """\
Evidence of session {session}

This archive was made by DICOMHawk, a honeypot: a computer that poses as a hospital's picture archive (PACS) and
records what strangers do with it. It holds everything about one visitor's session{sensor}:

  visitor  {address}
  from     {first}
  to       {last}
  events   {events}

(Moments are in UTC.)


What is in it

{contents}
{missing}

What to be careful of

- files.zip has what a stranger left. It may be malware. Don't unpack it on a computer that matters, and don't open
  what is in it with a viewer for images. It is encrypted so that no scanner or mail server trips over it, not to
  keep a secret.
- session.txt has escaped what a stranger wrote. The other files have it as it came: don't show them in a terminal or
  on a web page without escaping them.
- The visitor's address is personal data in many countries. Patients, staff and studies are not: the honeypot made
  them up, or they come from public collections.
- In session.pcap, moments, addresses, ports and bytes are real; the TCP packets around them are made up.
- An address tells whose computer it was, not who sat there.


How to check it

That nothing in this archive was changed since it was made, in the folder that it was unpacked into:

  sha256sum -c SHA256SUMS

That the events are what was recorded: each line of proof/chain.ndjson is an entry about one file of the sensor's,
with its size and SHA-256, and has the SHA-256 of the line before it as "previous".

  tail -n 2 proof/chain.ndjson | head -n 1 | tr -d '\\n' | sha256sum

gives what the last line has as "previous". The last line's own SHA-256 is the head, see below. Its signature
(ed25519) is of the line without it:

  tail -n 1 proof/chain.ndjson | tr -d '\\n' | sed 's/,"signature":"[^"]*"}}$/}}/' > body
  tail -n 1 proof/chain.ndjson | sed 's/.*,"signature":"//; s/"}}$//' | base64 -d > signature
  openssl pkeyutl -verify -pubin -inkey proof/public.pem -rawin -in body -sigfile signature

The key proves something only if you have it from elsewhere, too. So does the head of the chain when this was made:

  {head}

Ask the operator where it was published. The files that the entries are about stay with the operator, as they have
other visitors' sessions in them (unless they are in proof/segments): have the operator run sha256sum on one, and cut
an event out of it by the offset and length in proof/events.ndjson:

  tail -c +$((OFFSET + 1)) FILE | head -c BYTES

What the chain doesn't prove: that the sensor wasn't in somebody else's hands while it recorded.
"""
