"""The pages, by a browser of few words: what they show is what the archive holds."""

from __future__ import annotations

import asyncio
import html
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pydicom
import pytest
from PIL import Image

from dicomhawk.hospital.deployment import draw_deployment, locales
from dicomhawk.persona.model import library
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.portal import listing as li
from dicomhawk.sensor.web.portal.listing import Wanted
from dicomhawk.sensor.web.portal.site import Portal, portal
from dicomhawk.sensor.web.wire.outbound import Writer
from dicomhawk.settings import WebLogin
from tests.sensor.web.portal.browser import Browser
from tests.tells import assert_no_tell

Visit = Callable[[], Browser]


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


async def signed_in(visit: Visit, role: str = "reader") -> Browser:
    browser = visit()
    answer = await browser.sign_in(role)
    assert answer.status == 302, answer.text
    return browser


async def studies(browser: Browser, **wanted: str) -> list[li.Study]:
    desk = browser.desk
    found = await desk.listing.studies(Wanted(**wanted), browser.visitor, desk.clock())
    return li.ordered(found.studies, "date", descending=True)


def test_strangers_are_sent_to_the_sign_in(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        for page in browser.skin.paths:
            if page in ("login", "logout", "forgot", "telemetry"):
                continue
            answer = await browser.get(browser.href(page))
            assert answer.status == 302
            assert answer.header("Location").startswith(browser.skin.paths["login"])
            assert not answer.data
        for path in ("/", browser.skin.base, f"{browser.skin.base}/"):
            assert (await browser.get(path)).header("Location") == browser.skin.paths["login"]

    run(story())


def test_a_honeycredential_enters_and_others_do_not(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        refused = await browser.try_pair("admin", "admin")
        assert refused.status == 200
        assert browser.desk.speech.of("login.wrong") in html.unescape(refused.text)
        assert 'value="admin"' in refused.text
        answer = await browser.sign_in()
        assert answer.header("Location") == browser.skin.paths["worklist"]
        assert (await browser.get(browser.href("worklist"))).status == 200
        answer = await browser.get(browser.href("logout"))
        assert answer.header("Location") == browser.skin.paths["login"]
        assert (await browser.get(browser.href("worklist"))).status == 302

    run(story())


def test_a_form_without_its_token_is_refused_and_what_was_typed_is_kept(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        bait = browser.desk.baits[0]
        answer = await browser.post(browser.href("login"), {"user": bait.username, "password": bait.password})
        assert answer.status == 200
        assert html.unescape(answer.text).count(browser.desk.speech.of("login.expired")) == 1

    run(story())


def test_accounts_are_locked_for_who_guesses(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    async def quick(seconds: float) -> None:
        waited.append(seconds)

    waited: list[float] = []
    monkeypatch.setattr("dicomhawk.sensor.web.portal.entry.patiently", quick)

    async def story() -> None:
        browser, other = visit(), visit()
        desk = browser.desk
        bait = next(each for each in desk.baits if each.role == "reader")
        for number in range(desk.patience.locked_after):
            answer = await browser.try_pair(bait.username, f"wrong{number}")
        minutes = int(desk.patience.locked_seconds // 60)
        locked = desk.speech.of("login.locked", minutes=minutes, extension=desk.skin.extension)
        assert locked in html.unescape(answer.text)
        assert locked in html.unescape((await browser.try_pair(bait.username, bait.password)).text)
        assert waited == sorted(waited)
        assert (await other.try_pair(bait.username, bait.password)).status == 302

    run(story())


def test_nobody_is_sent_elsewhere(visit: Visit) -> None:
    async def story() -> None:
        for target in (
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "\thttp://evil.example",
            "/unknown",
            "http:///evil.example",
        ):
            browser = visit()
            bait = browser.desk.baits[0]
            answer = await browser.try_pair(bait.username, bait.password, next=target)
            assert answer.header("Location") == browser.skin.paths["worklist"], target
        browser = visit()
        study = browser.href("study", study="1.2.3")
        first = await browser.get(study)
        page = await browser.get(first.header("Location"))
        following = page.hidden(browser.skin.parameters["next"])
        bait = browser.desk.baits[0]
        answer = await browser.try_pair(bait.username, bait.password, next=following)
        assert answer.header("Location") == study

    run(story())


def test_the_worklist_shows_the_catalogue(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        every = await studies(browser)
        uids: list[str] = []
        target: str | None = browser.href("worklist", period="all")
        seen = 0
        while target is not None:
            answer = await browser.get(target)
            links = answer.links(browser.skin.paths["study"])
            uids += [link.partition("=")[2] for link in links]
            seen += 1
            following = [
                link
                for link in answer.links(browser.skin.paths["worklist"])
                if f"{browser.skin.parameters['page']}={seen + 1}" in link
            ]
            target = following[0] if following else None
        assert uids == [study.uid for study in every]

    run(story())


@pytest.mark.parametrize("column", ["name", "identifier", "accession", "images", "born", "modality"])
def test_it_can_be_sorted(visit: Visit, column: str) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        found = {}
        for descending in ("1", None):
            answer = await browser.get(browser.href("worklist", period="all", sort=column, descending=descending))
            first = answer.links(browser.skin.paths["study"])[0].partition("=")[2]
            found[descending] = next(study for study in await studies(browser) if study.uid == first)
        if column == "images":
            assert int(found["1"].text(li.IMAGE_COUNT)) >= int(found[None].text(li.IMAGE_COUNT))
        else:
            tag = li.SORTS[column][0]
            assert found["1"].text(tag).lower() >= found[None].text(tag).lower()

    run(story())


def test_searches_find_what_they_say(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        speech = browser.desk.speech
        for study in (await studies(browser))[::37]:
            family, given = study.text(li.NAME).split("^")[:2]
            for asked in (
                {"name": family.lower()[:4]},
                {"name": f"{family}, {given[:2]}"},
                {"identifier": study.text(li.IDENTIFIER)},
                {"accession": study.text(li.ACCESSION)},
                {"text": study.text(li.TEXT)[2:9], "from": speech.day(study.text(li.DATE))},
                {"from": speech.day(study.text(li.DATE)), "to": speech.day(study.text(li.DATE))},
                {"modality": study.said[0], "from": speech.day(study.text(li.DATE))},
            ):
                answer = await browser.get(browser.href("worklist", sort="accession", **asked))
                uids = await _everywhere(browser, answer)
                assert study.uid in uids, (asked, study.values)

    run(story())


def test_events_have_the_tags_of_a_search_as_all_others_have_them() -> None:
    keys = li.identifier("STUDY", {li.NAME: "A*", 0x0020000D: "1.2.3"})
    assert li.described(keys) == {"00100010": "A*", "0020000D": "1.2.3"}


async def _everywhere(browser: Browser, answer: Any) -> set[str]:
    uids: set[str] = set()
    number = 1
    while True:
        uids |= {link.partition("=")[2] for link in answer.links(browser.skin.paths["study"])}
        number += 1
        page = f"{browser.skin.parameters['page']}={number}"
        links = [link for link in answer.links(browser.skin.paths["worklist"]) if re.search(rf"[?&]{page}\b", link)]
        if not links:
            return uids
        answer = await browser.get(links[0])


def test_a_search_that_finds_nothing_says_so(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        answer = await browser.get(browser.href("worklist", name="Zzyzx"))
        assert browser.desk.speech.of("list.nothing") in html.unescape(answer.text)

    run(story())


def test_a_study_shows_its_series_and_the_patients_other_studies(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        every = await studies(browser)
        several = next(s for s in every if sum(o.text(li.IDENTIFIER) == s.text(li.IDENTIFIER) for o in every) > 1)
        answer = await browser.get(browser.href("study", study=several.uid))
        text = html.unescape(answer.text)
        for values in await browser.desk.listing.series(several.uid, browser.visitor):
            assert str(values.get(li.SERIES_TEXT) or "") in text
        for other in every:
            if other.text(li.IDENTIFIER) == several.text(li.IDENTIFIER) and other.uid != several.uid:
                assert browser.href("study", study=other.uid) in text
        assert several.text(li.ACCESSION) in text

    run(story())


def test_the_viewer_has_every_image_and_shows_it(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        study = next(each for each in await studies(browser) if "CT" in each.modalities)
        page = await browser.get(browser.href("viewer", study=study.uid))
        assert page.status == 200
        series = (await browser.desk.listing.pictured(study.uid, browser.visitor))[0]
        uid = str(series[li.SERIES])
        page = await browser.get(browser.href("viewer", study=study.uid, series=uid))
        images = await browser.desk.listing.images(study.uid, uid, browser.visitor)
        for sop, _ in images:
            assert f'"{sop}"' in html.unescape(page.text)
        answer = await browser.get(browser.href("image", study=study.uid, series=uid, object=images[0][0]))
        assert answer.header("Content-Type") == "image/jpeg"
        shape = [float(part) for part in answer.header(browser.skin.shape_header).split(";")]
        assert len(shape) == 4
        own = Image.open(io.BytesIO(answer.data))
        target = browser.href(
            "image", study=study.uid, series=uid, object=images[0][0], level=4000, window=10, size=64
        )
        other = Image.open(io.BytesIO((await browser.get(target)).data))
        assert max(other.size) == 64
        assert max(own.size) >= 512
        assert other.convert("L").getextrema()[1] < own.convert("L").getextrema()[1]
        thumbnail = await browser.get(browser.href("thumbnail", study=study.uid, series=uid))
        assert max(Image.open(io.BytesIO(thumbnail.data)).size) == 128

    run(story())


@pytest.mark.parametrize("form", [li.ENCAPSULATED_PDF, "1.2.840.10008.5.1.4.1.1.88.11"])
def test_reports_are_read_and_printed(visit: Visit, form: str) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        study = next((each for each in await studies(browser) if form in each.text(li.CLASSES)), None)
        if study is None:
            pytest.skip("this hospital has no such report")
        page = await browser.get(browser.href("report", study=study.uid))
        assert page.status == 200
        text = html.unescape(re.sub(r"<[^>]+>", " ", page.text))
        assert study.text(li.ACCESSION) in text
        body = page.text.partition("h3")[2] or page.text
        assert len(re.sub(r"<[^>]+>", "", body)) > 100
        printed = await browser.get(browser.href("print", study=study.uid))
        assert printed.header("Content-Type") == "application/pdf"
        assert printed.data.startswith(b"%PDF-")
        assert printed.header("Content-Disposition").startswith("attachment")

    run(story())


def test_downloads_are_the_archives_objects(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        study = min(await studies(browser), key=lambda each: int(each.text(li.IMAGE_COUNT)))
        answer = await browser.get(browser.href("download", study=study.uid))
        assert answer.header("Content-Type") == "application/zip"
        named = {instance.sop_uid for instance in browser.desk.listing.instances(browser.visitor, study.uid)}
        with zipfile.ZipFile(io.BytesIO(answer.data)) as found:
            read = [pydicom.dcmread(io.BytesIO(found.read(name))) for name in found.namelist()]
        assert {each.SOPInstanceUID for each in read} == named
        assert {str(each.AccessionNumber) for each in read} == {study.text(li.ACCESSION)}
        sop = sorted(named)[0]
        file = await browser.get(browser.href("object", study=study.uid, object=sop))
        assert file.header("Content-Type") == "application/dicom"
        assert file.header("Content-Disposition").startswith("attachment")
        assert pydicom.dcmread(io.BytesIO(file.data)).SOPInstanceUID == sop
        assert file.response.length == len(file.data)

    run(story())


def test_settings_are_kept_for_who_made_them(visit: Visit) -> None:
    async def story() -> None:
        one, other = await signed_in(visit), await signed_in(visit)
        page = await one.get(one.href("settings"))
        form = {"token": page.hidden(one.skin.parameters["token"]), "action": "1", "rows": "15", "period": "all"}
        answer = await one.post(one.href("settings"), form | {"mail": "a@b.example"})
        assert one.desk.speech.of("settings.saved") in html.unescape(answer.text)
        assert 'value="a@b.example"' in answer.text
        assert len((await one.get(one.href("worklist"))).links(one.skin.paths["study"])) == 15
        assert "a@b.example" not in (await other.get(other.href("settings"))).text

    run(story())


def test_administration_needs_the_better_account(visit: Visit) -> None:
    async def story() -> None:
        reader, administrator = await signed_in(visit), await signed_in(visit, "administrator")
        for page in ("users", "nodes", "audit", "system", "configuration"):
            assert (await reader.get(reader.href(page))).status == 403
            assert (await administrator.get(administrator.href(page))).status == 200
        assert administrator.skin.paths["system"] not in (await reader.get(reader.href("worklist"))).text
        users = await administrator.get(administrator.href("users"))
        form = {
            "token": users.hidden(administrator.skin.parameters["token"]),
            "user": "evil1",
            "name": "E",
            "new": "x",
        }
        assert "evil1" in (await administrator.post(administrator.href("users"), form)).text
        other = await signed_in(visit, "administrator")
        assert "evil1" not in (await other.get(other.href("users"))).text

    run(story())


def test_the_audit_log_stays_what_it_was(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit, "administrator")
        rows = [
            re.findall(r"<tr[^>]*>(.*?)</tr>", (await browser.get(browser.href("audit"))).text, re.S)[3:20]
            for _ in "12"
        ]
        assert rows[0][1:10] == rows[1][1:10]

    run(story())


def test_the_configuration_holds_a_pair_that_works(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit, "administrator")
        page = await browser.get(browser.href("configuration"))
        token = page.hidden(browser.skin.parameters["token"])
        answer = await browser.post(browser.href("configuration"), {"token": token})
        assert answer.header("Content-Type") == "application/xml"
        bait = next(each for each in browser.desk.baits if each.place == "config")
        assert html.escape(bait.password) in answer.text
        assert (await visit().try_pair(bait.username, bait.password)).status == 302

    run(story())


def test_errors_are_in_the_skin(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        for target, status in (
            (f"{browser.skin.base}/nothing", 404),
            (browser.href("study", study="1.2.3.4"), 404),
            (browser.href("viewer", study="1.2.3.4"), 404),
            (browser.href("report", study="1.2.3.4"), 404),
            (browser.href("download", study="1.2.3.4"), 404),
            (browser.href("object", study="1.2.3.4"), 404),
        ):
            answer = await browser.get(target)
            assert answer.status == status, target
            assert browser.skin.links["bar_logo"] in answer.text
        assert (await browser.get(browser.href("worklist"), method="DELETE")).status == 405
        assert (await browser.get(browser.href("image", study="1.2.3"))).status == 404

    run(story())


@pytest.mark.parametrize("name", ["clearcanvas", "dcmqrscp", "dcm4chee-arc", "horos", "plain"])
def test_outside_the_portal_it_is_the_servers_page(shared: Backing, name: str) -> None:
    async def story() -> None:
        persona = library.load(name)
        site = portal(shared._replace(persona=persona))
        browser = Browser.of(site, shared, "203.0.113.77")
        server = Writer(persona.http, persona.http.server(shared.deployment))
        for target in ("/nothing", "/nothing/at/all.php", f"{browser.skin.base}x", "/%3Cscript%3E"):
            answer = await browser.get(target)
            assert answer.status == 404, target
            assert answer.data == server.page(404, method="GET", target=target), target
            assert not answer.header("Set-Cookie")
            assert browser.skin.product.name not in answer.text
            assert "<script>" not in answer.text
        inside = await browser.get(f"{browser.skin.base}/nothing")
        assert browser.skin.product.name in inside.text

    run(story())


def test_static_files_are_cached(visit: Visit) -> None:
    async def story() -> None:
        browser = visit()
        for link in browser.skin.links.values():
            answer = await browser.get(link)
            assert answer.status == 200
            assert answer.data
            tag = answer.header("ETag")
            again = await browser.get(link, headers=(("If-None-Match", tag),))
            assert (again.status, again.data) == (304, b"")

    run(story())


def test_pages_have_the_skins_headers_and_load_nothing_from_elsewhere(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit, "administrator")
        study = (await studies(browser))[0]
        for page in ("worklist", "schedule", "upload", "settings", "about", "users", "audit", "study", "viewer"):
            answer = await browser.get(browser.href(page, study=study.uid if page in ("study", "viewer") else None))
            for name, value in browser.skin.headers:
                assert answer.header(name) == value
            for link in re.findall(r'(?:src|href|action)="([^"]*)"', answer.text):
                assert link.startswith(("/", "?")), link
            assert not link.startswith("//")

    run(story())


def test_a_session_is_good_in_another_worker(visit: Visit, shared: Backing) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        other = Browser.of(portal(shared), shared, browser.visitor)
        other.cookies = dict(browser.cookies)
        assert (await other.get(other.href("worklist"))).status == 200

    run(story())


def test_nothing_on_a_page_says_what_it_is_made_of(visit: Visit, site: Portal) -> None:
    async def story() -> None:
        browser = await signed_in(visit, "administrator")
        for page in ("worklist", "schedule", "upload", "settings", "about", "users", "nodes", "audit", "system"):
            assert_no_tell((await browser.get(browser.href(page))).data)
        for link in browser.skin.links.values():
            assert_no_tell((await browser.get(link)).data)

    run(story())


@pytest.mark.parametrize("locale", locales())
def test_all_pages_are_there_in_every_language(visit: Visit, shared: Backing, locale: str) -> None:
    async def story() -> None:
        deployment = draw_deployment(locale=locale, seed=f"{zlib.crc32(locale.encode()):032x}")
        backing = shared._replace(deployment=deployment)
        browser = Browser.of(portal(backing), backing, visit().visitor)
        assert (await browser.sign_in("administrator")).status == 302
        study = next(each for each in await studies(browser) if each.reported and each.has_images)
        for page in ("study", "viewer", "report", "print"):
            assert (await browser.get(browser.href(page, study=study.uid))).status == 200, page
        for page in ("worklist", "schedule", "upload", "settings", "about", "users", "nodes", "audit", "system"):
            answer = await browser.get(browser.href(page))
            assert answer.status == 200, page
            assert f'lang="{locale.replace("_", "-")}"' in answer.text
        assert (await browser.get(browser.href("forgot"))).status == 200
        assert (await browser.get(f"{browser.skin.base}/x")).status == 404

    run(story())


def test_the_settings_say_who_enters(visit: Visit, shared: Backing, monkeypatch: pytest.MonkeyPatch) -> None:
    async def quick(seconds: float) -> None:
        return

    monkeypatch.setattr("dicomhawk.sensor.web.portal.entry.patiently", quick)

    async def tried(login: WebLogin, pairs: list[tuple[str, str]]) -> list[int]:
        web = shared.settings.web.model_copy(update={"login": login})
        backing = shared._replace(settings=shared.settings.model_copy(update={"web": web}))
        browser = Browser.of(portal(backing), backing, visit().visitor)
        return [(await browser.try_pair(*pair)).status for pair in pairs]

    async def story() -> None:
        bait = portal(shared).desk.baits[0]
        pairs = [(bait.username, bait.password), ("admin", "xsecretx")]
        assert await tried(WebLogin(policy="none"), pairs) == [200, 200]
        assert await tried(WebLogin(policy="pairs"), pairs[::-1]) == [200, 302]
        assert await tried(WebLogin(policy="keyword", keywords=("secret",)), pairs[1:]) == [302]
        names = ["admin", "root", "pacs", "dicom", "user", "test", "viewer", "service"]
        guesses = await tried(WebLogin(policy="delayed", tries=(3, 5)), [(name, "guess") for name in names])
        assert guesses.count(302) == 1
        assert 3 <= guesses.index(302) <= 5

    run(story())


def test_the_ohif_viewer_is_offered_where_it_is_installed(visit: Visit) -> None:
    async def story() -> None:
        browser = await signed_in(visit)
        study = next(each for each in await studies(browser, modality="CT"))
        page = browser.href("study", study=study.uid)
        assert "OHIF" not in (await browser.get(page)).text
        index = browser.desk.backing.settings.data / "ohif" / "index.html"
        index.parent.mkdir()
        index.touch()
        try:
            (link,) = re.findall(r'href="([^"]*)">OHIF</a>', (await browser.get(page)).text)
        finally:
            index.unlink()
            index.parent.rmdir()
        assert html.unescape(link).endswith(f"/viewer?StudyInstanceUIDs={study.uid}")

    run(story())
