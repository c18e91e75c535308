"""What only an administrator sees: users, nodes, the audit log, the machine, and its configuration."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from ....evidence import events as ev
from ....hospital.world.draw import draw
from ....hospital.world.people import Registry
from ..message import Response
from .desk import ADMINISTRATION, FACE, Visit

STAFF: Final = 24
"""People who have an account."""
MAX_ADDED: Final = 20
"""Users or nodes of a visitor's own that are shown."""
ENTRIES: Final = 60
"""Lines of the audit log."""
_ACTIONS: Final = ("login", "login", "search", "open", "open", "open", "report", "export", "logout", "failed")
_KINDS: Final = ("reader", "reader", "reader", "reader", "technician", "secretary", "administrator")


class Person(NamedTuple):
    """Somebody with an account."""

    username: str
    name: str
    """A PN."""
    kind: str


def staff(visit: Visit) -> list[Person]:
    """The accounts of the hospital, as they were drawn; the baits that the portal knows are among them."""
    desk = visit.desk
    source = draw(desk.seed, "portal", "staff")
    manner = source.choice(("initial", "letters", "dotted", "number"))
    registry = Registry(desk.locale, desk.seed)
    found: dict[str, Person] = {}
    for number in range(STAFF):
        name = registry.physician(number, "reader" if number < 8 else "operator")
        username = _username(name, manner, source)
        if username and username not in found:
            kind = "reader" if number < 8 else source.choice(_KINDS)
            found[username] = Person(username, name, kind)
    for bait in desk.baits:
        found.setdefault(bait.username, Person(bait.username, bait.name, bait.role))
    return sorted(found.values())


def _username(name: str, manner: str, source: random.Random) -> str:
    family, given = (_plain(part) for part in (*name.split("^"), "")[:2])
    if manner == "initial":
        return given[:1] + family
    if manner == "letters":
        return given[:2] + family[:3]
    if manner == "dotted":
        return f"{given}.{family}"
    return f"{family[:3]}{source.randrange(100, 999)}"


def _plain(text: str) -> str:
    text = text.lower().replace("ø", "oe").replace("æ", "ae").replace("å", "aa").replace("ß", "ss")
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if sign.isascii() and sign.isalpha())


def _page(visit: Visit, panels: Sequence[dict[str, Any]], *, notice: str = "", kind: str = "good") -> Response:
    empty = {"title": "", "columns": (), "rows": (), "form": (), "button": "", "link": ()}
    return visit.shown(
        "grid.html",
        visit.desk.of(f"nav.{visit.page}"),
        area="system",
        panels=[empty | panel for panel in panels],
        administration=ADMINISTRATION,
        notice=notice,
        notice_kind=kind,
    )


async def users(visit: Visit) -> Response:
    """Accounts. One that is added is there for who added it."""
    desk, of = visit.desk, visit.desk.of
    notice, kind = await _add(visit, "users", ("user", "name", "email"))
    source = draw(desk.seed, "portal", "seen", f"{desk.listing.local(desk.clock()):%Y%m%d}")
    now = desk.listing.local(desk.clock())
    rows = [
        (
            person.username,
            desk.speech.person(person.name),
            of(f"role.{person.kind}"),
            desk.speech.moment(now - timedelta(minutes=source.randint(3, 60 * 24 * 9)))[:-3],
            of("admin.active") if source.random() < 0.9 else of("admin.locked"),
        )
        for person in staff(visit)
    ]
    rows += [
        (each["user"], each["name"], of("role.reader"), "", of("admin.active")) for each in _added(visit, "users")
    ]
    columns = [of(f"admin.{name}") for name in ("username", "fullname", "role", "last", "state")]
    form = [
        ("user", of("admin.username"), "text"),
        ("name", of("admin.fullname"), "text"),
        ("email", of("forgot.email"), "text"),
        ("new", of("login.password"), "password"),
    ]
    panels: list[dict[str, Any]] = [
        {"title": f"{of('nav.users')} ({len(rows)})", "columns": columns, "rows": rows},
        {"title": of("admin.add_user"), "form": form, "button": of("admin.add")},
    ]
    return _page(visit, panels, notice=notice, kind=kind)


async def nodes(visit: Visit) -> Response:
    """The remote AEs: the hospital's own devices. None of them is ever contacted."""
    desk, of = visit.desk, visit.desk.of
    notice, kind = await _add(visit, "nodes", ("name", "text", "identifier"))
    rows = [
        (
            device.ae_title,
            device.host,
            str(device.port),
            device.modality or "",
            device.model or "",
            device.department or "",
        )
        for device in desk.holdings.devices()
    ]
    rows += [(each["name"], each["text"], each["identifier"], "", "", "") for each in _added(visit, "nodes")]
    columns = [of(f"admin.{name}") for name in ("ae", "host", "port", "modality", "model", "department")]
    form = [
        ("name", of("admin.ae"), "text"),
        ("text", of("admin.host"), "text"),
        ("identifier", of("admin.port"), "text"),
    ]
    panels: list[dict[str, Any]] = [
        {"title": f"{of('nav.nodes')} ({len(rows)})", "columns": columns, "rows": rows},
        {"title": of("admin.add_node"), "form": form, "button": of("admin.add")},
    ]
    return _page(visit, panels, notice=notice, kind=kind)


async def _add(visit: Visit, what: str, fields: tuple[str, ...]) -> tuple[str, str]:
    """Take in a form that adds something; what is said about it."""
    if visit.request.method != "POST":
        return "", "good"
    await visit.read_form()
    if not visit.form_is_ours:
        return visit.desk.of("login.expired"), "bad"
    said = {name: visit.sent(name)[:100] for name in fields}
    if not said[fields[0]]:
        return visit.desk.of("login.empty"), "bad"
    detail = ", ".join(f"{name}={visit.raw(name)}" for name in fields if visit.raw(name))
    visit.changed(f"add-{what}", visit.raw(fields[0]), detail, password=visit.raw("new"))
    kept = _added(visit, what)
    if len(kept) >= MAX_ADDED or not visit.desk.keep(visit.visitor, what, [*kept, said]):
        return visit.desk.of("error.unable"), "bad"
    return visit.desk.of("settings.saved"), "good"


def _added(visit: Visit, what: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = visit.desk.kept(visit.visitor, what, [])
    return found[:MAX_ADDED]


async def audit(visit: Visit) -> Response:
    """Who did what: entries that go on with the day."""
    desk, of = visit.desk, visit.desk.of
    people, now = staff(visit), desk.listing.local(desk.clock())
    rows: list[tuple[str, ...]] = [
        (desk.speech.moment(now), visit.session.username, visit.visitor, of("audit.open"), of("nav.audit"))
    ]
    for moment, source in _moments(desk.seed, now):
        person = source.choice(people)
        action = source.choice(_ACTIONS)
        address = f"10.{source.randint(10, 60)}.{source.randint(1, 9)}.{source.randint(11, 240)}"
        subject = ""
        if action in ("open", "report", "export"):
            subject = f"{of('column.accession')} {source.randint(10**6, 10**7)}"
        rows.append((desk.speech.moment(moment), person.username, address, of(f"audit.{action}"), subject))
    columns = [of(f"admin.{name}") for name in ("moment", "username", "address", "event", "subject")]
    return _page(visit, [{"title": of("nav.audit"), "columns": columns, "rows": rows[:ENTRIES]}])


def _moments(seed: str, now: datetime) -> list[tuple[datetime, random.Random]]:
    """Moments of the last hours, the newest first; each comes from its own quarter of an hour, so that the log stays
    what it was when it is looked at again."""
    found: list[tuple[datetime, random.Random]] = []
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    for _ in range(96):
        source = draw(seed, "portal", "audit", f"{quarter:%Y%m%d%H%M}")
        busy = 5 if 7 <= quarter.hour < 17 and quarter.weekday() < 5 else 1
        seconds = sorted((source.randrange(900) for _ in range(source.randint(0, busy))), reverse=True)
        for second in seconds:
            moment = quarter + timedelta(seconds=second)
            if moment <= now:
                found.append((moment, draw(seed, "portal", "audit", moment.timestamp())))
        quarter -= timedelta(minutes=15)
        if len(found) >= ENTRIES:
            break
    return found


async def system(visit: Visit) -> Response:
    """The machine that the archive runs on."""
    desk, of = visit.desk, visit.desk.of
    source = draw(desk.seed, "portal", "machine")
    deployment, product, now = desk.backing.deployment, desk.skin.product, desk.listing.local(desk.clock())
    total = source.choice((2.7, 3.6, 5.4, 7.2, 10.9, 16.3))
    used = total * source.uniform(0.55, 0.8)
    boot = now - timedelta(days=int(now.timestamp() / 86400 + source.randrange(90)) % 90, hours=source.randrange(20))
    decimal = of("format.decimal")
    rows = [
        (of("about.product"), f"{product.name} {product.version} ({product.build})"),
        (
            of("system.host"),
            f"{desk.skin.symbols.prefix[:3]}{source.choice(('srv', 'pacs', 'app', 'web'))}{source.randint(1, 4):02d}",
        ),
        (of("about.ae"), deployment.ae_title),
        (of("system.started"), desk.speech.moment(boot)),
        (of("system.processors"), str(source.choice((4, 8, 8, 12, 16)))),
        (of("system.memory"), f"{source.choice((16, 32, 32, 64))} GB"),
        (of("system.storage"), f"{used:.1f} / {total:.1f} TB".replace(".", decimal)),
        (of("system.database"), f"{source.uniform(8, 60):.1f} GB".replace(".", decimal)),
        (of("system.sessions"), str(1 + draw(desk.seed, f"{now:%Y%m%d%H}").randint(2, 14))),
        (
            of("system.backup"),
            desk.speech.moment(now.replace(hour=2, minute=source.randrange(60), second=source.randrange(60))),
        ),
    ]
    panels: list[dict[str, Any]] = [{"title": of("nav.system"), "rows": rows}]
    return _page(visit, panels)


async def configuration(visit: Visit) -> Response:
    """The configuration, to be saved: a bait, with a pair in it that works."""
    desk, of = visit.desk, visit.desk.of
    if visit.request.method == "POST":
        await visit.read_form()
        if visit.form_is_ours:
            content = _export(visit)
            visit.emit(
                ev.WebRetrieve(
                    face=FACE,
                    what="configuration",
                    mime_type="application/xml",
                    bytes=len(content),
                    outcome="success",
                )
            )
            name = f"{desk.skin.symbols.prefix}-{desk.listing.local(desk.clock()):%Y%m%d}.xml"
            more = {"Content-Disposition": f'attachment; filename="{name}"'}
            return visit.answer(content, "application/xml", more=more)
    rows = [(of("about.version"), desk.skin.product.version), (of("about.ae"), desk.backing.deployment.ae_title)]
    panel = {"title": of("nav.configuration"), "rows": rows, "form": (("rows", "", "hidden"),)}
    return _page(visit, [panel | {"button": of("admin.export")}])


def _export(visit: Visit) -> bytes:
    desk = visit.desk
    of = desk.skin.symbols.of
    source = draw(desk.seed, "portal", "configuration")
    bait = next((each for each in desk.baits if each.place == "config"), None)
    words = ["archive", "database", "directory", "dicom", "node", "title", "host", "port", "account", "secret"]
    name = {word: of(f"conf {word}".replace(" ", "_")).replace("--", "-") for word in words}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<{name["archive"]} version="{desk.skin.product.version}">',
        f'  <{name["dicom"]} {name["title"]}="{desk.backing.deployment.ae_title}" {name["port"]}="104">',
    ]
    for device in desk.holdings.devices():
        lines.append(
            f'    <{name["node"]} {name["title"]}="{_xml(device.ae_title)}" {name["host"]}="{_xml(device.host)}" '
            f'{name["port"]}="{device.port}"/>'
        )
    lines.append(f"  </{name['dicom']}>")
    address = f"10.{source.randint(10, 60)}.{source.randint(1, 9)}.{source.randint(11, 240)}"
    if bait is not None:
        lines.append(
            f'  <{name["database"]} {name["host"]}="{address}" {name["account"]}="{_xml(bait.username)}" '
            f'{name["secret"]}="{_xml(bait.password)}"/>'
        )
    lines.append(f"</{name['archive']}>")
    return ("\n".join(lines) + "\n").encode()


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
