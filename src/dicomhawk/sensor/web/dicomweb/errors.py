"""Requests that aren't carried out."""

from __future__ import annotations

from http import HTTPStatus

from ....persona.model.dicomweb import DicomWeb
from ..message import Pair, Response


class Refused(Exception):
    """A request that gets an error: its status, and what the body says."""

    def __init__(self, status: int, message: str = "", headers: tuple[Pair, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers

    def response(self, persona: DicomWeb) -> Response:
        """As the persona's product words it."""
        message = self.message
        if message and self.status == 404:
            message = persona.no_match or message
        elif message and self.status == 406:
            message = persona.not_acceptable or message
        return error(persona, self.status, message, *self.headers)


def error(persona: DicomWeb, status: int, message: str, *headers: Pair) -> Response:
    """An error with the persona's kind of body."""
    form = persona.errors
    if not form.type or not message:
        return Response(status, list(headers))
    values = {"message": message, "status": str(status), "reason": HTTPStatus(status).phrase}
    body = form.body
    for name, value in values.items():
        body = body.replace(f"{{{name}}}", value)
    return Response(status, [("Content-Type", form.type), *headers], body.encode("utf-8"))
