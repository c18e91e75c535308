"""HTTP messages on the web doors (RFC 9110, RFC 9112)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind
from .common import Hex, Outcome

Number = Annotated[int, Field("honeypot.web.request", "Number of the request on its connection, from 1.")]


class HttpRequest(Event, frozen=True, kw_only=True):
    """A request was read as far as an answer needs it.

    It is on record when its body is, or, of a long one, when some of it has come or the answer begins: then hash and
    length are in the `file.captured` event that follows.
    """

    kind: ClassVar[Kind] = Kind("http.request", ("network", "web"), ("protocol", "access"), 20)
    number: Number
    method: Annotated[str, Field("http.request.method", "Method, as sent.")]
    target: Annotated[str, Field("url.original", "Request target, as sent.")]
    version: Annotated[str | None, Field("http.version", "As sent, without `HTTP/`; absent: HTTP/0.9.")] = None
    scheme: Annotated[str | None, Field("url.scheme", "http or https: whether it came over TLS.")] = None
    domain: Annotated[str | None, Field("url.domain", "Host of the target, or else of the Host field.")] = None
    port: Annotated[int | None, Field("url.port", "Port that stands behind the host.")] = None
    path: Annotated[str | None, Field("url.path", "Path, percent-decoded.")] = None
    query: Annotated[str | None, Field("url.query", "Query, as sent.")] = None
    headers: Annotated[
        tuple[str, ...],
        Field(
            "http.request.headers",
            "Fields as `Name: value`, in their order and case; of credentials the scheme only.",
        ),
    ] = ()
    authorization: Annotated[
        str | None, Field("honeypot.credential.authorization", "Value of the Authorization field.", secret=True)
    ] = None
    user_agent: Annotated[str | None, Field("user_agent.original", "User-Agent.")] = None
    referrer: Annotated[str | None, Field("http.request.referrer", "Referer.")] = None
    mime_type: Annotated[str | None, Field("http.request.mime_type", "Content-Type.")] = None
    forwarded: Annotated[
        str | None, Field("honeypot.web.forwarded", "X-Forwarded-For or Forwarded: for whom a proxy says it asks.")
    ] = None
    bytes: Annotated[int | None, Field("http.request.bytes", "Bytes of the head as sent.")] = None
    body_bytes: Annotated[int | None, Field("http.request.body.bytes", "Bytes of the body, without framing.")] = None
    body_sha256: Annotated[
        str | None,
        Field("http.request.body.hash.sha256", "SHA-256 of the body, its name in the vault.", also="related.hash"),
    ] = None


class HttpResponse(Event, frozen=True, kw_only=True):
    """A request was answered. The event's duration is from the end of the request's head to here."""

    kind: ClassVar[Kind] = Kind("http.response", ("network", "web"), ("protocol", "info"), 10)
    number: Number
    status: Annotated[int, Field("http.response.status_code", "Status code.")]
    mime_type: Annotated[str | None, Field("http.response.mime_type", "Content-Type.")] = None
    body_bytes: Annotated[int | None, Field("http.response.body.bytes", "Bytes of the body, without framing.")] = None
    bytes: Annotated[int | None, Field("http.response.bytes", "Bytes sent, head and framing included.")] = None
    outcome: Outcome = None
    reason: Annotated[
        str | None,
        Field("event.reason", "Why it ended early: the visitor left, or didn't read; or an error of ours."),
    ] = None


class HttpMalformed(Event, frozen=True, kw_only=True):
    """What came is no request as the standard has it. It may have been served all the same, as the product does."""

    kind: ClassVar[Kind] = Kind("http.malformed", ("network", "intrusion_detection"), ("protocol", "error"), 40)
    fault: Annotated[str, Field("honeypot.web.fault", "What is wrong with it, as in the persona's faults.")]
    detail: Annotated[str | None, Field("honeypot.web.detail", "Where, or how much.")] = None
    status: Annotated[
        int | None, Field("http.response.status_code", "Status code of the answer; absent: none, or it was served.")
    ] = None
    served: Annotated[bool, Field("honeypot.web.served", "Whether it was let pass.")] = False
    first_bytes: Hex = None
