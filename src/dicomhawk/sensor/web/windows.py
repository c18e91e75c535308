"""Paths where the server asks for Windows authentication, as those of other products on the same machine do."""

from __future__ import annotations

import base64
import re

from ...evidence import events as ev
from ...lures.scene import scene
from ..lured import credential_used
from . import ntlm
from .backing import Backing
from .message import Request, Response, Site
from .wire.outbound import Writer

_VERSIONS = {"7.5": (6, 1, 7601), "8.0": (6, 2, 9200), "8.5": (6, 3, 9600)}
"""Windows by the version of its web server; of 10.0, one of several."""
_NEWER = ((10, 0, 14393), (10, 0, 17763), (10, 0, 20348))
NETBIOS = 15
"""Characters of a name in NetBIOS."""
_IIS = re.compile(r"Microsoft-IIS/(\d+\.\d)")


def guarded(backing: Backing, site: Site) -> Site:
    """`site`, but for the paths that the persona has behind Windows authentication."""
    paths = tuple(path.lower() for path in backing.persona.http.windows)
    if not paths:
        return site
    guard = _Guard(backing)

    async def serve(request: Request) -> Response:
        path = request.path.lower()
        if any(path == each or path.startswith(f"{each}/") for each in paths):
            return guard.answer(request)
        return await site(request)

    return serve


class _Guard:
    """The server's side of the exchange. Whoever comes through it may still not see what is behind."""

    def __init__(self, backing: Backing) -> None:
        self._backing = backing
        deployment = backing.deployment
        server = backing.persona.http.server(deployment)
        self._writer = Writer(backing.persona.http, server)
        self._kind = backing.persona.http.errors.type
        at = scene(deployment)
        found = _IIS.search(server)
        newer = _NEWER[int(deployment.seed[:8], 16) % len(_NEWER)]
        domain, host = at.domain, at.machines["portal"].name
        short = at.place if domain.startswith(("ad.", "corp.")) else domain.partition(".")[0]
        self._names = ntlm.Names(
            short.upper()[:NETBIOS],
            host.upper()[:NETBIOS],
            domain,
            f"{host}.{domain}",
            _VERSIONS.get(found[1], newer) if found else newer,
        )

    def answer(self, request: Request) -> Response:
        """401 with a challenge until a proof has come; then 401 again, or 403 for a honeycredential's."""
        scheme, _, text = (request.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() not in ("ntlm", "negotiate") or not text:
            return self._refused(request, ["Negotiate", "NTLM"])
        record = request.record
        challenge = ntlm.challenge_of(self._backing.deployment.seed, record.connection)
        try:
            token = ntlm.token_of(text.strip())
            if token.kind == ntlm.NEGOTIATE:
                message = ntlm.challenge_message(token.message, challenge, self._names, self._backing.clock())
                if token.wrapped:
                    message = ntlm.wrapped(message)
                name = "Negotiate" if scheme.lower() == "negotiate" else "NTLM"
                return self._refused(request, [f"{name} {base64.b64encode(message).decode()}"])
            if token.kind != ntlm.AUTHENTICATE:
                raise ntlm.NtlmError("a message of the server's")
            proof = ntlm.authenticate(token.message)
        except ntlm.NtlmError as error:
            record.emit(ev.HttpLogin(scheme=scheme.lower(), outcome="failure", token=text, reason=str(error)))
            return self._refused(request, ["Negotiate", "NTLM"])
        return self._decided(request, scheme.lower(), proof, challenge, text)

    def _decided(
        self, request: Request, scheme: str, proof: ntlm.Authenticate, challenge: bytes, text: str
    ) -> Response:
        lures = self._backing.lures
        pairs = lures.credentials if lures is not None else ()
        bait = next(
            (
                each
                for each in pairs
                if each.username.lower() == proof.username.lower() and proof.proves(each.password, challenge)
            ),
            None,
        )
        request.record.emit(
            ev.HttpLogin(
                scheme=scheme,
                outcome="failure" if bait is None else "success",
                username=proof.username or None,
                domain=proof.domain or None,
                workstation=proof.workstation or None,
                token=proof.line(challenge) or text,
                reason=None if proof.nt else "anonymous",
            )
        )
        if bait is None or lures is None:
            return self._refused(request, ["Negotiate", "NTLM"])
        credential_used(lures, request.record, bait.username, bait.password, "ntlm")
        return self._page(request, 403, [])

    def _refused(self, request: Request, offers: list[str]) -> Response:
        return self._page(request, 401, [("WWW-Authenticate", offer) for offer in offers])

    def _page(self, request: Request, status: int, headers: list[tuple[str, str]]) -> Response:
        page = self._writer.page(status, method=request.method, target=request.target)
        kind = [("Content-Type", self._kind)] if self._kind and page else []
        return Response(status, kind + headers, page)
