"""Shortcuts to addresses, as file managers make them."""

from __future__ import annotations

URL_TYPE = "application/internet-shortcut"
URI_TYPE = "text/uri-list"


def url_shortcut(url: str, icon_host: str = "") -> bytes:
    """An Internet shortcut of Windows. With `icon_host` (a name of the canary's zone) its icon lies there, so that
    the name is looked up as soon as the folder is shown."""
    lines = ["[{000214A0-0000-0000-C000-000000000046}]", "Prop3=19,11", "[InternetShortcut]", f"URL={url}"]
    lines.append("IDList=")
    if icon_host:
        lines += [f"IconFile=\\\\{icon_host}\\share\\pacs.ico", "IconIndex=0"]
    return "\r\n".join([*lines, ""]).encode("ascii", "replace")


def uri_list(url: str, comment: str = "") -> bytes:
    """A list of one address (RFC 2483 section 5), as beside an object that is kept elsewhere."""
    lines = [f"# {comment}"] if comment else []
    return "\r\n".join([*lines, url, ""]).encode("utf-8")
