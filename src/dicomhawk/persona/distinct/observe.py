"""What a stranger can see of a deployment: its answers to an association, its catalogue, its objects."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ...hospital import archive
from ...hospital.catalogue import Catalogue
from ...hospital.generate import generate
from ...hospital.objects.head import OF_PIXELS
from ...hospital.pixels import PIXEL_DATA
from ...hospital.rows import Instance, Patient, ScheduledStep, Series, Study
from ...hospital.schema import TABLES
from ...settings import Deployment
from ...upperlayer import items as it
from ...upperlayer import pdu
from ...upperlayer.negotiation import Accepted, negotiate
from .. import sopclasses
from ..model import Persona

Observed = dict[str, frozenset[str]]
"""Values by where they are seen: ``AC 52``, ``study.accession_number``, ``CT (0018,1000) LO``."""

CACHE_BUDGET = 1 << 30
_QUERIED = (Patient, Study, Series, Instance, ScheduledStep)
_INTERNAL = frozenset({"visible_from", "visible_until", "recipe", "path", "size"})
RENDERED = "/rendered"
"""Follows the modality where a value depends on the pixels, which take fifty times as long as all the rest."""
RENDERED_ONES = 6
"""One deployment of so many is looked at for these."""


def observe(folder: Path, persona: Persona, deployment: Deployment, studies: int, now: float) -> Observed:
    """Make the deployment in `folder`, with so many studies up to `now` (POSIX seconds), and look at it then.

    Raises `GenerateError` where there is no room for it.
    """
    generate(folder, deployment, studies, now=now)
    seen: dict[str, set[str]] = defaultdict(set)
    for place, value in _all(folder, persona, deployment, now):
        if value:
            seen[place].add(value)
    return {place: frozenset(values) for place, values in seen.items()}


def _all(folder: Path, persona: Persona, deployment: Deployment, now: float) -> Iterator[tuple[str, str]]:
    yield "ae title", deployment.ae_title
    yield from _association(persona, deployment)
    with Catalogue(folder / archive.CATALOGUE) as catalogue:
        yield from _rows(catalogue, now)
        keys = list(_one_of_each_modality(catalogue, now))
    whole = int(deployment.seed, 16) % RENDERED_ONES == 0
    for key, head in zip(keys, archive.heads(str(folder), keys), strict=True):
        if head is not None and not whole:
            yield from _object(pydicom.filereader.read_dataset(io.BytesIO(head), False, True), rendered=False)
        else:
            yield from _object(pydicom.dcmread(archive.render(str(folder), key, CACHE_BUDGET)), rendered=True)


def _association(persona: Persona, deployment: Deployment) -> Iterator[tuple[str, str]]:
    """The answer to an ordinary request, item by item."""
    context = it.ProposedContext(
        1, (it.AbstractSyntax(sopclasses.VERIFICATION), it.TransferSyntax("1.2.840.10008.1.2"))
    )
    user = it.UserInformation((it.MaximumLength(16384), it.ImplementationClassUID("1.2.3.4")))
    name = it.ApplicationContext("1.2.840.10008.3.1.1.1")
    rq = pdu.AssociateRQ(deployment.ae_title.encode().ljust(16), b"STRANGER".ljust(16), (name, context, user))
    outcome = negotiate(rq, persona.policy(deployment))
    if isinstance(outcome, Accepted):
        for item in outcome.ac.user_items:
            kind = type(item).__name__
            for field in dataclasses.fields(item):
                yield f"AC {kind}.{field.name}", str(getattr(item, field.name))


def _rows(catalogue: Catalogue, now: float) -> Iterator[tuple[str, str]]:
    """Whatever a query could return: of the days to come, only what the worklist has."""
    for row_class in _QUERIED:
        columns = [f.name for f in dataclasses.fields(row_class)]
        shown = [name for name in columns if name not in _INTERNAL and not name.endswith("_key")]
        table = TABLES[row_class]
        selected = ", ".join(f'"{name}"' for name in shown)
        visible = "visible_from <= :now"
        if "visible_until" in columns:
            visible += " AND (visible_until IS NULL OR visible_until > :now)"
        sql = f"SELECT DISTINCT {selected} FROM {table} WHERE {visible}"  # noqa: S608 - names of ours
        for row in catalogue.connection.execute(sql, {"now": now}):
            for name, value in zip(shown, row, strict=True):
                yield f"{table}.{name}", "" if value is None else str(value)


def _one_of_each_modality(catalogue: Catalogue, now: float) -> Iterable[int]:
    """Keys of instances; more objects would cost more time and show few other values."""
    query = """
        SELECT modality, max(instance_key) FROM instance JOIN series USING (series_key)
        WHERE instance.visible_from <= ? GROUP BY modality
    """
    return [key for _, key in catalogue.connection.execute(query, (now,))]


def _object(data: Dataset, *, rendered: bool) -> Iterator[tuple[str, str]]:
    modality = str(data.Modality)
    for element in data.iterall():
        if element.VR == "SQ":
            continue
        of_pixels = element.tag == PIXEL_DATA or element.tag in OF_PIXELS
        if of_pixels and not rendered:
            continue
        place = f"{modality}{RENDERED if of_pixels else ''} {element.tag} {element.VR}"
        if element.tag == PIXEL_DATA or isinstance(element.value, bytes):
            yield place, hashlib.sha256(bytes(element.value)).hexdigest()
            continue
        values = element.value if isinstance(element.value, pydicom.multival.MultiValue) else (element.value,)
        for value in values:
            yield place, str(value)
