"""Words that addresses, forms and files are made of; each deployment takes one of each, in one spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ....lures.routes import Platform

PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "login": ("login", "signin", "logon", "authenticate", "welcome", "start"),
    "logout": ("logout", "signout", "logoff", "exit"),
    "forgot": ("forgot", "password help", "reset password", "lost password", "recover"),
    "worklist": ("worklist", "studies", "study list", "patient list", "examinations", "search", "list"),
    "schedule": ("schedule", "appointments", "today", "planning", "bookings", "ris list"),
    "study": ("study", "examination", "exam", "study details", "case", "details"),
    "viewer": ("viewer", "image viewer", "images", "display", "view images", "web viewer"),
    "image": ("image", "render", "get image", "picture", "img", "image service"),
    "thumbnail": ("thumbnail", "thumb", "preview", "icon", "key image"),
    "report": ("report", "document", "findings", "view report", "result"),
    "print": ("report print", "pdf", "print", "report pdf", "document print"),
    "download": ("download", "export", "get study", "save", "archive", "study export"),
    "object": ("object", "get object", "file", "dicom", "retrieve", "instance"),
    "upload": ("upload", "import", "send files", "submit", "store files"),
    "settings": ("settings", "preferences", "profile", "my account", "options", "user settings"),
    "users": ("users", "accounts", "user admin", "user management", "manage users"),
    "nodes": ("nodes", "dicom nodes", "destinations", "devices", "connections", "ae titles"),
    "audit": ("audit", "audit log", "log", "journal", "access log", "audit trail"),
    "system": ("system", "system info", "status", "monitor", "server status", "diagnostics"),
    "configuration": ("configuration", "config export", "backup", "export settings", "save config"),
    "about": ("about", "version", "product info", "info", "legal"),
    "telemetry": ("metrics", "client info", "env", "ping", "usage", "client check", "stat", "session info"),
}
PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("user", "user name", "login", "account", "user id", "uid", "logon name"),
    "password": ("password", "pass", "pwd", "passwd", "secret", "user pass"),
    "remember": ("remember", "keep", "stay", "remember me", "persistent"),
    "token": ("token", "csrf", "form key", "request key", "view token", "state", "nonce", "verification"),
    "next": ("next", "return url", "back", "target", "from", "redirect", "goto"),
    "email": ("email", "mail", "contact", "address", "user mail"),
    "name": ("name", "patient name", "pat name", "pn", "last name", "patient"),
    "identifier": ("patient id", "pid", "pat id", "id number", "mrn", "person id"),
    "accession": ("accession", "acc no", "accession no", "order no", "request no", "acc"),
    "modality": ("modality", "mod", "modalities", "device type", "mt"),
    "from": ("from", "date from", "start", "from date", "begin", "d1"),
    "to": ("to", "date to", "end", "to date", "until", "d2"),
    "status": ("status", "state code", "st", "reading status", "report status", "flag"),
    "period": ("period", "range", "days", "time", "interval", "quick date"),
    "text": ("text", "description", "exam", "study desc", "procedure", "desc"),
    "sort": ("sort", "order", "sort by", "order by", "col", "sort column"),
    "descending": ("desc", "dir", "direction", "sort dir", "rev", "down"),
    "page": ("page", "p", "page no", "pg", "offset page", "cur"),
    "study": ("study", "study uid", "uid study", "exam id", "suid", "case id"),
    "series": ("series", "series uid", "uid series", "set", "ser", "series id"),
    "object": ("object", "sop", "image uid", "obj", "instance", "sop uid"),
    "frame": ("frame", "f", "frame no", "fn", "slice", "img no"),
    "size": ("size", "max", "width", "s", "px", "dim"),
    "level": ("wc", "center", "level", "win level", "c", "window center"),
    "window": ("ww", "width win", "window", "win width", "w", "window width"),
    "format": ("format", "type", "out", "as", "fmt", "mode"),
    "file": ("file", "files", "upload file", "dicom file", "attachment", "data"),
    "language": ("language", "lang", "locale", "ui lang"),
    "rows": ("rows", "page size", "lines", "per page", "count"),
    "old": ("old password", "current", "pwd old", "current pwd"),
    "new": ("new password", "pwd new", "password1", "new pwd"),
    "again": ("repeat password", "pwd again", "password2", "confirm pwd"),
    "mail": ("notify mail", "my mail", "user email", "contact mail"),
    "window_preset": ("preset", "default window", "win preset", "start window"),
    "action": ("action", "do", "cmd", "operation", "op"),
    "facts": ("facts", "payload", "info", "env", "values", "props"),
}
FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "style": ("main", "style", "site", "app", "theme", "portal", "default", "layout", "screen"),
    "script": ("app", "main", "common", "site", "base", "core", "util", "global"),
    "viewer_script": ("viewer", "display", "imageview", "stack", "vwr", "canvas", "imaging"),
    "logo": ("logo", "brand", "header", "company", "product", "masthead"),
    "bar_logo": ("logo-bar", "brand-sm", "top", "logo-white", "small", "nav-logo"),
    "icon": ("favicon", "icon", "app", "fav", "shortcut"),
}
FOLDERS: Final = (
    "static",
    "assets",
    "resources",
    "content",
    "res",
    "public",
    "media",
    "ui",
    "common",
    "inc",
    "skin",
)
BASES: Final = (
    "/{w}",
    "/{w}web",
    "/{w}/web",
    "/web",
    "/portal",
    "/pacs",
    "/{w}portal",
    "/ris",
    "/app",
    "/{p}",
    "/imaging",
)
ENDS: Final[Mapping[Platform, tuple[str, ...]]] = {
    "java": ("", "", ".do", ".action", ".jsp", ".jsf", ".html"),
    "iis": ("", "", ".aspx", ".aspx", ".htm"),
    "apache": ("", "", ".php", ".php", ".html"),
    "nginx": ("", "", "", ".php", ".html"),
    "cocoa": ("",),
    "orthanc": ("",),
}
"""What addresses end in, by what the server runs."""
MANNERS: Final = ("camel", "pascal", "-", "_", "")


def spelt(words: str, manner: str) -> str:
    """``study list`` as studyList, StudyList, study-list, study_list, studylist or txtStudyList."""
    parts = words.split()
    if manner == "camel":
        return parts[0] + "".join(part.capitalize() for part in parts[1:])
    if manner == "pascal":
        return "".join(part.capitalize() for part in parts)
    if manner == "hungarian":
        return "txt" + "".join(part.capitalize() for part in parts)
    return manner.join(parts)
