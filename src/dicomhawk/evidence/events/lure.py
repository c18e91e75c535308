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
MintedFor = Annotated[
    str | None, Field("honeypot.lure.visitor", "Address of that session's visitor.", also="related.ip")
]
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
