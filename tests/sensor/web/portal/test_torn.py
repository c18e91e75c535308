"""Visitors who leave in the middle of an upload leave nothing open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.message import Headers, Request
from tests.sensor.web.portal.browser import BOUNDARY, Browser

PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a.dcm"\r\n\r\n'


class Slow:
    """A body that stops."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield PART.encode() + bytes(100_000)
        self.begun.set()
        await asyncio.Event().wait()

    async def read(self, limit: int) -> bytes:
        raise AssertionError


def test_an_upload_whose_visitor_leaves(visit: Callable[[], Browser], shared: Backing) -> None:
    incoming = shared.settings.vault_dir / "objects" / "incoming"

    async def story() -> None:
        browser, body = visit(), Slow()
        await browser.sign_in()
        before = len(list(incoming.iterdir()))
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        headers = Headers([("Cookie", cookies), ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")])
        path = browser.href("upload")
        request = Request(
            method="POST",
            target=path,
            path=path,
            headers=headers,
            body=body,
            visitor=browser.visitor,
            record=browser.record,
        )
        task = asyncio.ensure_future(browser.site(request))
        async with asyncio.timeout(20):
            await body.begun.wait()
        assert len(list(incoming.iterdir())) == before + 1
        task.cancel()
        await asyncio.wait([task])
        assert len(list(incoming.iterdir())) == before

    asyncio.run(story())
