"""Queries over what a product would have stored: a visitor's objects, and the hospital's catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Final, TypeAlias

from dicomhawk.hospital.answer import Match
from dicomhawk.hospital.attributes import ATTRIBUTES, MODALITY, PATIENT_NAME, Level
from dicomhawk.hospital.budget import ROWS_A_TURN
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.conditions import Conditions
from dicomhawk.hospital.dialect import ComparedOn, Order, QueryDialect
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.errors import QueryError, QueryProblem, UnkeptKeyError
from dicomhawk.hospital.matching import Hint
from dicomhawk.hospital.names import folded_groups
from dicomhawk.hospital.products import request, texts
from dicomhawk.hospital.products.answer import Answers
from dicomhawk.hospital.products.catalogue import CatalogueObjects, Search, digest
from dicomhawk.hospital.products.compare import trimmed
from dicomhawk.hospital.products.index import Entry, Indexer
from dicomhawk.hospital.products.objects import StoredObject, Vault
from dicomhawk.hospital.products.request import Query, Test
from dicomhawk.hospital.products.resource import Resource
from dicomhawk.hospital.products.stored import StoredResource, VisitorEntries, resources, visible
from dicomhawk.hospital.schema import NAME_COLUMNS
from dicomhawk.hospital.sources import unable
from dicomhawk.hospital.uploads import Uploads

Ordered: TypeAlias = tuple[bytes, Resource]
"""A resource and its digest."""

_HINTED: Final = frozenset(("AE", "AS", "CS", "DA", "LO", "SH", "TM", "UI"))
"""VRs whose columns have the text of the attribute, so that an index narrows as the test does."""


class ProductArchive:
    """Answers the queries of one process as `dialect` says. `vault` is the folder of the visitors' objects."""

    def __init__(
        self, dialect: QueryDialect, catalogue: Catalogue, uploads: Uploads, vault: Path, ae_title: str
    ) -> None:
        self.dialect = dialect
        self.ae_title = ae_title
        self.objects = CatalogueObjects(catalogue, dialect)
        self.visitors = VisitorEntries(uploads, Vault(vault), self.objects)

    def find(
        self, levels: tuple[Level, ...], identifier: DataSet, *, now: float, visitor: str
    ) -> Generator[Match | None, None, None]:
        """The matches of a C-FIND in an information model of these `levels`; None: let others have a turn.

        Raises `QueryError`, at once or later, or `UnkeptKeyError`.
        """
        return self._find(request.read(identifier, levels, self.dialect), levels, now, visitor)

    def _find(
        self, query: Query, levels: tuple[Level, ...], now: float, visitor: str
    ) -> Generator[Match | None, None, None]:
        try:
            index = yield from self.visitors.of(visitor)
            entries = visible(index, now) if index is not None else []
            indexer = index.indexer if index is not None else Indexer(self.dialect)
            touched = frozenset(index.touched) if index is not None else frozenset[int]()
            run = _Run(self, query, entries, indexer, touched, now)
            yield from run.failure(levels)
            answers = Answers(query, self.dialect, self.ae_title)
            for resource in run.modalities() if query.modalities is not None else run.resources(answers.tags):
                if resource is None:
                    yield None
                elif answers.says_nothing(resource):
                    return
                else:
                    yield answers.match(resource)
        except sqlite3.Error as error:
            raise unable() from error


class _Run:
    """One query at work."""

    def __init__(
        self,
        archive: ProductArchive,
        query: Query,
        entries: list[Entry],
        indexer: Indexer,
        touched: frozenset[int],
        now: float,
    ) -> None:
        self._dialect = archive.dialect
        self._objects = archive.objects
        self._query = query
        self._entries = entries
        self._indexer = indexer
        self._touched = touched
        self._now = now
        self._indexed = frozenset[int]().union(*self._dialect.indexed.values())
        self._above = [test for _, test in query.above if test is not None]
        self._by_object = self._dialect.others_from_object and any(
            test.tag not in self._indexed for test in query.tests
        )

    def failure(self, levels: tuple[Level, ...]) -> Iterator[None]:
        """Raise `QueryError` for what is noticed only at an object that matches the unique keys above."""
        rules, query = self._dialect.failures, self._query
        missing = next((level for level, test in query.above if test is None), None)
        status = rules.missing_unique_key if missing is not None else None
        if not query.in_model and rules.level_not_in_model is not None:
            missing, status = levels[0], rules.level_not_in_model
        if status is None or missing is None:
            return
        if not rules.only_when_reached:
            raise QueryError(QueryProblem.IDENTIFIER_MISMATCH, "", status=status)
        tests = [test for level, test in query.above if test is not None and level < missing]
        level = max((level for level, test in query.above if test is not None and level < missing), default=missing)
        for resource in self._at(level, tests, frozenset()):
            if resource is None:
                yield
            else:
                raise QueryError(QueryProblem.IDENTIFIER_MISMATCH, "", status=status)

    def resources(self, asked: frozenset[int]) -> Iterator[Resource | None]:
        """The resources that match, in the product's order."""
        if self._dialect.keys is not None:
            for number, test in enumerate(self._query.tests):
                if test.tag not in self._indexed:
                    return self._unkept(self._query.tests[:number])
        return self._at(self._query.level, [*self._above, *self._query.tests], asked)

    def _unkept(self, before: list[Test]) -> Iterator[Resource | None]:
        """Compare what comes before a key that isn't kept, and fail at the first object that gets there."""
        for resource in self._at(self._query.level, [*self._above, *before], frozenset()):
            if resource is not None:
                raise UnkeptKeyError
            yield None

    def _at(self, level: Level, tests: list[Test], asked: frozenset[int]) -> Iterator[Resource | None]:
        order = self._dialect.order.get(level, Order.STORED)
        matches = self._matcher(level, tests)
        stored = self._stored(level, matches)
        if order is Order.STORED:
            for found in self._catalogue(level, tests, asked, order, matches):
                yield None if found is None else found[1]
            yield from stored
            return
        own: list[Ordered] = []
        for resource in stored:
            if resource is None:
                yield None
            else:
                own.append((digest(resource.ids), resource))
        own.sort(key=itemgetter(0))
        waiting = iter(own)
        following = next(waiting, None)
        for found in self._catalogue(level, tests, asked, order, matches):
            if found is None:
                yield None
                continue
            while following is not None and following[0] < found[0]:
                yield following[1]
                following = next(waiting, None)
            yield found[1]
        while following is not None:
            yield following[1]
            following = next(waiting, None)

    def modalities(self) -> Iterator[Resource | None]:
        """Studies that have a series which matches, by their UIDs; each with an object of its first such series."""
        query = self._query
        assert query.modalities is not None
        tests = [*query.tests, query.modalities._replace(tag=MODALITY)]
        by_study: dict[str, Callable[[], Resource]] = {}
        for series in self._at(Level.SERIES, tests, frozenset()):
            if series is None:
                yield None
            elif series.ids[1] not in by_study:
                by_study[series.ids[1]] = self._study_of(series)
        for number, uid in enumerate(sorted(by_study)):
            yield by_study[uid]()
            if number % ROWS_A_TURN == 0:
                yield None

    def _study_of(self, series: Resource) -> Callable[[], Resource]:
        if isinstance(series, StoredResource):
            whole = [entry for entry in self._entries if entry.ids[:2] == series.ids[:2]]
            study = StoredResource(whole, Level.STUDY, self._indexer)
            return lambda: _Through(study, series)
        key = series.key  # type: ignore[attr-defined]
        return lambda: self._objects.study_through(key, self._now)

    def _catalogue(
        self,
        level: Level,
        tests: list[Test],
        asked: frozenset[int],
        order: Order,
        matches: Callable[[Resource], bool],
    ) -> Iterator[Ordered | None]:
        conditions = Conditions()
        for test in tests:
            attribute, hint = ATTRIBUTES.get(test.tag), test.as_sent.hint
            if (
                attribute is not None
                and hint is not None
                and attribute.column is not None
                and attribute.within == "{}"
                and attribute.level <= level
                and attribute.vr in _HINTED
                and all(str(value).isascii() for value in hint.values)
            ):
                conditions.add(attribute.column, hint)
            if test.tag == PATIENT_NAME and test.as_sent.begins:
                beginning = folded_groups(test.as_sent.begins)[0]
                conditions.add(f"p.{NAME_COLUMNS[0]}", Hint("prefix", (beginning,)))
        narrowed = bool(conditions.terms)
        tags = {test.tag for test in tests} | asked
        search = Search(self._objects, level, conditions, tags, self._now)
        return search.run(order, self._touched, matches, narrowed=narrowed)

    def _stored(self, level: Level, matches: Callable[[Resource], bool]) -> Iterator[Resource | None]:
        if self._dialect.compared_on is ComparedOn.RESOURCE:
            found = resources(self._entries, level, self._indexer)
            for number, resource in enumerate(found):
                if number % ROWS_A_TURN == ROWS_A_TURN - 1:
                    yield None
                if matches(resource):
                    yield resource
            return
        seen: set[tuple[str, ...]] = set()
        for number, entry in enumerate(self._entries):
            if number % ROWS_A_TURN == ROWS_A_TURN - 1:
                yield None
            if entry.ids[: level + 1] not in seen:
                single = StoredResource((entry,), level, self._indexer)
                if matches(single):
                    seen.add(entry.ids[: level + 1])
                    yield single

    def _matcher(self, level: Level, tests: list[Test]) -> Callable[[Resource], bool]:
        if self._dialect.compared_on is ComparedOn.INSTANCE:
            return lambda resource: all(self._passes(test, resource.kept(test.tag), resource) for test in tests)
        here = frozenset[int]().union(*(tags for each, tags in self._dialect.indexed.items() if each <= level))
        first = [test for test in tests if test.tag in here]
        if not self._by_object:
            if len(first) < len(tests):
                return lambda resource: False
            return lambda resource: all(self._passes(test, resource.kept(test.tag), resource) for test in first)

        def matches(resource: Resource) -> bool:
            if not all(self._passes(test, resource.kept(test.tag), resource) for test in first):
                return False
            found = resource.object()
            return all(self._passes(test, found.value(test.tag), resource) for test in tests)

        return matches

    def _passes(self, test: Test, value: str | None, resource: Resource) -> bool:
        """Whether a value passes a test: in UTF-8 if its set isn't the request's."""
        rules = self._dialect
        if value is None:
            if rules.compared_on is ComparedOn.RESOURCE:
                return False
            value = ""
        if not rules.comparison.leading_spaces:
            value = trimmed(value, leading=True)
        if rules.texts.answers_in is not None or resource.charset == self._query.charset:
            return test.as_sent.test(value)
        if not value.isascii() and not texts.is_plain(resource.charset):
            convertible = texts.convertible(resource.charset, rules.texts)
            value = (convertible and texts.converted(value, resource.charset, texts.UTF_8)) or value
        return test.in_utf_8.test(value)


class _Through(Resource):
    """A study that was found through a series: its object is one of that."""

    __slots__ = ("_series", "_study")

    def __init__(self, study: Resource, series: Resource) -> None:
        self.ids = study.ids
        self._study = study
        self._series = series

    @property
    def charset(self) -> str:
        return self._study.charset

    def kept(self, tag: int) -> str | None:
        return self._study.kept(tag)

    def object(self) -> StoredObject:
        return self._series.object()

    def count(self, tag: int) -> str | None:
        return self._study.count(tag)
