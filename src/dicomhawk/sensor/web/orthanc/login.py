"""Who gets in: Basic authentication (RFC 7617) as Orthanc asks for it, before anything else is looked at."""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from dataclasses import replace
from typing import Final

from ....evidence.events import HttpLogin
from ....lures.credentials import credentials
from ...lured import credential_used
from ..backing import Backing
from ..logins import Account, Attempts, Bait, Patience, Policy, policy
from ..message import Request, Response, Site
from ..state import State, StateError, path_of
from .bodies import coded
from .markup import worded
from .routing import UNKNOWN

REALM: Final = "Orthanc Secure Area"
DEFAULT: Final = Bait(Account("orthanc", "administrator"), "orthanc", "credential/default")
"""The user that the product's own configuration registers."""
LONGEST: Final = 4096
"""Characters of credentials that are looked at."""
MAX_ARGUMENTS: Final = 1000
"""Arguments of a query that are looked at: viewers send thirty."""
REMEMBERED: Final = 4096
"""Connections whose user is remembered, so that not each request of a client is a sign-in of its own."""
_BODIED: Final = ("POST", "PUT")
_MEANT: Final = ("PUT", "DELETE")
_LENGTH: Final = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_KEY: Final = "orthanc/attempts"


def gate(backing: Backing, site: Site) -> Site:
    """`site` for whom the deployment lets in, in the coding that the client takes."""
    required = backing.settings.web.login.required
    keeper = _Keeper(backing)

    async def serve(request: Request) -> Response:
        if required and not keeper.admits(request):
            return Response(401, [("WWW-Authenticate", f'Basic realm="{REALM}"')])
        request = overridden(as_sent(request))
        if request.method in _BODIED and not _is_length(request.headers.get("Content-Length")):
            return Response(411)
        return await coded(request, worded(request, await site(request)))

    return serve


def as_sent(request: Request) -> Request:
    """A request with the arguments of its query as they were sent: Orthanc decodes none."""
    _, _, query = request.target.partition("?")
    pairs = (each.partition("=") for each in query.split("&", MAX_ARGUMENTS)[:MAX_ARGUMENTS] if query)
    return replace(request, query=tuple((name, value) for name, _, value in pairs))


def overridden(request: Request) -> Request:
    """A request with the method that a client says it means, which can't send it as it is."""
    meant = request.headers.get("X-HTTP-Method-Override")
    if meant is None and request.method == "GET":
        meant = request.argument("_method")
    if not meant:
        return request
    meant = meant.upper()
    return replace(request, method=meant if meant in _MEANT else UNKNOWN[0])


def _is_length(value: str | None) -> bool:
    """Whether the API can read the length of a body; the HTTP server is content with digits at its beginning."""
    if value is None:
        return True
    found = _LENGTH.fullmatch(value.strip())
    return found is not None and int(found[0]) < 1 << 63


def pair_of(authorization: str) -> tuple[str, str] | None:
    """User name and password of a field, in which the scheme must be spelt as the standard does; None: there are
    none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme != "Basic" or len(encoded) > LONGEST:
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    username, colon, password = decoded.decode("utf-8", "replace").partition(":")
    return (username, password) if colon else None


class _Keeper:
    """Decides on credentials, and tells of them."""

    def __init__(self, backing: Backing) -> None:
        self._backing = backing
        self._state = State(path_of(backing.settings), clock=backing.clock)
        self._policy = _policy(backing)
        self._patience = Patience(1 << 30, 0.0, delays=(0.0,))
        self._inside: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def admits(self, request: Request) -> bool:
        """Whether a request may pass."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return False
        sent = next(value for name, value in request.headers if name.lower() == "authorization")
        # What stands behind the credentials is taken for a part of them.
        pair = pair_of(authorization) if sent.endswith(authorization) else None
        if pair is None:
            self._tell(request, None, "failure", "malformed", token=authorization)
            return False
        username, password = pair
        key = (request.record.connection, username, password)
        if key in self._inside:
            return True
        attempts = Attempts(self._backing.deployment.seed, self._document(request.visitor), self._patience)
        tried = attempts.tried(username, password, request.visitor)
        decision = self._policy.decide(tried)
        inside = decision.account is not None or attempts.has_won(username, password)
        if inside:
            self._inside[key] = None
            if len(self._inside) > REMEMBERED:
                self._inside.popitem(last=False)
            if decision.account is not None and decision.reason == "guess":
                attempts.succeeded(username, password, guess=True)
                self._keep(request.visitor, attempts)
        else:
            attempts.failed(username, password, self._backing.clock())
            self._keep(request.visitor, attempts)
        self._tell(request, pair, "success" if inside else "failure", decision.reason, attempt=tried.number)
        if self._backing.lures is not None:
            credential_used(self._backing.lures, request.record, username, password, "basic")
        return inside

    def _document(self, visitor: str) -> dict[str, object] | None:
        try:
            found: dict[str, object] | None = self._state.get(visitor, _KEY)
        except StateError:
            return None
        return found

    def _keep(self, visitor: str, attempts: Attempts) -> None:
        try:
            self._state.put(visitor, _KEY, attempts.document())
        except StateError:
            return

    @staticmethod
    def _tell(
        request: Request,
        pair: tuple[str, str] | None,
        outcome: str,
        reason: str,
        *,
        attempt: int | None = None,
        token: str | None = None,
    ) -> None:
        username, password = pair or (None, None)
        request.record.emit(
            HttpLogin(
                scheme="basic",
                outcome=outcome,
                username=username,
                password=password,
                token=token,
                attempt=attempt,
                reason=reason,
            )
        )


def _policy(backing: Backing) -> Policy:
    login, lures = backing.settings.web.login, backing.settings.lures
    baits = [DEFAULT]
    if "credential" in lures.kinds:
        for each in credentials(backing.deployment, lures.credentials):
            if each.place != "dicom":
                baits.append(Bait(Account(each.username, each.role, each.name), each.password, each.lure))
    return policy(login.policy, backing.deployment.seed, baits, words=login.keywords, tries=login.tries)
