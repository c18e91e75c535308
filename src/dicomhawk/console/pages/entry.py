"""Signing in and out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..access import COOKIE, TooManyTries
from ..guard import cookie_of
from ..site import site_of


def _wanted(target: str) -> str:
    """A path of ours to go on to; never another site's."""
    fine = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if fine and len(target) < 2000 else "/"


def show(request: Request) -> Response:
    """The form."""
    target = _wanted(request.query_params.get("next", "/"))
    if request.scope["state"]["session"] is not None:
        return RedirectResponse(target, 303)
    return site_of(request).page(request, "sign_in.html", target=target, wrong="")


def sign_in(request: Request) -> Response:
    """Take the secret."""
    site, form = site_of(request), request.scope["state"]["form"]
    target = _wanted(form.get("next", "/"))
    try:
        cookie = site.access.sign_in(form.get("secret", ""), request.client.host if request.client else "")
    except TooManyTries as error:
        seconds = error.args[0]
        wrong = f"Too many tries. Wait {seconds} seconds."
        response: Response = site.page(request, "sign_in.html", status=429, target=target, wrong=wrong)
        response.headers["Retry-After"] = str(seconds)
        return response
    if cookie is None:
        return site.page(request, "sign_in.html", status=403, target=target, wrong="That is not the secret.")
    response = RedirectResponse(target, 303)
    secure = site.settings.console.certificate is not None
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", secure=secure)
    return response


def sign_out(request: Request) -> Response:
    """End the session."""
    site_of(request).access.sign_out(cookie_of(request))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


ROUTES = [
    Route("/sign-in", show, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
