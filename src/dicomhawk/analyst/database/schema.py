"""The tables of findings.

Moments are microseconds since the epoch, in UTC. Whatever is a list or a record is JSON text. What depends on one
session alone has its identifier in a column ``session`` and is written anew as a whole whenever the session is
analysed again; nothing but `places`, `lookups`, `alerts` and `examined` of `files` says when the analyst did so.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 1
"""Of the tables: a database of another version is refused, and can be made again from the journal."""

metadata = MetaData()

_Key = BigInteger().with_variant(Integer, "sqlite")
"""Only a key of SQLite's own integer type is numbered by itself."""

meta = Table("meta", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))
"""``version`` of the tables; versions of what findings were made with."""

places = Table(
    "places",
    metadata,
    Column("source", String, primary_key=True, doc="The journal that is read."),
    Column("segment", String, primary_key=True),
    Column("offset", BigInteger, nullable=False, doc="Bytes of the segment that are in the database."),
    Column("torn", Integer, nullable=False, default=0, doc="Lines in them that weren't whole."),
)
"""How far each segment of a journal was read: written together with the events."""

events = Table(
    "events",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True, doc="In the order in which they were read."),
    Column("id", String, nullable=False, unique=True, doc="``event.id``."),
    Column("moment", BigInteger, nullable=False),
    Column("sensor", String, nullable=False, doc="``observer.name``."),
    Column("session", String, doc="None: the sensor itself speaks."),
    Column("connection", String),
    Column("action", String, nullable=False, doc="``event.action``."),
    Column("severity", Integer, nullable=False),
    Column("document", Text, nullable=False, doc="The event, as JSON."),
    Index("events_session", "session", "moment", "id"),
    Index("events_moment", "moment", "id"),
    Index("events_action", "action", "moment"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session", String, primary_key=True),
    Column("sensor", String, nullable=False),
    Column("address", String, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False, default=False),
    Column("doors", Text, nullable=False, default="[]", doc="Protocols and ports, as in ``dicom:11112``."),
    Column("events", Integer, nullable=False, default=0),
    Column("connections", Integer, nullable=False, default=0),
    Column("associations", Integer, nullable=False, default=0),
    Column("rejected", Integer, nullable=False, default=0),
    Column("requests", Integer, nullable=False, default=0, doc="HTTP requests."),
    Column("commands", Text, nullable=False, default="{}", doc="Counts of ``c-echo``, ``c-find``, ..."),
    Column("matches", Integer, nullable=False, default=0, doc="Answers to queries, on any door."),
    Column("objects_sent", Integer, nullable=False, default=0, doc="Instances that the visitor got."),
    Column("objects_received", Integer, nullable=False, default=0, doc="Files that the visitor left."),
    Column("bytes_in", BigInteger, nullable=False, default=0),
    Column("bytes_out", BigInteger, nullable=False, default=0),
    Column("category", String, nullable=False, default="Other", doc="Of its origin."),
    Column("operator", String, nullable=False, default="", doc="Of its origin: the finer actor, as in ``censys``."),
    Column("confidence", String, nullable=False, default="", doc="Of its origin: high, medium, low."),
    Column("country", String, nullable=False, default="", doc="ISO 3166 alpha-2; empty: not known."),
    Column("asn", BigInteger, doc="Number of the autonomous system."),
    Column("network", String, nullable=False, default="", doc="Name of the autonomous system."),
    Column("tool", String, nullable=False, default="", doc="The client, as in ``DCMTK echoscu``."),
    Column("depth", String, nullable=False, default="touch", doc="How far it went."),
    Column("rank", Integer, nullable=False, default=0, doc="The same as a number, 0 (touch) to 7 (impact)."),
    Column("interaction", Boolean, nullable=False, default=False, doc="False: a scan."),
    Column(
        "severity",
        Integer,
        nullable=False,
        default=0,
        doc="0 info to 4 critical: the worst of its techniques and files.",
    ),
    Column("verdict", Text, nullable=False, default="", doc="A sentence."),
    Column("interest", Float, nullable=False, default=0.0, doc="How much worth reading, for lists of the best."),
    Column("actor", String, doc="Identifier of the actor that it was attributed to."),
    Column("stale", Boolean, nullable=False, default=False, doc="Events came since it was analysed."),
    # Lists and sums of the console are made from these alone.
    Index("sessions_first", "first", "interaction", "rank"),
    Index("sessions_last", "last"),
    Index(
        "sessions_address",
        "address",
        "category",
        "country",
        "first",
        "last",
        "rank",
        "severity",
        "connections",
        "interaction",
    ),
    Index("sessions_sensor", "sensor", "first"),
    Index("sessions_country", "country", "first"),
    Index("sessions_tool", "tool", "first", "address"),
    Index("sessions_actor", "actor"),
    Index("sessions_stale", "stale"),
    Index("sessions_category", "category", "first"),
    Index("sessions_rank", "rank", "first"),
    Index("sessions_severity", "severity", "first"),
    Index("sessions_interest", "interest"),
)

origins = Table(
    "origins",
    metadata,
    Column("address", String, primary_key=True),
    Column("category", String, nullable=False),
    Column("operator", String, nullable=False),
    Column("confidence", String, nullable=False),
    Column(
        "evidence", Text, nullable=False, default="[]", doc="What speaks for it, as in ``range 162.142.125.0/24``."
    ),
    Column("country", String, nullable=False, default=""),
    Column("asn", BigInteger),
    Column("network", String, nullable=False, default=""),
    Column("name", String, nullable=False, default="", doc="Reverse DNS, where it was looked up."),
    Column("tags", Text, nullable=False, default="[]", doc="As in ``tor``, ``vpn``, ``hosting``."),
    Index("origins_category", "category"),
)
"""Each visitor. A session's own columns say the same; they are copies for listing and counting."""

techniques = Table(
    "techniques",
    metadata,
    Column("session", String, ForeignKey("sessions.session"), primary_key=True),
    Column("rule", String, primary_key=True, doc="``D01`` ... or the operator's own."),
    Column("name", String, nullable=False),
    Column("severity", Integer, nullable=False, doc="0 info to 4 critical."),
    Column("attack", Text, nullable=False, default="[]", doc="ATT&CK identifiers, as in ``T1213``."),
    Column("times", Integer, nullable=False, default=1, doc="Events that it was seen in."),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("detail", Text, nullable=False, default="", doc="What was seen, in a few words."),
    Column("evidence", Text, nullable=False, default="[]", doc="Identifiers of some of the events."),
    Index("techniques_rule", "rule"),
)

clients = Table(
    "clients",
    metadata,
    Column("session", String, ForeignKey("sessions.session"), primary_key=True),
    Column("kind", String, primary_key=True, doc="dfp, ja3, ja4, user-agent, browser."),
    Column("value", String, primary_key=True),
    Column("tool", String, nullable=False, default="", doc="Whose it is, where that is known."),
    Column("times", Integer, nullable=False, default=1),
    Index("clients_value", "kind", "value"),
)

ae_titles = Table(
    "ae_titles",
    metadata,
    Column("session", String, ForeignKey("sessions.session"), primary_key=True),
    Column("called", String, primary_key=True),
    Column("calling", String, primary_key=True),
    Column("accepted", Integer, nullable=False, default=0),
    Column("rejected", Integer, nullable=False, default=0),
    Index("ae_titles_called", "called", "session", "accepted", "rejected"),
    Index("ae_titles_calling", "calling", "session", "accepted", "rejected"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("session", String, ForeignKey("sessions.session"), primary_key=True),
    Column("service", String, primary_key=True, doc="dicom, or the face of the web door."),
    Column("username", String, primary_key=True),
    Column("password", String, primary_key=True, doc="Or its SHA-256, where the settings say so."),
    Column("times", Integer, nullable=False, default=1),
    Column("succeeded", Integer, nullable=False, default=0),
    Column("lure", String, nullable=False, default="", doc="Of which bait it is."),
    Column("first", BigInteger, nullable=False),
    Index("credentials_pair", "username", "password"),
)

files = Table(
    "files",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("type", String, nullable=False, default="", doc="What it truly is; empty: not examined yet."),
    Column("severity", Integer, nullable=False, default=0, doc="0 info to 4 critical: the worst of its findings."),
    Column("verdict", Text, nullable=False, default="", doc="A sentence."),
    Column("fuzzy", String, nullable=False, default="", doc="Fuzzy hash (ssdeep's)."),
    Column("report", Text, nullable=False, default="{}", doc="The whole examination."),
    Column("examined", BigInteger, doc="When; None: not yet."),
    Index("files_examined", "examined"),
    Index("files_severity", "severity"),
)
"""Captured files by content. Examinations are made again when the examiner's version is another (`meta`)."""

captures = Table(
    "captures",
    metadata,
    Column("event", String, primary_key=True, doc="The event that tells of it."),
    Column("session", String, ForeignKey("sessions.session"), nullable=False),
    Column("sha256", String, nullable=False),
    Column("moment", BigInteger, nullable=False),
    Column("door", String, nullable=False, default="", doc="dicom, web, or body: of a request that stored nothing."),
    Column("name", String, nullable=False, default="", doc="As the visitor called it."),
    Column("sop_class", String, nullable=False, default=""),
    Column("sop_instance", String, nullable=False, default=""),
    Index("captures_session", "session"),
    Index("captures_sha256", "sha256"),
)

lures = Table(
    "lures",
    metadata,
    Column("event", String, primary_key=True),
    Column("session", String, ForeignKey("sessions.session"), nullable=False, doc="Who took it or used it."),
    Column("moment", BigInteger, nullable=False),
    Column("action", String, nullable=False, doc="``event.action``: laid, taken, used, called, reused."),
    Column("lure", String, nullable=False, default="", doc="Its identifier or kind."),
    Column("token", String, nullable=False, default=""),
    Column("origin_session", String, nullable=False, default="", doc="Who it had been handed to."),
    Column("detail", Text, nullable=False, default=""),
    Index("lures_session", "session"),
    Index("lures_token", "token"),
)

traits = Table(
    "traits",
    metadata,
    Column("session", String, ForeignKey("sessions.session"), primary_key=True),
    Column("kind", String, primary_key=True, doc="address, operator, dfp, ja4, wordlist, habit, token, upload ..."),
    Column("value", String, primary_key=True),
    Index("traits_value", "kind", "value"),
)
"""By what sessions can be told to be of one actor."""

actors = Table(
    "actors",
    metadata,
    Column("actor", String, primary_key=True),
    Column("label", String, nullable=False),
    Column("category", String, nullable=False, default="Other"),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("sessions", Integer, nullable=False),
    Column("addresses", Integer, nullable=False),
    Column("sensors", Text, nullable=False, default="[]"),
    Column("rank", Integer, nullable=False, default=0, doc="The deepest of its sessions."),
    Column("severity", Integer, nullable=False, default=0),
    Column("basis", Text, nullable=False, default="[]", doc="What its sessions have in common."),
    Index("actors_last", "last"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False, doc="What it is an alert of: a second one with it isn't made."),
    Column("rule", String, nullable=False),
    Column("session", String, nullable=False),
    Column("actor", String, nullable=False, default=""),
    Column("moment", BigInteger, nullable=False, doc="Of the event that it is about."),
    Column("severity", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False, default=""),
    Column("facts", Text, nullable=False, default="{}", doc="All that is needed to act, as JSON."),
    Column(
        "state",
        String,
        nullable=False,
        doc="due, held (quiet hours, rate), digested, allowed (by the allow-list), late (older than is told),"
        " withdrawn (the findings say otherwise now).",
    ),
    Column("because", String, nullable=False, default="", doc="Which entry or limit, where it isn't due."),
    Column("repeats", Integer, nullable=False, default=0, doc="How often the same came again."),
    Column("until", BigInteger, nullable=False, default=0, doc="Moment up to which a held one is held."),
    Column(
        "visitor", String, nullable=False, default="", doc="Against whose rate it counts: an actor, or a network."
    ),
    UniqueConstraint("key", name="alerts_key"),
    Index("alerts_moment", "moment"),
    Index("alerts_session", "session"),
    Index("alerts_state", "state", "seq"),
)

lookups = Table(
    "lookups",
    metadata,
    Column("provider", String, primary_key=True),
    Column("subject", String, primary_key=True, doc="An address or a hash."),
    Column("fetched", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("answer", Text, nullable=False, default="{}"),
)
"""Answers of online services, where the operator has them asked. A failure isn't kept."""

words = Table(
    "words",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True),
    Column("session", String, nullable=False, unique=True),
    Column("text", Text, nullable=False, doc="Everything in its events that one might search for."),
)
"""What full-text search looks at; `search.py` adds the index that each database has for it."""

BY_SESSION: tuple[Table, ...] = (techniques, clients, ae_titles, credentials, captures, lures, traits, words)
"""Tables whose rows are written anew with their session."""
