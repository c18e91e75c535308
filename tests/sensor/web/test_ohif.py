"""The OHIF viewer's files, as a browser gets them."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomhawk.sensor.web import ohif
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.message import Request, Response, Site
from tests.sensor.web.bench import Bench

SCRIPT = b"console.log('viewer');\n" * 2000


def site(backing: Backing) -> Site:
    async def nothing(request: Request) -> Response:
        return Response(404, [], b"elsewhere")

    return ohif.mounted(backing, nothing)


@pytest.fixture(scope="module")
def bench(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("ohif") / "data"))
    folder = data / "ohif"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<html>viewer</html>")
    (folder / "app.bundle.0123.js").write_bytes(SCRIPT)
    (folder / "app.bundle.0123.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "decoder.wasm").write_bytes(b"\0asm")
    (folder / "assets/icon.svg").write_text("<svg/>")
    (folder / "notes.secret").write_text("not for browsers")
    (data / "outside.js").write_text("not for browsers")
    (folder / "link.js").symlink_to(data / "outside.js")
    made = Bench(data, "plain", site)
    yield made
    made.close()


def test_files_have_their_types_and_the_isolation_that_decoders_need(bench: Bench) -> None:
    for path, kind in (
        ("/app.bundle.0123.js", "application/javascript"),
        ("/decoder.wasm", "application/wasm"),
        ("/assets/icon.svg", "image/svg+xml"),
    ):
        answer = bench.ask(path)
        assert (answer.status, answer.kind) == (200, kind)
        assert answer.headers.get("Cross-Origin-Embedder-Policy") == "require-corp"
        assert answer.headers.get("Cross-Origin-Opener-Policy") == "same-origin"
    assert bench.ask("/app.bundle.0123.js").body == SCRIPT
    compressed = bench.ask("/app.bundle.0123.js", headers=[("Accept-Encoding", "gzip, br")])
    assert compressed.headers.get("Content-Encoding") == "gzip"
    assert gzip.decompress(compressed.body) == SCRIPT


def test_pages_are_the_application_whatever_follows(bench: Bench) -> None:
    pages = ohif.pages_of(bench.backing.deployment)
    for path in (pages, f"{pages}/", f"{pages}/viewer?StudyInstanceUIDs=1.2.3", f"{pages}/../../etc/passwd"):
        assert bench.ask(path).body == b"<html>viewer</html>"
    url = ohif.viewer_url(bench.backing, "1.2.3")
    assert url == f"{pages}/viewer?StudyInstanceUIDs=1.2.3"


def test_nothing_else_of_the_folder_is_served(bench: Bench) -> None:
    for path in (
        "/index.html",
        "/notes.secret",
        "/link.js",
        "/outside.js",
        "/app.bundle.0123.js.gz",
        "/../outside.js",
    ):
        assert bench.ask(path).body == b"elsewhere", path
    assert bench.ask("/decoder.wasm", "POST").body == b"elsewhere"


def test_the_configuration_leads_to_our_service(bench: Bench) -> None:
    answer = bench.ask("/app-config.js")
    assert answer.kind == "application/javascript"
    config = json.loads(answer.body.removeprefix(b"window.config = ").rstrip(b";\n"))
    (source,) = config["dataSources"]
    assert source["configuration"]["qidoRoot"] == source["configuration"]["wadoRoot"] == "/dicom-web"
    assert config["routerBasename"] == ohif.pages_of(bench.backing.deployment)
    assert config["defaultDataSourceName"] == source["sourceName"]
