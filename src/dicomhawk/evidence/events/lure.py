"""Lures: baits that nobody has a reason to touch."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind

Lure = Annotated[str, Field("honeypot.lure.id", "The lure, as the deployment declares it.")]
LureKind = Annotated[
    str, Field("honeypot.lure.kind", "credential, route, file, url, uid, patient, ae-title, document ...")
]
Token = Annotated[str | None, Field("honeypot.lure.token", "The token that was minted for whom it was shown to.")]
Minted = Annotated[
    str | None, Field("honeypot.lure.session", "Session that the token was minted for, which took the bait first.")
]
MintedFor = Annotated[str | None, Field("honeypot.lure.visitor", "Address of that session's visitor.")]
Via = Annotated[str | None, Field("honeypot.lure.via", "By what way: http, dns, c-find, login ...")]
Detail = Annotated[str | None, Field("honeypot.lure.detail", "What was asked, said or opened.")]


class LureTaken(Event, frozen=True, kw_only=True):
    """A lure was taken: a bait's route asked for, its credential used, its file fetched or opened."""

    kind: ClassVar[Kind] = Kind("lure.taken", ("intrusion_detection", "threat"), ("indicator", "access"), 90)
    lure: Lure
    lure_kind: LureKind
    token: Token = None
    minted: Minted = None
    via: Via = None
    detail: Detail = None


class LureHit(Event, frozen=True, kw_only=True):
    """Bait called from elsewhere: somebody opened it, or looked up its name, and `dicomhawk canary` was asked."""

    kind: ClassVar[Kind] = Kind("lure.hit", ("intrusion_detection", "threat"), ("indicator", "access"), 99)
    lure: Lure
    lure_kind: LureKind
    token: Token
    minted: Minted
    visitor: MintedFor = None
    connection: Annotated[
        str | None, Field("honeypot.lure.connection", "Connection on which that session took the bait.")
    ] = None
    taken: Annotated[str, Field("honeypot.lure.taken", "Moment at which it was taken.")]
    what: Annotated[str | None, Field("honeypot.lure.what", "What the token was put into: a path, a UID.")] = None
    deployment: Annotated[str, Field("honeypot.lure.deployment", "Which deployment it is of, as its export says.")]
    same: Annotated[
        bool | None, Field("honeypot.lure.same_visitor", "Whether it is opened from the address that took it.")
    ] = None
    opener: Annotated[str, Field("honeypot.lure.opener", "Program that opened it, by what it says of itself.")]
    via: Via = None
    method: Annotated[str | None, Field("http.request.method", "Method, as sent.")] = None
    target: Annotated[str | None, Field("url.original", "Request target, as sent.")] = None
    host: Annotated[str | None, Field("url.domain", "Host field, as sent.")] = None
    user_agent: Annotated[str | None, Field("user_agent.original", "User-Agent.")] = None
    headers: Annotated[
        tuple[str, ...], Field("http.request.headers", "Fields as `Name: value`, in their order and case.")
    ] = ()
    question: Annotated[str | None, Field("dns.question.name", "Name that was looked up.")] = None
    question_type: Annotated[str | None, Field("dns.question.type", "Type of the records asked for.")] = None


class LureReused(Event, frozen=True, kw_only=True):
    """Something that was minted for one session came back from another visitor."""

    kind: ClassVar[Kind] = Kind("lure.reused", ("intrusion_detection", "threat"), ("indicator",), 95)
    lure: Lure
    lure_kind: LureKind
    token: Token = None
    minted: Minted = None
    visitor: MintedFor = None
    via: Via = None
    detail: Detail = None
