"""Searching the catalogue by its indexes, a piece at a time, finds what looking at every row finds, in that order."""

from __future__ import annotations

import unicodedata
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.attributes import Level
from dicomhawk.hospital.catalogue import Catalogue, CatalogueError, CatalogueWriter
from dicomhawk.hospital.dialect import Order
from dicomhawk.hospital.digests import digest
from dicomhawk.hospital.elements import DataSet, Element
from dicomhawk.hospital.products import find as products_find
from dicomhawk.hospital.products import search as products_search
from dicomhawk.hospital.products.catalogue import CatalogueResource
from dicomhawk.hospital.products.find import ProductArchive
from dicomhawk.hospital.products.search import Search
from dicomhawk.hospital.query import Model
from dicomhawk.hospital.rows import Instance, Patient, Series, Study
from tests.hospital.small_hospital import CLASSES, LATER, NOW
from tests.hospital.test_products_catalogue import PRODUCTS, answers, archive, element

NAMES = [
    *("Aalto^Anna", "AALTO^BERTIL", "Åberg^Åsa", "Straße^Jürgen", "Strasse^Jurgen", "Smith^John", "\u017fmith^Joan"),
    *("Irving^Ib", "\u0131rving^Ib", "E\u0301mile^Zola", "Emile^Zola", "Émile^Zola", "Ema", "Em\u0131", "Øster^Ole"),
    *("Yamada^Tarou=山田^太郎", "=山田^太郎", "Łukasz^Jan", "", "^Given", "Doe^John^^Dr", "Doe ^ John", "x" * 70),
    *("Fink^Kim", "\ufb01nk^Kim", "Nobody%_^X", "Brinkmann^Ursula", "Brinkm\u0131nn^Ursula", "brink", "Ab\\Cd^Ef"),
]
DATES = ["20240101", "20240102", "2024.01.02", "20231231", "2023.12.31", "20250615", "", "0999.01.01", "nonsense"]
TIMES = ["080000", "0800", "08:00", "235959.5", ""]
DESCRIPTIONS = ["CT THORAX", "ct thorax", "Schädel", "", ("long " * 20).strip(), "y" * 300]
TEXTS = {
    0x00100010: [*NAMES, "Nobody"],
    0x00100020: ["P0", "P1", "P10", "p1", "Q*", "P" + "z" * 70],
    0x00100030: DATES,
    0x00080020: DATES,
    0x00080030: TIMES,
    0x00080050: ["A1", "A2", "a1", "A10"],
    0x00080060: ["CT", "MR", "SR", "ct"],
    0x00080061: ["CT", "MR", "SR", "ct"],
    0x00081030: DESCRIPTIONS,
    0x0020000D: ["1.1", "1.2", "1.10", "1.15", "1.99"],
    0x0020000E: ["1.1.1", "1.2.2", "1.9.1"],
    0x00080018: ["1.1.1.1", "1.2.1.2"],
    0x00200010: ["1", "2", ""],
    0x00200011: ["1", "2"],
    0x00200013: ["1", "2"],
    0x00100040: ["M", "F", ""],
}


def build_odd(path: Path) -> None:
    """Patients with all these names, and studies with all these values; some come later."""
    with CatalogueWriter(path) as writer:
        for number, name in enumerate(NAMES):
            key = writer.next_key(Patient)
            writer.add(
                Patient(
                    patient_key=key,
                    patient_id=f"P{number}" if number != 7 else "P" + "z" * 70,
                    issuer=None,
                    name=name,
                    birth_date=DATES[number % len(DATES)],
                    sex="FM"[number % 2],
                    visible_from=1500.0 if number % 11 == 5 else 0.0,
                )
            )
            for _ in range(1 + number % 3):
                _add_study(writer, key)


def _add_study(writer: CatalogueWriter, patient_key: int) -> None:
    key = writer.next_key(Study)
    writer.add(
        Study(
            study_key=key,
            patient_key=patient_key,
            study_uid=f"1.{key}",
            study_date=DATES[key * 5 % len(DATES)],
            study_time=TIMES[key % len(TIMES)],
            accession_number=f"A{key % 12}",
            study_id=str(key % 4),
            referring_physician=NAMES[key % 9],
            description=DESCRIPTIONS[key % len(DESCRIPTIONS)],
            visible_from=1500.0 if key % 7 == 3 else 0.0,
        )
    )
    for number in range(1, 2 + key % 3):
        modality = ("CT", "MR", "SR")[(key * number) % 3]
        series_key = writer.next_key(Series)
        writer.add(
            Series(
                series_key=series_key,
                study_key=key,
                series_uid=f"1.{key}.{number}",
                modality=modality,
                series_number=number,
                description=DESCRIPTIONS[(key + number) % len(DESCRIPTIONS)],
                visible_from=1500.0 if key % 5 == number else 0.0,
            )
        )
        for instance in range(1, 2 + key % 2):
            writer.add(
                Instance(
                    instance_key=writer.next_key(Instance),
                    series_key=series_key,
                    sop_uid=f"1.{key}.{number}.{instance}",
                    sop_class_uid=CLASSES[modality],
                    transfer_syntax_uid="1.2.840.10008.1.2.1",
                    instance_number=instance,
                )
            )


class EveryRow(Search):
    """Looks at all rows, one after the other, and puts in order what it has found."""

    def _all_rows(self, tables_of: Level) -> list[tuple[CatalogueResource, tuple[Any, ...]]]:
        visible = " AND ".join(self._terms[: self._level + 1])
        sql = f"SELECT {self._columns} FROM {self._tables(tables_of, '')} WHERE {visible}"
        rows = self._connection.execute(sql, {"now": self._now}).fetchall()
        resources = ((self._resource(row), row) for row in rows)
        return [(resource, row) for resource, row in resources if self._matching.exact(resource)]

    def _in_order(self, order: Order, passed_over: frozenset[int]) -> list[CatalogueResource]:
        found = [resource for resource, row in self._all_rows(self._level) if row[1] not in passed_over]
        if order is Order.DIGEST:
            return sorted(found, key=lambda each: digest(each.ids))
        return sorted(found, key=lambda each: each.key)

    def run(
        self, order: Order, passed_over: frozenset[int]
    ) -> Generator[tuple[bytes, CatalogueResource] | None, None, None]:
        for each in self._in_order(order, passed_over):
            yield (digest(each.ids) if order is Order.DIGEST else b""), each

    def run_by_study(
        self, order: Order, passed_over: frozenset[int]
    ) -> Generator[tuple[str, CatalogueResource] | None, None, None]:
        firsts: dict[str, CatalogueResource] = {}
        for each in self._in_order(order, passed_over):
            firsts.setdefault(each.ids[1], each)
        yield from sorted(firsts.items())


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ProductArchive]]:
    folder = tmp_path_factory.mktemp("odd")
    build_odd(folder / "catalogue.sqlite")
    with Catalogue(folder / "catalogue.sqlite") as catalogue:
        yield {product: archive(catalogue, product, folder) for product in PRODUCTS}


@st.composite
def patterns(draw: st.DrawFn, tag: int) -> str:
    """A value of the catalogue, in some case, with wildcards in it, a part of it, or several; a range."""
    text = draw(st.sampled_from(TEXTS[tag]))
    if tag in (0x00080020, 0x00100030, 0x00080030) and draw(st.booleans()):
        ends = draw(st.tuples(*[st.sampled_from([*TEXTS[tag], ""])] * 2))
        return "-".join(ends)
    how = draw(st.sampled_from(("as it is", "prefix", "infix", "wild", "list")))
    if draw(st.booleans()):
        text = draw(st.sampled_from((text.upper(), text.lower(), unicodedata.normalize("NFC", text))))
    first, last = sorted(draw(st.tuples(*[st.integers(0, min(len(text), 12))] * 2)))
    if how == "prefix":
        return text[:last] + "*"
    if how == "infix":
        return f"*{text[first:last]}*"
    if how == "wild":
        return text[:first] + draw(st.sampled_from(("*", "?"))) + text[last:]
    return (
        text if how == "as it is" else "\\".join(draw(st.lists(st.sampled_from(TEXTS[tag]), min_size=2, max_size=3)))
    )


@st.composite
def queries(draw: st.DrawFn) -> tuple[Model, DataSet]:
    level = draw(st.sampled_from(Level))
    tags = dict.fromkeys(draw(st.lists(st.sampled_from(sorted(TEXTS)), max_size=4)), "")
    for tag in draw(st.lists(st.sampled_from(sorted(TEXTS)), max_size=3, unique=True)):
        tags[tag] = draw(patterns(tag))
    for above, tag in ((Level.STUDY, 0x00100020), (Level.SERIES, 0x0020000D), (Level.IMAGE, 0x0020000E)):
        if level >= above and draw(st.integers(0, 4)):
            tags.setdefault(tag, "")
    keys = {tag: element(tag, value) for tag, value in tags.items()}
    if draw(st.booleans()):
        keys[0x00080005] = Element(0x00080005, "CS", b"ISO_IR 192")
        keys |= {tag: Element(tag, vrs.of_tag(tag), value.encode()) for tag, value in tags.items()}
    keys[0x00080052] = Element(0x00080052, "CS", level.name.encode())
    return draw(st.sampled_from((Model.PATIENT_ROOT, Model.STUDY_ROOT))), keys


LIMITS = st.fixed_dictionaries(
    {
        "FIRST_ROWS": st.sampled_from((1, 3, 32)),
        "MOST_ROWS": st.sampled_from((1, 5, 256)),
        "MOST_CANDIDATES": st.sampled_from((0, 4, 8192)),
        "FEW_CANDIDATES": st.sampled_from((0, 64)),
        "COLLECTED_A_TURN": st.sampled_from((1, 7, 512)),
        "TRIED": st.sampled_from((0, 9, 2048)),
        "SELDOM": st.sampled_from((1, 128)),
    }
)


def study_query(**more: str) -> tuple[Model, DataSet]:
    keys = {int(name[1:], 16): element(int(name[1:], 16), value) for name, value in more.items()}
    keys[0x00080052] = Element(0x00080052, "CS", b"STUDY")
    return Model.STUDY_ROOT, keys


@pytest.mark.parametrize("product", PRODUCTS)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries(), limits=LIMITS, now=st.sampled_from((NOW, LATER)))
@example(query=study_query(g00100010="i*", g0020000D=""), limits={"MOST_CANDIDATES": 4}, now=NOW)
@example(
    query=study_query(g00100010="*nk*", g00080020="2024.01.02-20240102"), limits={"TRIED": 0, "SELDOM": 1}, now=NOW
)
def test_all_ways_find_the_same(
    archives: dict[str, ProductArchive],
    product: str,
    query: tuple[Model, DataSet],
    limits: dict[str, Any],
    now: float,
) -> None:
    with mock.patch.object(products_find, "Search", EveryRow):
        expected = answers(archives[product], *query, now)
    with mock.patch.multiple(products_search, **limits):
        assert answers(archives[product], *query, now) == expected


def test_instances_by_their_digests(archives: dict[str, ProductArchive], monkeypatch: pytest.MonkeyPatch) -> None:
    """No product that is known lists them so; an operator's may."""
    orthanc = archives["orthanc"]
    monkeypatch.setitem(orthanc.dialect.order, Level.IMAGE, Order.DIGEST)
    keys = {0x00080052: Element(0x00080052, "CS", b"IMAGE"), 0x00080060: element(0x00080060, "CT")}
    keys |= {tag: element(tag, "") for tag in (0x0020000D, 0x0020000E, 0x00080018)}
    with mock.patch.object(products_find, "Search", EveryRow):
        expected = answers(orthanc, Model.STUDY_ROOT, keys)
    assert len(expected) > 10
    assert answers(orthanc, Model.STUDY_ROOT, keys) == expected


def test_places_are_the_order_of_digests(archives: dict[str, ProductArchive]) -> None:
    connection = archives["orthanc"].objects.catalogue.connection
    for tables, ids in (
        ("patient", "patient_id"),
        ("study JOIN patient USING (patient_key)", "patient_id || '|' || study_uid"),
        (
            "series JOIN study USING (study_key) JOIN patient USING (patient_key)",
            "patient_id || '|' || study_uid || '|' || series_uid",
        ),
    ):
        table = tables.split()[0]
        rows = connection.execute(f"SELECT {ids} FROM {tables} ORDER BY {table}.place").fetchall()
        found = [digest(joined.split("|")) for (joined,) in rows]
        assert len(found) > 20
        assert found == sorted(found)


def test_a_catalogue_without_places_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    build_odd(path)
    with CatalogueWriter(path) as writer:
        writer._connection.execute("PRAGMA user_version = 1")
    with pytest.raises(CatalogueError, match=r"of version 1, not 2: .*`dicomhawk hospital build`"):
        Catalogue(path)
