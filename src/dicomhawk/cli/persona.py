"""``dicomhawk persona``: look at personas, check them, compare them with the real product, and record new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from ..settings import SettingsError
from .common import Json, print_json, print_line, print_table, writable
from .distinct import distinct
from .probing import (
    ANY_CALLED,
    PATIENCE_SECONDS,
    USUAL_CALLING,
    Called,
    Calling,
    Fast,
    Http,
    Manner,
    Mine,
    Patience,
    Store,
    observe,
    observe_persona,
    own_address,
    stoppable,
)

app = typer.Typer(help="Personas: how a product behaves.", no_args_is_help=True, rich_markup_mode=None)
app.command("distinct")(distinct)

Name = Annotated[str, typer.Argument(metavar="NAME|FILE", help="Name of a shipped persona, or path of a TOML file.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """The personas that come with the program."""
    from ..persona import model

    found = [model.load(name) for name in model.shipped()]
    if json:
        for persona in found:
            print_json({"name": persona.name, "kind": persona.kind, "title": persona.title})
    else:
        print_table(("name", "kind", "what"), [(p.name, p.kind, p.title) for p in found])


@app.command()
def show(name: Name, json: Json = False) -> None:
    """All values of a persona, defaults included, and where each comes from if the file says so."""
    from ..persona import model

    persona = model.load(name)
    if json:
        print_json(persona.model_dump(mode="json"))
        return
    set_here = {path for path, _ in leaves(persona.model_dump(mode="json", exclude_unset=True))}
    rows = []
    for path, value in leaves(persona.model_dump(mode="json", exclude={"sources", "stated", "inferred"})):
        origin = persona.origin(path) or ("" if path in set_here or path in ("name", "kind") else "default")
        rows.append((path, value, origin))
    print_table(("setting", "value", "origin"), rows)


@app.command()
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="A persona file.")]) -> None:
    """Is a persona file right? Exit status 2 and one sentence if not."""
    from ..persona import model

    if not file.exists():
        raise SettingsError(f"There is no file {file}.")
    persona = model.check(file)
    changed = sum(1 for _ in leaves(persona.model_dump(mode="json", exclude_unset=True)))
    inferred = f", {len(persona.inferred)} of them marked as inferred" if persona.inferred else ""
    print_line(f"{file} is right: {persona.name} ({persona.kind}), {persona.title}; sets {changed} values{inferred}.")


@app.command()
def verify(
    name: Name,
    against: Annotated[str, typer.Option(metavar="HOST:PORT", help="The real product.")],
    called: Called = ANY_CALLED,
    calling: Calling = USUAL_CALLING,
    store: Store = False,
    fast: Fast = False,
    patience: Patience = PATIENCE_SECONDS,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this experiment or group; can be repeated.", show_default=False)
    ] = None,
    mine: Mine = False,
    json: Json = False,
) -> None:
    """Play the battery on the real product and on ours as that persona, and print every difference in words.

    Exit status 1 if there are any.
    """
    from ..persona import model
    from ..persona.battery.compare import compare

    persona = model.load(name)
    manner = Manner(called, calling, store, fast, patience, only)
    with stoppable():
        real = observe(against, manner, mine=mine)
        ours = observe_persona(name, manner)
    found = compare(real, ours, (against, persona.name))
    common = [name for name in real.observations if name in ours.observations]
    differing = {difference.experiment for difference in found}
    if json:
        print_json({"experiments": len(common), "differences": [difference._asdict() for difference in found]})
    else:
        for difference in found:
            print_line(f"{difference.experiment}: {difference.words}")
        for experiment, why in real.missing.items():
            print_line(f"not compared: {experiment}, because {why}")
        print_line(f"{len(common)} experiments, {len(differing)} differ")
    if found:
        raise typer.Exit(1)


@app.command()
def record(
    dicom: Annotated[str, typer.Option(metavar="HOST:PORT", help="The system to record: one that is yours.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The persona file to write.")],
    http: Http = None,
    name: Annotated[str | None, typer.Option(help="Name of the persona [default: the file's].")] = None,
    title: Annotated[str | None, typer.Option(help="What it is, in a line [default: what it says it is].")] = None,
    called: Called = ANY_CALLED,
    calling: Calling = USUAL_CALLING,
    store: Store = False,
    fast: Fast = False,
    patience: Patience = PATIENCE_SECONDS,
    transcript: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write down everything that came back (JSON).")
    ] = None,
    mine: Mine = False,
) -> None:
    """Observe a system that you own and write a persona of it.

    Nothing is deleted or changed there, and nothing is stored without --store; but it is asked wrong things, too.
    Exit status 1 if it stopped answering on the way: the file has what was seen until then.
    """
    import msgspec

    from ..persona import model
    from ..persona.battery.run import STOPPED
    from ..persona.recorder import record as infer
    from ..persona.recorder import web
    from ..persona.recorder.fields import library

    # What is wrong is better known before the wait than after it.
    for file in filter(None, (output, transcript)):
        _claim(file)
    name = name or output.stem
    model.parsed(f"name = {dumps(name, ensure_ascii=False)}\ntitle = ''", name)
    library()
    with stoppable():
        site = None if http is None else (http, own_address(web.host_of(http), mine=mine))
        seen = observe(dicom, Manner(called, calling, store, fast, patience), mine=mine, looking=True)
        if transcript is not None:
            _write(transcript, msgspec.json.format(msgspec.json.encode(seen)))
        remarks = () if site is None else web.look(*site)
        recorded = infer(seen, name=name, title=title, against=dicom, remarks=remarks)
    for line in recorded.report:
        print_line(line)
    if kept := _kept(output):
        print_line(f"{output} was there already: what was in it is in {kept} now")
    _write(output, recorded.toml.encode())
    print_line(f"written to {output}")
    unplayed = [experiment for experiment, why in seen.missing.items() if why == STOPPED]
    if unplayed:
        print_line(f"It stopped answering: {len(unplayed)} experiments could not be played, from {unplayed[0]} on.")
        raise typer.Exit(1)


def _claim(path: Path) -> None:
    """Find out whether a file can be written. Raises `SettingsError`."""
    there = writable(path).exists()
    try:
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise SettingsError(f"{path} can't be written: {error.strerror}.") from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise SettingsError(f"{path} can't be written: {error.strerror}.") from None


def _kept(path: Path) -> Path | None:
    """Where the persona is now that was in a file: somebody may have worked on it. None if there was none."""
    if path.is_symlink() or not path.is_file() or not path.stat().st_size:
        return None
    return path.rename(path.with_name(f"{path.name}.old"))


def leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted paths and their values, as text, of nested tables."""
    for key, item in value.items():
        where = f"{path}.{key}" if path else str(key)
        if isinstance(item, Mapping) and item:
            yield from leaves(item, where)
        elif isinstance(item, list) and item and isinstance(item[0], Mapping):
            for number, inner in enumerate(item, 1):
                yield from leaves(inner, f"{where}[{number}]")
        else:
            yield where, text(item)


def text(value: Any) -> str:
    """A value for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(text, value)) or "none"
    return str(value)
