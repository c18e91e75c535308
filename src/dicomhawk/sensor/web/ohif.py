"""The OHIF viewer, where ``make ohif`` has installed it: static files, and a configuration of our own.

The package's pages are built for the root of a server: its files are there, and its pages below a path that is drawn
for the deployment. It finds its studies at the persona's DICOMweb service.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, NamedTuple

from ...evidence.transcript import Reference
from ...persona.model.dicomweb import AET
from ...settings import Deployment, Settings
from .backing import Backing
from .message import Pair, Part, Request, Response, Site, Stored

FOLDER: Final = "ohif"
"""Below the data folder."""
MAX_FILES: Final = 5000
"""Files that are served; the package has some hundred."""
PIECE: Final = 1 << 18
"""Bytes of a file that are read at a time."""

_PAGES: Final = ("/ohif", "/ohif-viewer", "/ohif3", "/ohif/app")
_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "application/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
_ISOLATED: Final[list[Pair]] = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
]
"""Without these, browsers have no shared memory, which its decoders use."""
_CONFIG: Final = "/app-config.js"


class _File(NamedTuple):
    path: Path
    size: int
    compressed: int
    """Bytes of the compressed one beside it; 0: there is none."""


def installed(settings: Settings) -> bool:
    """Whether the viewer is there."""
    return (settings.data / FOLDER / "index.html").is_file()


def pages_of(deployment: Deployment) -> str:
    """The path of its pages."""
    return random.Random(f"viewer/{deployment.seed}").choice(_PAGES)


def viewer_url(backing: Backing, study_uid: str) -> str | None:
    """Where a study is shown; None: there is no viewer, or no DICOMweb service for it."""
    if not installed(backing.settings) or not backing.persona.dicomweb.prefix:
        return None
    return f"{pages_of(backing.deployment)}/viewer?StudyInstanceUIDs={study_uid}"


def mounted(backing: Backing, others: Site) -> Site:
    """The viewer at its paths if it is installed, and `others` at all further ones."""
    if not installed(backing.settings) or not backing.persona.dicomweb.prefix:
        return others
    folder = backing.settings.data / FOLDER
    files, pages = _files(folder), pages_of(backing.deployment)
    config = _config(backing, pages)

    async def site(request: Request) -> Response:
        path = request.path
        if request.method in ("GET", "HEAD"):
            if path == _CONFIG:
                return Response(200, [("Content-Type", _TYPES[".js"]), *_ISOLATED], config)
            if path == pages or path.startswith(f"{pages}/"):
                return _answer(files["/index.html"], "/index.html", request)
            if path in files and path != "/index.html":
                return _answer(files[path], path, request)
        return await others(request)

    return site


def _files(folder: Path) -> dict[str, _File]:
    found: dict[str, _File] = {}
    for path in sorted(folder.rglob("*"))[:MAX_FILES]:
        if path.is_file() and not path.is_symlink() and path.suffix in _TYPES:
            beside = path.with_name(f"{path.name}.gz")
            compressed = beside.stat().st_size if beside.is_file() else 0
            found[f"/{path.relative_to(folder).as_posix()}"] = _File(path, path.stat().st_size, compressed)
    return found


def _answer(file: _File, name: str, request: Request) -> Response:
    headers: list[Pair] = [("Content-Type", _TYPES[file.path.suffix]), *_ISOLATED]
    path, size = file.path, file.size
    if file.compressed and "gzip" in (request.headers.get("Accept-Encoding") or ""):
        headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        path, size = path.with_name(f"{path.name}.gz"), file.compressed
    return Response(200, headers, _read(path, Reference("static", f"{FOLDER}{name}", "")), size)


async def _read(path: Path, reference: Reference) -> AsyncIterator[Part]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield Stored(piece, reference)


def _config(backing: Backing, pages: str) -> bytes:
    """``window.config`` (the package's app-config.js): one data source, at the same origin."""
    root = backing.persona.dicomweb.prefix.replace(AET, backing.deployment.ae_title)
    name = backing.deployment.ae_title
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "dicomweb",
        "configuration": {
            "friendlyName": name,
            "name": name,
            "qidoRoot": root,
            "wadoRoot": root,
            "qidoSupportsIncludeField": True,
            "supportsFuzzyMatching": backing.persona.dicomweb.fuzzy == "ignored",
            "supportsWildcard": True,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "omitQuotationForMultipartRequest": True,
            "bulkDataURI": {"enabled": True},
        },
    }
    config = {
        "routerBasename": pages,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": False,
        "strictZSpacingForVolumeViewport": True,
        "maxNumberOfWebWorkers": 3,
        "defaultDataSourceName": "dicomweb",
        "investigationalUseDialog": {"option": "never"},
        "dataSources": [source],
    }
    return f"window.config = {json.dumps(config, indent=2)};\n".encode()
