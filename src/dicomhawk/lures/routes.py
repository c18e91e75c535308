"""Fake routes: which of them a deployment has, by the server that it pretends to be."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

from ..hospital.world.draw import draw
from .files import docx, xlsx
from .scene import Scene, saved

Platform = Literal["apache", "nginx", "iis", "java", "cocoa", "orthanc"]
"""What serves: PHP behind Apache or nginx, IIS, a Java container, a desktop application by itself (CocoaHTTPServer),
or Orthanc with its plugin ServeFolders."""
_SIGNS: tuple[tuple[str, Platform], ...] = (
    ("iis", "iis"),
    ("httpapi", "iis"),
    ("apache-coyote", "java"),
    ("tomcat", "java"),
    ("jboss", "java"),
    ("wildfly", "java"),
    ("undertow", "java"),
    ("jetty", "java"),
    ("glassfish", "java"),
    ("nginx", "nginx"),
    ("apache", "apache"),
)
_OCTETS = "application/octet-stream"
_LISTING: dict[Platform, str] = {
    "apache": "text/html;charset=UTF-8",
    "nginx": "text/html",
    "iis": "text/html; charset=UTF-8",
    "java": "text/html;charset=UTF-8",
}
_FOLDERS = ("backup", "old", "export", "it", "download", "install", "share", "bak")
_BACKUPS = ("{slug}_portal_backup_{day}.zip", "backup_{day}.zip", "pacs_conf_{day}.zip", "portal-{day}.zip")
_SHORTCUTS = ("PACS {place}.url", "Portal.url", "{place} WebPACS.url", "PACS.url")


class Route(NamedTuple):
    """One path, and what is behind it."""

    lure: str
    path: str
    page: str
    """Name of a template or of a writer; see `pages`."""
    type: str
    """Content-Type; empty: the server has none for it."""
    named: bool = False
    """Whether robots.txt names it."""


class Routes(NamedTuple):
    """Those of a deployment."""

    platform: Platform
    folder: str
    """Where files lie, without slashes."""
    by_path: dict[str, Route]

    def get(self, path: str) -> Route | None:
        """What is at a path, without its query; IIS takes it in any case."""
        if self.platform == "iis":
            path = path.lower()
        found = self.by_path.get(path)
        if found is None and f"{path}/" in self.by_path and path:
            return self.by_path[f"{path}/"]._replace(page="slash")
        return found

    @property
    def files(self) -> tuple[Route, ...]:
        """What lies in the folder."""
        start = f"/{self.folder}/"
        inside = (route for path, route in self.by_path.items() if path.startswith(start))
        return tuple(route for route in inside if route.page != "folder")


def platform_of(server: str, *, face: str, seed: str, runtime: Platform | None = None) -> Platform:
    """What a server is: its `runtime`, if that is known, or as its Server field says; else one is drawn."""
    if face == "orthanc":
        return "orthanc"
    if runtime is not None:
        return runtime
    lower = server.lower()
    for sign, platform in _SIGNS:
        if sign in lower:
            return platform
    choices: tuple[Platform, ...] = ("java", "nginx", "apache")
    return draw(seed, "lures", "platform").choice(choices)


def routes(at: Scene, platform: Platform, *, files: bool = True) -> Routes:
    """The routes of a deployment. `files`: whether documents lie in the folder, too."""
    source = draw(at.seed, "lures", "routes")
    folder = source.choice(_FOLDERS)
    found: dict[str, Route] = {}
    lures: set[str] = set()
    for table in _tables():
        # Drawn whether it is used or not, so that one more route for another server changes nothing here.
        luck, which = source.random(), source.random()
        wanted = table["with"] in lures if "with" in table else luck < table.get("chance", 1.0)
        if platform not in table["on"] or not wanted:
            continue
        lures.add(table["id"])
        choices = table.get("one_of", [])
        paths = [*table.get("paths", ()), *([choices[int(which * len(choices))]] if choices else ())]
        for path in paths:
            kind = table["type"][platform]
            found[path] = Route(table["id"], path, table["page"], kind, table.get("named", False))
            if "form" in table:
                found[f"{path}{table['form']}"] = Route(table["id"], f"{path}{table['form']}", table["page"], kind)
    for route in _of_folder(at, platform, folder, files):
        found[route.path] = route
    if platform == "iis":
        found = {path.lower(): route for path, route in found.items()}
    return Routes(platform, folder, found)


def _of_folder(at: Scene, platform: Platform, folder: str, files: bool) -> list[Route]:
    source = draw(at.seed, "lures", "folder")
    day = "{:04}{:02}{:02}".format(*saved(at, "backup")[:3])
    archive = source.choice(_BACKUPS).format(slug=at.slug, day=day)
    shortcut = source.choice(_SHORTCUTS).format(place=at.place)
    start = f"/{folder}/"
    made = [
        Route("route/nodes", f"{start}dicom_nodes.txt", "nodes.txt", "text/plain"),
        Route("file/backup", f"{start}{archive}", "backup", "application/zip"),
    ]
    if files:
        words = at.words
        # What the tables of Apache and of Java containers have no type for is sent without one.
        unknown = "" if platform in ("apache", "java", "cocoa") else _OCTETS
        made += [
            Route("file/vpn", f"{start}{words['vpn_file']}", "vpn", docx.TYPE),
            Route("file/oncall", f"{start}{words['oncall_file']}", "oncall", xlsx.TYPE),
            Route("file/guide", f"{start}{words['guide_file']}", "guide", "application/pdf"),
        ]
        if platform != "iis":
            made += [
                Route("file/shortcut", f"{start}{shortcut}", "shortcut", unknown),
                Route("file/uri", f"{start}{_object_name(at)}.dcm.uri", "uri", unknown),
            ]
    if platform == "cocoa":  # which serves files, and lists none
        return [made[0]._replace(named=True), *made[1:]]
    if platform != "orthanc":
        return [Route("route/folder", start, "folder", _LISTING[platform], named=True), *made]
    made.append(Route("route/orthanc-json", f"{start}orthanc.json", "orthanc.json", "application/json"))
    known = ("application/json", "application/pdf")
    return [
        *(route if route.type in known else route._replace(type=_OCTETS) for route in made),
        Route("route/folder", f"{start}index.html", "folder", "text/html"),
        Route("route/folders", "/app/plugin-serve-folders.html", "served-folders.html", "text/html"),
        Route("route/plugin", "/plugins/serve-folders", "serve-folders.json", "application/json; charset=utf-8"),
    ]


def _object_name(at: Scene) -> str:
    source = draw(at.seed, "lures", "object")
    return source.choice(("CT", "IM", "MR", "IMG")) + f"{source.randint(1, 9999):0{source.choice((4, 6, 8))}d}"


@cache
def _tables() -> list[dict[str, Any]]:
    text = (resources.files(__package__) / "routes.toml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["route"]
    return found
