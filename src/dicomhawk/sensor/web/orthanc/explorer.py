"""The explorer's pages, and what is said of plugins."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from ..message import Response
from .problems import Refusal
from .service import Call, Handler, json_response
from .stock import EXPLORER, filled, type_of

PLUGINS: Final[dict[str, dict[str, Any] | None]] = {
    "explorer.js": None,
    "dicom-web": {
        "Description": "Implementation of DICOMweb (QIDO-RS, STOW-RS and WADO-RS) and WADO-URI.",
        "ExtendsOrthancExplorer": True,
        "ID": "dicom-web",
        "RootUri": "../dicom-web/app/client/index.html",
        "Version": "1.7",
    },
    "serve-folders": {
        "Description": "Serve additional folders with the HTTP server of Orthanc.",
        "ExtendsOrthancExplorer": False,
        "ID": "serve-folders",
        "RootUri": "../app/plugin-serve-folders.html",
        "Version": "1.10.1",
    },
    "web-viewer": {
        "Description": "Provides a Web viewer of DICOM series within Orthanc.",
        "ExtendsOrthancExplorer": True,
        "ID": "web-viewer",
        "Version": "2.8",
    },
    "worklists": {
        "Description": "Serve DICOM modality worklists from a folder with Orthanc.",
        "ExtendsOrthancExplorer": False,
        "ID": "worklists",
        "Version": "1.10.1",
    },
}
"""The plugins of Debian's packages."""
ELSEWHERE: Final = frozenset({"viewer.html", "dicomweb.html"})
"""Pages that aren't below ``/app/``."""
FOLDERS: Final = "plugin-serve-folders.html"
"""What the plugin ServeFolders shows; where bait lies in a folder, that has the page."""
_NO_FOLDER: Final = (
    b"<html><body><h1>Additional folders served by Orthanc</h1>\n<p>Empty section <tt>ServeFolders</tt> in your "
    b"configuration file: No additional folder is served.</p>\n</body></html>\n"
)
_SCRIPT: Final = """\
// Extensions to Orthanc Explorer by the registered plugins

/**
 * From plugin: dicom-web (version 1.7)
 **/
"""


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/app", page
    yield "GET", "/app/*", page
    yield "GET", "/web-viewer/app/viewer.html", viewer
    yield "GET", "/plugins", plugins
    yield "GET", "/plugins/explorer.js", script
    yield "GET", "/plugins/{id}", plugin


@lru_cache(maxsize=1)
def pages() -> dict[str, tuple[str, bytes]]:
    """Types and contents of all pages, by their paths below ``/app/``."""
    found: dict[str, tuple[str, bytes]] = {}
    root = files(__package__) / "app"

    def walk(folder: Any, prefix: str) -> None:
        for each in folder.iterdir():
            if each.is_dir():
                walk(each, f"{prefix}{each.name}/")
            else:
                name = prefix + each.name
                found[name] = type_of(name), filled(name, EXPLORER.get(name, 0), each.read_bytes())

    walk(root, "")
    return found


async def page(call: Call) -> Response:
    """A page, a script or a picture."""
    name = call.arguments.get("rest", "")
    if name == FOLDERS and not _serves_folders(call):
        return Response(200, [("Content-Type", "text/html")], _NO_FOLDER)
    found = pages().get(name)
    if found is None and name in EXPLORER:
        return Response(200, [("Content-Type", type_of(name))], filled(name, EXPLORER[name]))
    if found is None or name in ELSEWHERE:
        raise Refusal
    kind, content = found
    return Response(200, [("Content-Type", kind)], content)


async def viewer(_: Call) -> Response:
    """GET /web-viewer/app/viewer.html: the page of the plugin that shows series."""
    kind, content = pages()["viewer.html"]
    return Response(200, [("Content-Type", kind)], content)


def _serves_folders(call: Call) -> bool:
    lures = call.service.backing.lures
    return lures is not None and f"/app/{FOLDERS}" in lures.routes.by_path


async def plugins(_: Call) -> Response:
    """GET /plugins."""
    return json_response(list(PLUGINS))


async def plugin(call: Call) -> Response:
    """GET /plugins/{id}."""
    found = PLUGINS.get(call.arguments["id"])
    if found is None:
        raise Refusal
    return json_response(found)


async def script(_: Call) -> Response:
    """GET /plugins/explorer.js: what plugins add to the explorer."""
    return Response(200, [("Content-Type", "application/javascript")], _SCRIPT.encode())
