"""Fake routes: what lies there tells one story, is laid out differently everywhere, and is an alarm."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from dicomhawk.hospital.deployment import locales
from dicomhawk.lures import pages
from dicomhawk.lures.bait import Asked, basic
from dicomhawk.lures.catalogue import catalogue
from dicomhawk.lures.routes import Platform, platform_of
from dicomhawk.lures.tokens import canonical
from tests.lures.laying import ANNA, SERVERS, laid, path_of, take
from tests.tells import WORDS

PLATFORMS: list[Platform] = ["apache", "nginx", "iis", "java", "cocoa", "orthanc"]


def authorization(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("locale", locales())
def test_all_of_it_can_be_had_and_is_in_the_catalogue(tmp_path: Path, platform: Platform, locale: str) -> None:
    with laid(tmp_path, platform, number=7, locale=locale) as lures:
        known = {lure.id for lure in catalogue(lures)}
        for path in list(lures.routes.by_path):
            bait = take(lures, path)
            assert bait.status in (200, 401) and bait.body
            assert bait.lure == "" or bait.lure in known
            assert not bait.tokens and (b"${" not in bait.body or bait.body[:2] == b"PK")
            for word in WORDS:
                assert word not in bait.body.lower()
        assert lures.bait(Asked("/nothing-here", ANNA)) is None


def test_no_two_deployments_have_the_same_paths(tmp_path: Path) -> None:
    seen = set()
    for number in range(24):
        with laid(tmp_path / str(number), "apache", number=number) as lures:
            seen.add(frozenset(lures.routes.by_path))
    assert len(seen) == 24


@pytest.mark.parametrize(
    ("page", "same"),
    [
        ("env.txt", r"(APP|LOG|DB|MAIL|SESSION)_"),  # a framework's own
        ("properties.txt", "# X, X"),
        ("config.php.txt", r"<\?php|\);|/\* X - X"),
        ("dump.sql.txt", r"\);|-- |CREATE TABLE X"),
        (
            "web.config.txt",
            r"<\?xml|</?(connectionStrings|appSettings|authentication|configuration|machineKey|system)",
        ),
        ("wado.xml", r"<\?xml|<!--"),
        ("nodes.txt", "X"),
    ],
)
def test_no_two_deployments_have_the_same_texts(tmp_path: Path, page: str, same: str) -> None:
    """Not even where what is drawn for its values is left out."""
    texts = []
    for number in range(24):
        with laid(tmp_path / str(number), "java", number=number) as lures:
            masked = dict.fromkeys(lures._values, "X") | {"wording": lures._values["wording"]}
            texts.append(pages.filled(page, masked).decode())
            assert pages.filled(page, masked).decode() == texts[-1]
    assert len(set(texts)) >= (24 if page != "nodes.txt" else 8)
    lines = Counter(line.strip() for text in texts for line in set(text.splitlines()) if len(line.strip()) > 2)
    often = [line for line, times in lines.items() if times > 18 and not re.match(same, line)]
    assert not often


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_laid_out_can_be_switched_off(tmp_path: Path, platform: Platform) -> None:
    with laid(tmp_path, platform, kinds=("credential",)) as lures:
        assert not lures.routes.by_path and lures.credentials
    with laid(tmp_path, platform, kinds=("route",)) as lures:
        assert not lures.credentials and not lures.titles
        assert not [lure for lure in catalogue(lures) if lure.kind == "credential"]
        assert {lure.id for lure in catalogue(lures) if lure.kind == "file"} <= {"file/backup"}


def test_the_pairs_in_configuration_files_work(tmp_path: Path) -> None:
    for platform in PLATFORMS:
        with laid(tmp_path, platform, number=11) as lures:
            told = set()
            for path in lures.routes.by_path:
                bait = take(lures, path)
                told |= set(bait.tells)
                for one in lures.credentials:
                    if one.lure in bait.tells and bait.body[:2] != b"PK":
                        text = bait.body.decode("latin-1")
                        assert one.password in text or one.password in unquote(text) or path.endswith(".pdf")
            assert {"credential/dicom", "credential/document", "credential/config"} <= told


def test_names_and_addresses_are_the_same_on_all_pages(tmp_path: Path) -> None:
    with laid(tmp_path, "java", number=12) as lures:
        properties = take(lures, path_of(lures, "route/config")).body.decode()
        values = dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)
        assert lures.scene.deployment.ae_title in values.values()
        assert lures.scene.archive.address in values.values()
        nodes = take(lures, path_of(lures, "route/nodes")).body.decode()
        assert lures.scene.archive.address in nodes
        for title in lures.titles:
            assert title.remote.ae_title in nodes and title.remote.ae_title in properties


def test_formats_are_what_they_claim(tmp_path: Path) -> None:
    for number in range(6):
        with laid(tmp_path / str(number), "orthanc", number=number) as lures:
            text = take(lures, path_of(lures, "route/orthanc-json")).body.decode()
            configuration = json.loads("\n".join(line for line in text.splitlines() if "//" not in line[:6]))
            assert configuration["DicomAet"] == lures.scene.deployment.ae_title
        with laid(tmp_path / str(number), "iis", number=number) as lures:
            for lure in {"route/wado", "route/config"} & {route.lure for route in lures.routes.by_path.values()}:
                ElementTree.fromstring(take(lures, path_of(lures, lure)).body)
            ElementTree.fromstring(take(lures, "/sitemap.xml").body)
    with laid(tmp_path, "apache", number=2) as lures:
        text = take(lures, "/.env").body.decode()
        assert tomllib.loads("\n".join(f'k{n} = """{line}"""' for n, line in enumerate(text.splitlines())))


def test_robots_and_sitemap_lead_to_bait(tmp_path: Path) -> None:
    with laid(tmp_path, "apache", number=2) as lures:
        robots = take(lures, "/robots.txt", origin="http://192.0.2.7:8080")
        assert robots.lure == ""  # a crawler may ask for it
        named = [line.split(": ")[1] for line in robots.body.decode().splitlines() if line.startswith("Disallow")]
        assert f"/{lures.routes.folder}/" in named
        for path in named:
            assert take(lures, path).lure
        sitemap = take(lures, "/sitemap.xml", origin="http://192.0.2.7:8080").body
        urls = [
            element.text or "" for element in ElementTree.fromstring(sitemap).iter() if element.tag.endswith("loc")
        ]
        assert all(url.startswith("http://192.0.2.7:8080/") for url in urls)
        assert any(lures.bait(Asked(unquote(url.removeprefix("http://192.0.2.7:8080")), ANNA)) for url in urls)


@pytest.mark.parametrize("origin", ["http://x/<script>", "http://a b", 'http://"', "http://${x}", "javascript:1", ""])
def test_a_strange_host_is_not_repeated(tmp_path: Path, origin: str) -> None:
    with laid(tmp_path, "iis", number=2) as lures:
        for path in ("/robots.txt", "/sitemap.xml", f"/{lures.routes.folder}/"):
            body = take(lures, path, origin=origin).body.decode()
            assert lures.scene.host("portal") in body or path == f"/{lures.routes.folder}/"
            assert not origin or origin not in body


def test_a_folder_lists_what_lies_in_it_with_its_true_sizes(tmp_path: Path) -> None:
    for platform in (each for each in PLATFORMS if each != "cocoa"):  # which lists nothing
        with laid(tmp_path, platform, number=9, canary_url="http://c.example", canary_zone="i.example") as lures:
            index = take(lures, path_of(lures, "route/folder")).body.decode()
            for route in lures.routes.files:
                name = route.path.rpartition("/")[2]
                assert unquote(index).count(name) >= 1, (platform, name)
                if platform == "iis":
                    assert f" {len(take(lures, route.path).body)} <A" in index


def test_an_administrator_s_page_opens_with_the_right_pair_only(tmp_path: Path) -> None:
    number = next(n for n in range(50) if _has_manager(tmp_path / str(n), n))
    with laid(tmp_path, "java", number=number) as lures:
        assert take(lures, "/manager/html").status == 401
        administrator = next(one for one in lures.credentials if one.place == "config")
        reader = next(one for one in lures.credentials if one.place == "basic")
        opened = take(
            lures, "/manager/html", authorization=authorization(administrator.username, administrator.password)
        )
        assert opened.status == 200 and opened.credential == administrator and b"/wado" in opened.body
        refused = take(lures, "/manager/html", authorization=authorization(reader.username, reader.password))
        assert refused.status == 401 and refused.credential == reader
        for wrong in ("Basic", "Basic ====", "Bearer x", "Basic " + "A" * 5000, authorization("admin", "admin")):
            assert take(lures, "/manager/html", authorization=wrong).status == 401


def _has_manager(data: Path, number: int) -> bool:
    with laid(data, "java", number=number) as lures:
        return "/manager/html" in lures.routes.by_path


def test_each_download_has_a_token_of_its_own(tmp_path: Path) -> None:
    with laid(tmp_path, "nginx", number=9, canary_url="http://c.example/x") as lures:
        path = path_of(lures, "file/shortcut")
        first, second = take(lures, path), take(lures, path)
        assert first.body != second.body and first.tokens != second.tokens
        for bait in (first, second):
            minted = lures.ledger.get(canonical(bait.tokens[0]))
            assert minted is not None
            assert (minted.session, minted.connection, minted.address) == (
                ANNA.session,
                ANNA.connection,
                ANNA.address,
            )
            assert minted.what == path and minted.lure == "file/shortcut"
            assert bait.tokens[0].encode() in bait.body


def test_without_a_canary_nothing_calls(tmp_path: Path) -> None:
    with laid(tmp_path, "nginx", number=9) as lures:
        for route in lures.routes.files:
            bait = take(lures, route.path)
            assert not bait.tokens and bait.body == take(lures, route.path).body


def test_server_status_lives(tmp_path: Path) -> None:
    number = next(n for n in range(50) if _has_status(tmp_path / str(n), n))
    with laid(tmp_path, "apache", number=number) as lures:
        body = take(lures, "/server-status").body.decode()
        assert "Apache Server Status for" in body and body == take(lures, "/server-status").body.decode()
        assert any(path in body for path in lures.routes.by_path)


def _has_status(data: Path, number: int) -> bool:
    with laid(data, "apache", number=number) as lures:
        return "/server-status" in lures.routes.by_path


@pytest.mark.parametrize(
    ("server", "platform"),
    [(server, platform) for platform, server in SERVERS.items() if server]
    + [("Microsoft-HTTPAPI/2.0", "iis"), ("WildFly/26", "java"), ("Jetty(9.4.z)", "java")],
)
def test_a_server_is_recognised(server: str, platform: Platform) -> None:
    assert platform_of(server, face="portal", seed="x") == platform
    assert platform_of(server, face="orthanc", seed="x") == "orthanc"


@pytest.mark.parametrize("text", ["", "Basic", "Basic !", "basic " + base64.b64encode(b"no colon").decode(), "\0"])
def test_what_is_no_pair_is_none(text: str) -> None:
    assert basic(text) is None


def test_a_form_of_the_wrong_decade_lets_nobody_in(tmp_path: Path) -> None:
    number = next(n for n in range(50) if _has(tmp_path / str(n), n, "route/phpmyadmin"))
    with laid(tmp_path, "apache", number=number) as lures:
        path = path_of(lures, "route/phpmyadmin")
        page = take(lures, path).body.decode()
        target = path + page.partition('action="')[2].partition('"')[0]
        assert lures.form(target) and lures.form(path) and not lures.form("/.env") and not lures.form("/x")
        assert "#1045" in lures.refusal(target).body.decode() and "#1045" not in page


def _has(data: Path, number: int, lure: str) -> bool:
    with laid(data, "apache", number=number) as lures:
        return any(route.lure == lure for route in lures.routes.by_path.values())
