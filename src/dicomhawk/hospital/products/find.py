"""Queries over what a product would have stored: a visitor's objects, and the hospital's catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator
from copy import copy
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Final, TypeAlias

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.answer import Match
from dicomhawk.hospital.attributes import MODALITY, Level
from dicomhawk.hospital.budget import ROWS_A_TURN
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.dialect import ComparedOn, Order, QueryDialect
from dicomhawk.hospital.digests import digest
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.errors import QueryError, QueryProblem, UnkeptKeyError
from dicomhawk.hospital.products import request, texts
from dicomhawk.hospital.products.answer import Answers
from dicomhawk.hospital.products.catalogue import CatalogueObjects, CatalogueResource
from dicomhawk.hospital.products.compare import trimmed
from dicomhawk.hospital.products.index import Entry, Indexer
from dicomhawk.hospital.products.objects import StoredObject, Vault
from dicomhawk.hospital.products.request import Query, Test
from dicomhawk.hospital.products.resource import Resource
from dicomhawk.hospital.products.search import Matching, Quick, Search
from dicomhawk.hospital.products.stored import StoredResource, VisitorEntries, resources, visible
from dicomhawk.hospital.sources import unable
from dicomhawk.hospital.uploads import Uploads

Ordered: TypeAlias = tuple[bytes, Resource]
"""A resource and its digest."""

REMEMBERED: Final = 256
"""Values of an attribute whose comparison is remembered."""

_REPEATED: Final = frozenset(("AS", "CS", "DA", "IS", "TM"))
"""VRs whose values are often the same."""


class ProductArchive:
    """Answers the queries of one process as `dialect` says. `vault` is the folder of the visitors' objects."""

    def __init__(
        self, dialect: QueryDialect, catalogue: Catalogue, uploads: Uploads, vault: Path, ae_title: str
    ) -> None:
        self.dialect = dialect
        self.ae_title = ae_title
        self.objects = CatalogueObjects(catalogue, dialect)
        self.visitors = VisitorEntries(uploads, Vault(vault), self.objects)

    def with_dialect(self, dialect: QueryDialect) -> ProductArchive:
        """The same archive, searched as another dialect has it that keeps the same."""
        other = copy(self)
        other.dialect = dialect
        other.objects = CatalogueObjects(self.objects.catalogue, dialect)
        return other

    def find(
        self, levels: tuple[Level, ...], identifier: DataSet, *, now: float, visitor: str
    ) -> Generator[Match | None, None, None]:
        """The matches of a C-FIND in an information model of these `levels`; None: let others have a turn.

        Raises `QueryError`, at once or later, or `UnkeptKeyError`.
        """
        return self._find(request.read(identifier, levels, self.dialect), levels, now, visitor)

    def search(
        self, levels: tuple[Level, ...], identifier: DataSet, *, now: float, visitor: str
    ) -> Generator[Resource | None, None, None]:
        """The resources that match such an identifier, whatever it lacks above its level. Raises `QueryError`."""
        query = request.read(identifier, levels, self.dialect)
        try:
            run = yield from self._run(query, now, visitor)
            yield from run.answers(frozenset())
        except sqlite3.Error as error:
            raise unable() from error

    def _run(self, query: Query, now: float, visitor: str) -> Generator[None, None, _Run]:
        index = yield from self.visitors.of(visitor)
        entries = visible(index, now) if index is not None else []
        indexer = index.indexer if index is not None else Indexer(self.dialect)
        touched = frozenset(index.touched) if index is not None else frozenset[int]()
        return _Run(self, query, entries, indexer, touched, now)

    def _find(
        self, query: Query, levels: tuple[Level, ...], now: float, visitor: str
    ) -> Generator[Match | None, None, None]:
        try:
            run = yield from self._run(query, now, visitor)
            yield from run.failure(levels)
            answers = Answers(query, self.dialect, self.ae_title)
            if answers.may_fail and run.has_own:
                for resource in run.answers(answers.tags):
                    if resource is None:
                        yield None
                    elif not isinstance(resource, CatalogueResource):
                        answers.match(resource)
            for resource in run.answers(answers.tags):
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

    @property
    def has_own(self) -> bool:
        """Whether there are objects of which the catalogue isn't the source."""
        return bool(self._entries)

    def answers(self, asked: frozenset[int]) -> Iterator[Resource | None]:
        """The resources that match, in the product's order. `asked`: the tags of which values will be."""
        return self._modalities() if self._query.modalities is not None else self._resources(asked)

    def _resources(self, asked: frozenset[int]) -> Iterator[Resource | None]:
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
        matching = self._matching(level, tests)
        stored = self._stored(level, matching.exact)
        search = Search(self._objects, level, matching, asked, self._now)
        if order is Order.STORED:
            for found in search.run(order, self._touched):
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
        for found in search.run(order, self._touched):
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

    def _modalities(self) -> Iterator[Resource | None]:
        """Studies that have a series which matches, by their UIDs; each with an object of its first such series."""
        query = self._query
        assert query.modalities is not None
        tests = [*query.tests, query.modalities._replace(tag=MODALITY)]
        matching = self._matching(Level.SERIES, tests)
        order = self._dialect.order.get(Level.SERIES, Order.STORED)
        series: list[Resource] = []
        for resource in self._stored(Level.SERIES, matching.exact):
            if resource is None:
                yield None
            else:
                series.append(resource)
        if order is Order.DIGEST:
            series.sort(key=lambda each: digest(each.ids))
        own: dict[str, Resource] = {}
        for each in series:
            own.setdefault(each.ids[1], each)
        waiting = sorted(own, reverse=True)
        search = Search(self._objects, Level.SERIES, matching, (), self._now)
        for found in search.run_by_study(order, self._touched):
            if found is None:
                yield None
                continue
            while waiting and waiting[-1] < found[0]:
                yield self._study_of(own[waiting.pop()])
            yield self._objects.study_through(found[1].key, self._now)
        while waiting:
            yield self._study_of(own[waiting.pop()])

    def _study_of(self, series: Resource) -> Resource:
        whole = [entry for entry in self._entries if entry.ids[:2] == series.ids[:2]]
        return _Through(StoredResource(whole, Level.STUDY, self._indexer), series)

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

    def _matching(self, level: Level, tests: list[Test]) -> Matching:
        quick = [
            Quick(test.tag, self._quick(test), absent)
            for test in tests
            for absent in (self._dialect.compared_on is ComparedOn.INSTANCE and test.as_sent.test(""),)
            if self._dialect.texts.answers_in is not None or test.as_sent is test.in_utf_8
        ]
        if self._dialect.compared_on is ComparedOn.RESOURCE:
            here = self._here(level)
            quick = [each for each in quick if each.tag in here]
        complete = len(quick) == len(tests) and not self._by_object
        return Matching(tests, self._exact(level, tests), quick, complete)

    def _quick(self, test: Test) -> Callable[[str], bool]:
        compared = test.as_sent.test
        passes = compared
        if not self._dialect.comparison.leading_spaces:

            def passes(value: str) -> bool:
                return compared(trimmed(value, leading=True))

        # Dates and codes repeat; names and identifiers don't.
        return lru_cache(REMEMBERED)(passes) if vrs.of_tag(test.tag) in _REPEATED else passes

    def _here(self, level: Level) -> frozenset[int]:
        return frozenset[int]().union(*(tags for each, tags in self._dialect.indexed.items() if each <= level))

    def _exact(self, level: Level, tests: list[Test]) -> Callable[[Resource], bool]:
        if self._dialect.compared_on is ComparedOn.INSTANCE:
            return lambda resource: all(self._passes(test, resource.kept(test.tag), resource) for test in tests)
        here = self._here(level)
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
