"""A visitor with many connections waits for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dicomhawk.hospital.displays import DisplayError
from dicomhawk.sensor.holdings import Holdings
from dicomhawk.sensor.web.dicomweb.turns import AT_ONCE
from dicomhawk.sensor.web.portal import listing as li
from dicomhawk.sensor.web.portal.listing import Wanted
from tests.sensor.web.portal.browser import Browser


def test_pictures_at_once(visit: Callable[[], Browser], monkeypatch: pytest.MonkeyPatch) -> None:
    most = under_way = 0

    async def display(*_: Any) -> bytes:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        raise DisplayError("none today")

    async def story() -> None:
        browser = visit()
        await browser.sign_in()
        found = await browser.desk.listing.studies(Wanted(modality="CT"), browser.visitor, browser.desk.clock())
        study = found.studies[0].uid
        series = (await browser.desk.listing.pictured(study, browser.visitor))[0][li.SERIES]
        ((sop, _), *_) = await browser.desk.listing.images(study, series, browser.visitor)
        uids = {"study": study, "series": series, "object": sop}
        addresses = [browser.href("image", **uids, frame=number) for number in range(1, 20)]
        monkeypatch.setattr(Holdings, "display", display)
        await asyncio.gather(*(browser.get(address) for address in addresses))

    asyncio.run(story())
    assert most == AT_ONCE
