"""The web door: how the product's HTTP server reads requests and writes responses.

What it serves is the face's; here is what a visitor sees of any product that the same server is in.
"""

from __future__ import annotations

import random
from typing import Annotated, Literal

from pydantic import Field

from ...settings import Deployment
from .base import Part, Seconds
from .http_faults import LITERAL, OTHERWISE, Fault, FaultModel, Status

OTHERS = "*"
"""In an order of fields: those of a response that the order doesn't name."""
Port = Annotated[int, Field(ge=1, le=65535)]
Token = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=64)]
"""RFC 9110 section 5.6.2."""
Line = Annotated[str, Field(max_length=1000, pattern=r"^[\t -~\x80-\xff]*$")]
Page = Annotated[str, Field(max_length=4000)]


class FieldModel(Part):
    """A field of responses, at its place."""

    name: Token = Field(description=f"Name in its case; {OTHERS} stands for all that aren't named.")
    value: Line | None = Field(
        default=None,
        description="Its value, may have {server} and {keep-alive}; unset: that of Date, Server, Content-Length or"
        " Transfer-Encoding, or what the face gives; without either the field is absent.",
    )
    when: Literal["always", "keep", "close"] = Field(
        default="always", description="Always, or only where the connection is kept, or closed."
    )


def _standard() -> tuple[FieldModel, ...]:
    return (
        FieldModel(name="Date"),
        FieldModel(name="Server"),
        FieldModel(name=OTHERS),
        FieldModel(name="Content-Length"),
        FieldModel(name="Transfer-Encoding"),
        FieldModel(name="Connection", value="close", when="close"),
    )


class ResponseModel(Part):
    """Status lines and fields of responses."""

    fields: tuple[FieldModel, ...] = Field(
        default_factory=_standard, max_length=32, description="Fields in their order."
    )
    reasons: dict[Annotated[str, Field(pattern=r"^[1-5]\d\d$")], str] = Field(
        default_factory=dict, description="Reason phrases that aren't those of RFC 9110, by status code."
    )
    empty_length: bool = Field(
        default=True, description="Whether a response without a body says Content-Length: 0 (not 1xx, 204, 304)."
    )
    head_length: bool = Field(
        default=True, description="Whether the answer to HEAD has the Content-Length that GET's would have."
    )
    chunked: bool = Field(
        default=True,
        description="Whether a body of unknown length comes in chunks; if not, it ends with the connection. To an"
        " HTTP/1.0 client it always does.",
    )
    split: bool = Field(default=False, description="Whether head and body are written apart, in two segments.")


class ErrorModel(Part):
    """Responses of the server itself, which no page has a part in: to what it can't read."""

    fields: tuple[FieldModel, ...] | None = Field(
        default=None, max_length=32, description="Fields in their order; unset: as in other responses."
    )
    version: Literal["own", "1.0", "echo", "words"] = Field(
        default="own",
        description="Version in the status line: the product's own (1.1), 1.0, the client's if it was read (echo,"
        " else 1.0), or whatever stood in its place, even if that is the rest of the head (words, else 1.0).",
    )
    type: Line | None = Field(default="text/html", description="Content-Type; unset: none.")
    page: Page = Field(
        default="<html><head><title>{status} {reason}</title></head><body><h1>{status} {reason}</h1></body></html>\n",
        description="Body. {status}, {reason}, {detail}, {server}, {method}, {target} and {host} are filled in.",
    )
    to_head: bool = Field(default=False, description="Whether an answer to HEAD has its body all the same.")
    lengths: bool = Field(
        default=True, description="Whether it has a Content-Length; if not, it ends with the connection."
    )


class GrammarModel(Part):
    """What the parser takes. What it doesn't is a fault; see `faults`."""

    methods: tuple[Token, ...] = Field(default=(), description="Methods that are known; empty: any token.")
    eager: bool = Field(
        default=True, description="Whether a control character is found at once, or when the head is complete."
    )
    capitals: bool = Field(default=False, description="Whether a method may have no small letters; else method.")
    tabs: bool = Field(default=True, description="Whether a tab may be in a head; if not, it is control.")
    early: bool = Field(
        default=True, description="Whether the request line is looked at as soon as it is there, or with the head."
    )
    leading: Literal["none", "lines", "space"] = Field(
        default="lines",
        description="What may stand before the request line: nothing, empty lines, or any white space but an empty"
        " line (else empty).",
    )
    words: Literal["one-space", "spaces", "visible"] = Field(
        default="one-space",
        description="How method, target and version are parted: by a space, by several, or as runs of visible ASCII"
        " characters behind each of which a space stands, and then any white space, even a line's end.",
    )
    ends: Literal["any", "alike"] = Field(
        default="any", description="Whether the last line of a head and the empty line behind it must end alike."
    )
    versions: tuple[Annotated[str, Field(pattern=r"^\d+\.\d+$")], ...] = Field(
        default=("1.0", "1.1"), min_length=1, description="Versions of HTTP that are spoken."
    )
    minor: bool = Field(default=True, description="Whether any other 1.x is taken as 1.1 (RFC 9110 section 2.5).")
    numbers: bool = Field(
        default=True, description="Whether a version that isn't numbers is version-form; if not, it is version."
    )
    high: bool = Field(default=True, description="Whether the request line may have bytes above 127; else line.")
    authority: bool = Field(default=True, description="Whether CONNECT may have a host and port; else target.")
    hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts whose absolute targets are the server's own, at its port, with all below them; none: that"
        " of the Host field. Others are foreign.",
    )
    names: Literal["token", "visible"] = Field(
        default="token", description="What a field's name is made of: RFC 9110's token, or any visible characters."
    )
    fold: Literal["fault", "join", "end"] = Field(
        default="fault",
        description="What a line is that begins with white space: a fault, part of the field above, or the end of all"
        " fields (then so is any line that begins with no name).",
    )
    content_length: Literal["digits", "prefix"] = Field(
        default="digits",
        description="Whether a Content-Length is digits, or a number with anything behind.",
    )
    repeated: Literal["first", "last", "once"] = Field(
        default="first",
        description="Which of several Content-Length fields counts where differing ones are let pass (lengths): the"
        " first, or the last; once: several are lengths even if they are"
        " the same.",
    )
    codings: Literal["list", "first"] = Field(
        default="list", description="Whether several Transfer-Encoding fields are a list, or the first counts."
    )
    extensions: bool = Field(default=True, description="Whether chunks may have extensions; else chunk.")
    trailers: bool = Field(default=True, description="Whether a connection goes on behind trailer fields.")
    framing_first: bool = Field(
        default=False, description="Whether the body's framing is looked at before version, target and host."
    )
    persistence: Literal["standard", "keep-alive"] = Field(
        default="standard",
        description="When a connection goes on: as in RFC 9112 section 9.3; or the first Connection field counts,"
        " and has to have keep-alive.",
    )
    expect: Literal["at-once", "on-read", "never"] = Field(
        default="on-read", description="When 100 (Continue) is sent: at once, when the body is asked for, or never."
    )


class LimitsModel(Part):
    """Bytes and counts up to which something is read."""

    line: int = Field(default=8192, ge=256, le=1 << 17, description="Bytes of the request line (line-length).")
    field: int = Field(default=8192, ge=256, le=1 << 17, description="Bytes of one field (field-length).")
    head: int = Field(default=32768, ge=1024, le=1 << 17, description="Bytes of the whole head (head-length).")
    count: int = Field(default=100, ge=8, le=1024, description="Fields (field-count).")
    surplus: Literal["fault", "ignore"] = Field(default="fault", description="What becomes of further fields.")
    body: int = Field(
        default=1 << 31,
        ge=0,
        le=1 << 40,
        description="Bytes of a body (body-length).",
    )


class TimesModel(Part):
    """Seconds of silence that are borne, and requests that a connection may have."""

    silent: Seconds = Field(default=60, gt=0, le=3600, description="Until the first byte (silent).")
    head: Seconds = Field(default=60, gt=0, le=3600, description="From the first byte of a head to its end.")
    further: Seconds | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Between two reads of a head that isn't the first, within `head`; unset: as long as that.",
    )
    idle: Seconds = Field(default=75, gt=0, le=3600, description="Between two requests; then the connection ends.")
    body: Seconds = Field(default=60, gt=0, le=3600, description="Between two reads of a body (body-timeout).")
    write: Seconds = Field(default=60, gt=0, le=3600, description="That a client may leave a response unread.")
    linger: Seconds = Field(
        default=5,
        ge=0,
        le=60,
        description="That input is read on and thrown away after the last response, so that the client sees it"
        " whole; 0: closed at once, which is a reset if there is unread input.",
    )
    requests: int = Field(default=1000, ge=1, le=1 << 20, description="Requests on one connection.")


class Http(Part):
    """The web door."""

    face: Literal["none", "empty", "orthanc", "portal"] = Field(
        default="none", description="What it serves; none: there is no door; empty: a server without pages."
    )
    ports: tuple[Port, ...] = Field(
        default=(8080,),
        min_length=1,
        description="Ports that installations of the product are found at; one is drawn for the deployment, of those"
        " that may be opened.",
    )
    servers: tuple[Line, ...] = Field(
        default=(),
        description="Values of the Server field that are met; one is drawn for the deployment.",
    )
    runtime: Literal["apache", "nginx", "iis", "java", "cocoa"] | None = Field(
        default=None, description="What runs behind a server that doesn't say it in its Server field."
    )
    nodelay: bool = Field(default=True, description="Whether Nagle's algorithm is off (TCP_NODELAY).")
    response: ResponseModel = ResponseModel()
    errors: ErrorModel = ErrorModel()
    pages: dict[Annotated[str, Field(pattern=r"^[1-5]\d\d$")], Page] = Field(
        default_factory=dict, description="Bodies of responses that no page of the face answers, by status code."
    )
    windows: tuple[Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$", max_length=100)], ...] = Field(
        default=(), max_length=16, description="Paths below which Windows authentication is asked for (NTLM)."
    )
    crash: Status = Field(default=500, description="Status of the answer where the product fails.")
    grammar: GrammarModel = GrammarModel()
    limits: LimitsModel = LimitsModel()
    times: TimesModel = TimesModel()
    faults: dict[Fault | Literal["default"], FaultModel] = Field(
        default_factory=dict, description="What is done about each fault."
    )

    def server(self, deployment: Deployment) -> str:
        """Value of the Server field, one for each deployment; empty: it has none."""
        source = random.Random(f"web server/{deployment.seed}")
        return source.choice(self.servers) if self.servers else ""

    def reaction(self, fault: Fault) -> FaultModel:
        """What is done about `fault`: as the file says, else the standard read literally."""
        given = self.faults.get(fault) or self.faults.get("default")
        return given or LITERAL.get(fault, OTHERWISE)
