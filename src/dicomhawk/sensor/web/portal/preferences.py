"""What a user may set, and what the product says of itself."""

from __future__ import annotations

from ....hospital.world.draw import draw
from ..message import Response
from .desk import Visit
from .records import PERIODS, preferences

_MAX_PASSWORD_FAILURES = 5


async def settings(visit: Visit) -> Response:
    """The user's own settings."""
    desk, notice, kind = visit.desk, "", "good"
    if visit.request.method == "POST":
        await visit.read_form()
        if not visit.form_is_ours:
            notice, kind = desk.of("login.expired"), "bad"
        elif visit.sent("action") == "2":
            notice, kind = _password(visit), "bad"
        else:
            notice = _display(visit)
    source = draw(desk.seed, "portal", "member since", visit.session.username)
    since = f"{source.randint(2019, 2024)}{source.randint(1, 12):02d}{source.randint(1, 28):02d}"
    return visit.shown(
        "settings.html",
        desk.of("nav.settings"),
        notice=notice,
        notice_kind=kind,
        since=desk.speech.day(since),
        periods=PERIODS,
        **preferences(visit),
    )


def _display(visit: Visit) -> str:
    desk = visit.desk
    rows = visit.sent("rows")
    kept = {
        "rows": int(rows) if rows.isdecimal() and len(rows) < 4 else 0,
        "period": visit.sent("period")[:8],
        "mail": visit.sent("mail")[:100],
    }
    visit.changed("settings", visit.session.username, ", ".join(f"{name}={value}" for name, value in kept.items()))
    return desk.of("settings.saved") if desk.keep(visit.visitor, "settings", kept) else desk.of("error.unable")


def _password(visit: Visit) -> str:
    """A change of the password, which the directory refuses."""
    desk, new, again = visit.desk, visit.raw("new"), visit.raw("again")
    visit.changed(
        "password", visit.session.username, None, outcome="failure", password=new, old_password=visit.raw("old")
    )
    if new != again:
        return desk.of("settings.differ")
    return desk.of("settings.weak") if len(new) < 8 else desk.of("settings.directory", extension=desk.skin.extension)


async def about(visit: Visit) -> Response:
    """Product, version, maker."""
    desk = visit.desk
    product, of = desk.skin.product, desk.of
    rows = [
        (of("about.product"), product.name),
        (of("about.version"), product.version),
        (of("about.build"), product.build),
        (of("about.maker"), product.vendor),
        (of("about.licensed"), desk.skin.hospital),
        (of("about.ae"), desk.backing.deployment.ae_title),
        (of("about.help"), of("about.extension", extension=desk.skin.extension)),
    ]
    panels = [{"title": "", "columns": (), "rows": rows, "form": (), "button": "", "link": ()}]
    return visit.shown("grid.html", of("nav.about"), panels=panels, administration=())
