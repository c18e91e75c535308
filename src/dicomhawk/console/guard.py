"""What stands before every page: who may ask, how, and what a browser may do with the answer."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import COOKIE, Access

MAX_BODY = 512 << 10
"""Bytes of a form: a file of rules, several times over."""
PUBLIC = ("/sign-in", "/static/")
"""Paths that are served to who isn't signed in."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers then send no Origin with a form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), clipboard-read=()",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware: host, method, size, session and origin of each request; headers of each response.

    `names`: host names that the console goes by, beside ``localhost`` and addresses. Others are refused: a page of a
    stranger's whose name is made to lead here (DNS rebinding) must not be of our origin. The session, if there is
    one, is in ``scope["state"]["session"]``, and the body of a form in ``scope["state"]["form"]``.
    """

    def __init__(self, app: ASGIApp, access: Access, names: tuple[str, ...] = ()) -> None:
        self._app = app
        self._access = access
        self._names = frozenset(name.lower() for name in (*names, "localhost"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.lower().encode() not in present
                    ),
                ]
            await send(message)

        request = Request(scope, receive)
        response = await self._refusal(request)
        await (response or self._app)(scope, receive, guarded)

    async def _refusal(self, request: Request) -> Response | None:
        """Why a request isn't served; None if it is."""
        if not self._known(request.headers.getlist("host")):
            return PlainTextResponse("This is not a name of the console.\n", 421)
        if request.method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("GET or POST only.\n", 405)
        state = request.scope.setdefault("state", {})
        session = self._access.session(cookie_of(request))
        state["session"] = session
        path = request.scope["path"]
        if session is None and not path.startswith(PUBLIC):
            return self._to_sign_in(request)
        if request.method == "POST":
            return await self._form(request)
        return None

    def _known(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        name = hosts[0].lower()
        name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
        if name in self._names:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _to_sign_in(self, request: Request) -> Response:
        if request.method != "GET" or request.url.path.endswith("/stream"):
            return PlainTextResponse("Sign in first.\n", 401)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        target = "/sign-in" + (f"?next={quote(wanted, safe='')}" if wanted != "/" else "")
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
        return RedirectResponse(target, 303)

    async def _form(self, request: Request) -> Response | None:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("A form of another site.\n", 403)
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers["host"]:
            return PlainTextResponse("A form of another site.\n", 403)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                return PlainTextResponse("Too much.\n", 413)
        try:
            form = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
        except (UnicodeDecodeError, ValueError):
            return PlainTextResponse("Not a form.\n", 400)
        fields = {name: values[0] for name, values in form.items()}
        session = request.scope["state"]["session"]
        if session is not None and not hmac.compare_digest(fields.get("csrf", "").encode(), session.csrf.encode()):
            return PlainTextResponse("The form is out of date: load its page again.\n", 403)
        request.scope["state"]["form"] = fields
        return None


def cookie_of(request: Request) -> str:
    """The session's cookie; empty if there is none."""
    return request.cookies.get(COOKIE, "")
