"""Mail over SMTP: one message for each batch, plain text only."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from ...settings import Settings
from ...settings.outputs import EmailOutput
from .base import Batch, Output, Permanent, Temporary, rendered
from .formats.messages import headline, plain, told
from .tls import context

TIMEOUT_SECONDS = 30.0
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_SUBJECT = 150


class Email(Output):
    """One SMTP session for each message: there are few."""

    def __init__(self, output: EmailOutput, settings: Settings) -> None:
        self._settings = output
        self._port = output.port if output.port is not None else _PORTS[output.security]
        self._tls: ssl.SSLContext | None = context(output.ca) if output.security != "none" else None
        self._password = output.password.reveal() if output.password is not None else ""

    @property
    def where(self) -> str:
        return f"{', '.join(self._settings.recipients)} by {self._settings.host}:{self._port}"

    async def send(self, batch: Batch) -> None:
        message = self.message(batch)
        try:
            await asyncio.to_thread(self._deliver, message)
        except smtplib.SMTPDataError as error:
            reason = f"the server answered {error.smtp_code} to the message"
            if error.smtp_code >= 500:
                raise Permanent(reason) from None
            raise Temporary(reason) from None
        except smtplib.SMTPResponseException as error:
            raise Temporary(f"the server answered {error.smtp_code} {_shown(error.smtp_error)}") from None
        except smtplib.SMTPRecipientsRefused as error:
            ((code, said), *_) = error.recipients.values()
            raise Temporary(f"the server refused all recipients with {code} {_shown(said)}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary(f"{self._settings.host}:{self._port}: {str(error)[:200]}") from None

    def message(self, batch: Batch) -> EmailMessage:
        """The message for a batch; the same batch has the same Message-ID."""
        items = rendered(batch, lambda record: told(record, self._settings.link))
        made = EmailMessage()
        made["From"] = self._settings.sender
        made["To"] = ", ".join(self._settings.recipients)
        made["Subject"] = f"{self._settings.subject}: {headline(items)}"[:_SUBJECT]
        made["Date"] = formatdate()
        digest = hashlib.sha256("\n".join(record.id for record in batch).encode("utf-8", "replace")).hexdigest()[:40]
        made["Message-ID"] = f"<{digest}@{self._settings.sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(plain(items) + "\n")
        return made

    def _deliver(self, message: EmailMessage) -> None:
        kind = smtplib.SMTP_SSL if self._settings.security == "tls" else smtplib.SMTP
        more = {"context": self._tls} if self._settings.security == "tls" else {}
        server = kind(self._settings.host, self._port, timeout=TIMEOUT_SECONDS, **more)  # type: ignore[arg-type]
        try:
            if self._settings.security == "starttls":
                server.starttls(context=self._tls)
            if self._settings.username:
                server.login(self._settings.username, self._password)
            server.send_message(message)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()


def _shown(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return "".join(c if c.isprintable() else " " for c in text[:200])
