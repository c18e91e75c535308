"""``dicomhawk hospital``: build, fill and look at the hospital."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..analyst.narrative import printable
from ..hospital.ahead import GenerateError, is_due
from ..hospital.catalogue import Catalogue, CatalogueError
from ..hospital.rows import Instance, Patient, ScheduledStep, Series, Study
from ..sensor.lock import only_one
from ..settings import Deployment, Settings, SettingsError
from .common import Config, Data, Json, on_terminal, print_json, print_line, print_table, settings_of
from .fetching.options import CollectionName, FromArchive, IdcUrl, Modalities, SeriesCount, TciaUrl

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..hospital.importer import ImportReport
    from .fetching.run import OnlineReport

CATALOGUE = "catalogue.sqlite"

app = typer.Typer(help="Build, fill and look at the hospital.", no_args_is_help=True, rich_markup_mode=None)


Studies = Annotated[
    int | None, typer.Option(min=0, help="How many [default: as in the settings].", show_default=False)
]
Years = Annotated[
    float | None,
    typer.Option(min=0.1, max=50, help="Over so many years [default: as in the settings].", show_default=False),
]
PerDay = Annotated[
    float | None,
    typer.Option(
        min=0, max=10_000, help="New ones on a working day [default: as in the settings].", show_default=False
    ),
]


@app.command()
def build(
    data: Data = None,
    config: Config = None,
    studies: Studies = None,
    years: Years = None,
    per_day: PerDay = None,
) -> None:
    """Generate the hospital's people and studies. What was generated before is replaced. Not while a sensor runs."""
    settings = settings_of(data, config, _scale(studies, years, per_day))
    with only_one(settings.data):
        _build(settings)


@app.command()
def rotate(
    data: Data = None,
    config: Config = None,
    studies: Studies = None,
    years: Years = None,
    per_day: PerDay = None,
) -> None:
    """Exchange people and images for others; hospital, devices and imported studies stay. Not while a sensor runs."""
    settings = settings_of(data, config, _scale(studies, years, per_day))
    with only_one(settings.data):
        _build(settings, rotate=True)


@app.command("import")
def import_(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="DICOM files, with or without DICOMDIR.", show_default=False),
    ] = None,
    data: Data = None,
    config: Config = None,
    archive: FromArchive = None,
    collection: CollectionName = "",
    modality: Modalities = None,
    series: SeriesCount = 20,
    tcia_url: TciaUrl = None,
    idc_url: IdcUrl = None,
    verbatim: Annotated[
        bool, typer.Option("--verbatim", help="Change nothing: for data that are false already.")
    ] = False,
    json: Json = False,
) -> None:
    """Take over real DICOM files of a folder or a public archive (--from), each patient with a false identity."""
    from ..hospital.importer import SourceError, import_folder
    from .fetching.command import from_archive
    from .fetching.errors import FetchError

    settings = settings_of(data, config, {"sources": {"tcia_url": tcia_url, "idc_url": idc_url}})
    deployment = _deployment(settings)
    if (source is None) == (archive is None):
        raise typer.BadParameter("Name a folder, or an archive with --from.")
    if archive is not None and verbatim:
        raise typer.BadParameter("What comes from an archive is not imported verbatim.")
    report: ImportReport | OnlineReport
    try:
        if archive is not None:
            report = from_archive(archive, collection, modality or (), series, settings, deployment)
            failed = not report.complete
        else:
            assert source is not None
            with _progress() as tell:
                report = import_folder(
                    source, settings.data, deployment, verbatim=verbatim, now=time.time(), progress=tell
                )
            failed = bool(report.refused)
    except (SourceError, CatalogueError, FetchError) as error:
        _fail(error)
    if json:
        print_json(report)
    else:
        print_line(str(report))
    if failed:
        raise typer.Exit(1)


@app.command()
def show(data: Data = None, config: Config = None, json: Json = False) -> None:
    """What the hospital holds, and whose work is in it."""
    from .fetching.command import attributions
    from .fetching.errors import FetchError

    settings = settings_of(data, config)
    deployment = _deployment(settings)
    try:
        with Catalogue(settings.hospital_dir / CATALOGUE) as catalogue:
            found = _contents(catalogue, deployment) | {"attributions": attributions(settings)}
    except (CatalogueError, FetchError) as error:
        _fail(error)
    if json:
        print_json(found)
        return
    print_line(f"{deployment.hospital} ({deployment.locale}), AE title {deployment.ae_title}\n")
    for name, count in found["counts"].items():
        print_line(f"{count['now']} {name}, {count['to_come']} to come")
    print_line("")
    columns = ("ae_title", "role", "modality", "manufacturer", "model", "station_name")
    devices = [tuple(printable(device[column] or "") for column in columns) for device in found["devices"]]
    print_table(("AE title", "role", "modality", "manufacturer", "model", "station"), devices)
    for work in found["attributions"]:
        print_line(f"\n{work['series']} series, {work['objects']} objects imported from {work['text']}")


def build_if_absent(settings: Settings) -> None:
    """On first use, generate the hospital that the settings ask for; later, further days if few are to come."""
    if not (settings.hospital_dir / CATALOGUE).exists():
        _build(settings)
        return
    try:
        if not is_due(settings.data, _deployment(settings), now=time.time()):
            return
        from ..hospital.generate import extend  # a quarter of a second, at each start

        with _progress() as tell:
            extend(
                settings.data,
                _deployment(settings),
                now=time.time(),
                progress=lambda done, total: tell("generating", done, total),
            )
    except GenerateError as error:
        raise SettingsError(str(error)) from None


def _scale(studies: int | None, years: float | None, per_day: float | None) -> dict[str, Any]:
    return {"hospital": {"studies": studies, "years": years, "per_day": per_day}}


def _build(settings: Settings, *, rotate: bool = False) -> None:
    from ..hospital.generate import generate

    began = time.monotonic()
    asked = settings.hospital
    try:
        with _progress() as tell:
            generate(
                settings.data,
                _deployment(settings),
                asked.studies,
                now=time.time(),
                years=asked.years,
                per_day=asked.per_day or None,
                rotate=rotate,
                progress=lambda done, total: tell("generating", done, total),
            )
    except GenerateError as error:
        _fail(error)
    print_line(f"Built a hospital of {asked.studies} studies in {time.monotonic() - began:.1f} s.")


def _contents(catalogue: Catalogue, deployment: Deployment) -> dict[str, Any]:
    now = time.time()
    counts = {}
    for name, row_class in (
        ("patients", Patient),
        ("studies", Study),
        ("series", Series),
        ("instances", Instance),
        ("scheduled steps", ScheduledStep),
    ):
        visible = catalogue.count(row_class, now=now)
        counts[name] = {"now": visible, "to_come": catalogue.count(row_class) - visible}
    devices = [
        {
            "ae_title": device.ae_title,
            "role": device.role,
            "modality": device.modality,
            "manufacturer": device.manufacturer,
            "model": device.model,
            "station_name": device.station_name,
        }
        for device in catalogue.devices()
    ]
    return {
        "hospital": deployment.hospital,
        "locale": deployment.locale,
        "ae_title": deployment.ae_title,
        "counts": counts,
        "devices": devices,
    }


def _deployment(settings: Settings) -> Deployment:
    if settings.deployment is None:
        raise SettingsError("There is no deployment in the settings: `dicomhawk init` draws one.")
    return settings.deployment


def _fail(error: Exception) -> NoReturn:
    print(error, file=sys.stderr)
    raise typer.Exit(1) from None


class _Bar:
    """A progress bar, one task for each kind of work; called as the hospital's functions tell of progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what)
        self._progress.update(self._tasks[what], completed=done, total=total or None)


@contextmanager
def _progress() -> Iterator[_Bar]:
    """A progress bar on a terminal, nothing in a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(), transient=True, disable=not on_terminal()) as progress:
        yield _Bar(progress)
