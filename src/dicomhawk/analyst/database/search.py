"""Full-text search over what visitors sent: SQLite's FTS5, or PostgreSQL's text search.

The words of each session are in the table `words`; the index follows them by itself.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, Select, String, bindparam, column, func, select, table, text

from .schema import words

MAX_TERMS = 16
"""Words of one search; more are left out."""

_SQLITE = (
    "CREATE VIRTUAL TABLE words_index USING fts5(text, content='words', content_rowid='seq',"
    " tokenize=\"unicode61 remove_diacritics 2 tokenchars '._-'\")",
    "CREATE TRIGGER words_added AFTER INSERT ON words BEGIN"
    " INSERT INTO words_index(rowid, text) VALUES (new.seq, new.text); END",
    "CREATE TRIGGER words_removed AFTER DELETE ON words BEGIN"
    " INSERT INTO words_index(words_index, rowid, text) VALUES ('delete', old.seq, old.text); END",
    "CREATE TRIGGER words_changed AFTER UPDATE ON words BEGIN"
    " INSERT INTO words_index(words_index, rowid, text) VALUES ('delete', old.seq, old.text);"
    " INSERT INTO words_index(rowid, text) VALUES (new.seq, new.text); END",
)
_POSTGRESQL = ("CREATE INDEX words_index ON words USING gin (to_tsvector('simple', text))",)

_TERM = re.compile(r"[\w.\-]+")


def create(connection: Connection) -> None:
    """Make the index; once, with the tables."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.execute(text(statement))


def terms(query: str) -> list[str]:
    """The words of what somebody typed."""
    return [term for term in _TERM.findall(query) if term.strip("._-")][:MAX_TERMS]


def matching(connection: Connection, query: str) -> Select[tuple[str]] | None:
    """A selection of the sessions in whose words every word of `query` begins one; None: there is no word in it."""
    wanted = terms(query)
    if not wanted:
        return None
    if connection.dialect.name == "sqlite":
        index = table("words_index", column("rowid"), column("words_index"))
        match = " ".join(f'"{term}"*' for term in wanted)
        found = select(index.c.rowid).where(index.c.words_index.op("MATCH")(match))
        return select(words.c.session).where(words.c.seq.in_(found))
    # Each term is quoted: in a query of PostgreSQL's, a dot or hyphen would be taken for its own.
    expression = " & ".join("'" + term.replace("'", "''") + "':*" for term in wanted)
    vector = func.to_tsvector(text("'simple'"), words.c.text)
    asked = func.to_tsquery(text("'simple'"), bindparam("asked", expression, String))
    return select(words.c.session).where(vector.op("@@")(asked))
