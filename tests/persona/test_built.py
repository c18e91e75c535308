"""The built personas: every value has an origin, real clients see what the sources say, and no two are alike."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import socket
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation, SOPClassExtendedNegotiation

from dicomhawk.persona.model import Persona, load, shipped
from dicomhawk.persona.model.provenance import EVERYTHING
from tests.sensor.raw import RQ, connect, receive_all, receive_pdu
from tests.support import Sensor, dicomhawk, run_tool

OWN = "ASHPACS"
QUERY_RETRIEVE_LEVEL = 0x00080052
STUDIES = 4
DEPLOYMENT = f"""\
[deployment]
seed = "5ee0d1c0a7b94e6f8a31f2d4c6b80917"
hospital = "Ashcombe General Hospital"
locale = "en_GB"
ae_title = "{OWN}"
uid_root = "1.2.826.0.1.3680043.9.511.20417"
"""
ILE, ELE, EBE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
JPEG, JPEG_LS, J2K, RLE, MPEG2, HTJ2K = (
    f"1.2.840.10008.1.2.{end}" for end in ("4.50", "4.80", "4.90", "5", "4.100", "4.201")
)
ECHO = "1.2.840.10008.1.1"
PATIENT_FIND, STUDY_FIND = "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.2.1"
PATIENT_MOVE, STUDY_MOVE = "1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_GET = "1.2.840.10008.5.1.4.1.2.2.3"
WORKLIST, COMMITMENT = "1.2.840.10008.5.1.4.31", "1.2.840.10008.1.20.1"
CT, SEGMENTATION = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.66.4"
STRUCTURES, VIDEO = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.77.1.1.1"
SIEMENS = "1.3.12.2.1107.5.9.1"
ACCEPTED, NO_CLASS, NO_SYNTAX = 0, 3, 4


@dataclass(frozen=True)
class Seen:
    """What a client must see, from the product's own sources and not from the persona file."""

    class_uid: str
    versions: tuple[str, ...]
    max_pdu: int
    contexts: dict[tuple[str, tuple[str, ...]], str | int]
    """By SOP class and proposed transfer syntaxes: the accepted one, or the result of a refusal."""
    rejected: dict[str, tuple[int, int, int]]
    """By called AE title: result, source and reason of the rejection."""
    role_of_ct: bool
    extended: bytes | None
    """Answer to a proposal of all options for Study Root FIND."""
    unknown_pdu: bytes
    """What an unknown PDU on an association gets before the connection is closed."""
    statuses: dict[str, int]
    """Of a Study Root FIND, by its level."""


SEEN = {
    "dcm4chee-arc": Seen(
        class_uid="1.2.40.0.13.1.3",
        versions=("dcm4che-5.31.2", "dcm4che-5.32.0"),
        max_pdu=16378,
        contexts={
            (ECHO, (ILE,)): ILE,
            (ECHO, (ELE,)): NO_SYNTAX,
            (STUDY_FIND, (ELE, ILE)): ILE,
            (PATIENT_FIND, (ELE,)): NO_SYNTAX,
            (STUDY_GET, (ILE,)): ILE,
            (WORKLIST, (ILE,)): NO_CLASS,
            (COMMITMENT, (ILE,)): ILE,
            (CT, (HTJ2K, ILE)): HTJ2K,
            (CT, (ILE, JPEG_LS)): ILE,
            (CT, (EBE,)): NO_SYNTAX,
            (VIDEO, (ELE, MPEG2)): MPEG2,
            (VIDEO, (ELE,)): NO_SYNTAX,
            (SEGMENTATION, (J2K, ELE)): ELE,
            (SIEMENS, (ELE,)): ELE,
        },
        rejected={"NOBODY": (1, 1, 7)},
        role_of_ct=True,
        extended=b"\1\1\1\1",
        unknown_pdu=bytes.fromhex("07000000000400000201"),
        statuses={"STUDY": 0x0000, "study": 0xA900, "PATIENT": 0xA900, "SERIES": 0xA900, "": 0xA900},
    ),
    "horos": Seen(
        class_uid="1.2.276.0.7230010.3.0.3.5.4",
        versions=("OSIRIX",),
        max_pdu=16384,
        contexts={
            (ECHO, (ILE, ELE)): ELE,
            (PATIENT_FIND, (ILE,)): NO_CLASS,
            (STUDY_FIND, (ILE, ELE)): ELE,
            (STUDY_MOVE, (EBE, ILE)): ILE,
            (STUDY_GET, (EBE,)): EBE,
            (WORKLIST, (ILE,)): NO_CLASS,
            (COMMITMENT, (ILE,)): NO_CLASS,
            (CT, (JPEG, J2K)): J2K,
            (CT, (ILE, RLE)): ILE,
            (CT, (HTJ2K, MPEG2)): MPEG2,
            (SEGMENTATION, (ELE,)): NO_CLASS,
            (SIEMENS, (ELE,)): ELE,
        },
        rejected={},
        role_of_ct=True,
        extended=None,
        unknown_pdu=bytes.fromhex("07000000000400000000"),
        statuses={"STUDY": 0x0000, "study": 0x0000, "PATIENT": 0xC000, "": 0xA900},
    ),
    "clearcanvas": Seen(
        class_uid="1.3.6.1.4.1.25403.1.1.1",
        versions=("Dicom 0.1",),
        max_pdu=116794,
        contexts={
            (ECHO, (ILE, ELE)): ELE,
            (ECHO, (EBE,)): NO_SYNTAX,
            (PATIENT_MOVE, (ILE,)): ILE,
            (STUDY_GET, (ILE,)): NO_CLASS,
            (WORKLIST, (ILE,)): NO_CLASS,
            (COMMITMENT, (ILE,)): NO_CLASS,
            (CT, (RLE, ILE)): ILE,
            (CT, (JPEG, J2K)): J2K,
            (CT, (JPEG_LS,)): NO_SYNTAX,
            (SEGMENTATION, (J2K,)): NO_SYNTAX,
            (STRUCTURES, (ELE,)): NO_SYNTAX,
            (STRUCTURES, (ELE, ILE)): ILE,
            (SIEMENS, (ELE,)): NO_CLASS,
        },
        rejected={"NOBODY": (1, 2, 7)},
        role_of_ct=False,
        extended=None,
        unknown_pdu=b"",
        statuses={"STUDY": 0x0000, "study": 0xA900, "PATIENT": 0xA900, "SERIES": 0x0000, "": 0xA900},
    ),
}
BUILT = [name for name in shipped() if load(name).kind == "built"]


def tables(name: str) -> dict[str, Any]:
    """The tables of a shipped file, as they are written."""
    text = (resources.files("dicomhawk.persona") / "library" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def test_at_least_three_are_shipped_and_each_is_compared_with_its_sources() -> None:
    assert len(BUILT) >= 3
    assert set(BUILT) == set(SEEN)


@pytest.mark.parametrize("name", BUILT)
def test_every_value_is_stated_by_a_source_or_inferred_for_a_reason(name: str) -> None:
    persona = load(name)
    assert persona.sources
    assert persona.inferred, "nothing inferred can't be true of a product that nobody ran"
    assert persona.unexplained() == []
    used = {origin.partition(":")[0].strip() for origin in persona.stated.values()}
    unused = set(persona.sources) - used
    assert unused <= {"statement"}, "a source that says nothing"


@pytest.mark.parametrize("name", BUILT)
def test_only_a_variation_explains_all_values_at_once(name: str) -> None:
    written = tables(name)
    assert "extends" in written or EVERYTHING not in {**written.get("stated", {}), **written.get("inferred", {})}


def behaviour(persona: Persona) -> dict[str, Any]:
    """Everything but names, origins and identity, table by table."""
    about = {"name", "title", "kind", "sources", "stated", "inferred", "identity"}
    return persona.model_dump(exclude=about)


VARIATIONS = {"orthanc", "orthanc-open", "orthanc-checked"}
"""One product with other settings."""


@pytest.mark.parametrize(
    ("one", "other"), [pair for pair in itertools.combinations(shipped(), 2) if not set(pair) <= VARIATIONS]
)
def test_two_personas_differ_in_more_than_names(one: str, other: str) -> None:
    first, second = behaviour(load(one)), behaviour(load(other))
    different = [table for table in first if first[table] != second[table]]
    assert len(different) >= 2, f"only {different}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a small hospital, to be copied."""
    data = tmp_path_factory.mktemp("built") / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT)
    built = dicomhawk("hospital", "build", "--data", data, "--studies", STUDIES)
    assert built.returncode == 0, built.stderr
    return data


@pytest.fixture(scope="module", params=BUILT)
def product(request: pytest.FixtureRequest, template: Path) -> Iterator[tuple[Seen, Sensor]]:
    """A sensor that poses as a built persona, and what must be seen of it."""
    data = Path(shutil.copytree(template, template.parent / request.param))
    with Sensor(data, workers=1, flags=("--persona", request.param)) as sensor:
        yield SEEN[request.param], sensor


def test_echoscu_sees_the_product(product: tuple[Seen, Sensor]) -> None:
    seen, sensor = product
    output = run_tool("echoscu", "-d", "-aec", OWN, *sensor.address).output
    answer = output.partition("BEGIN A-ASSOCIATE-AC")[2]
    said = {}
    for line in answer.splitlines():
        key, found, value = line.removeprefix("D: ").partition(":")
        if found:
            said[key.strip()] = value.strip()
    assert said["Their Implementation Class UID"] == seen.class_uid
    assert said["Their Implementation Version Name"] in seen.versions
    assert said["Their Max PDU Receive Size"] == str(seen.max_pdu)


def test_contexts_are_answered_as_the_sources_say(product: tuple[Seen, Sensor]) -> None:
    seen, sensor = product
    found: dict[tuple[str, tuple[str, ...]], str | int] = {}
    # pynetdicom merges the syntaxes of a class, so each proposal has an association of its own, and another context
    # that is accepted, without which there may be none.
    for uid, syntaxes in seen.contexts:
        other = next(key for key, answer in seen.contexts.items() if key[0] != uid and isinstance(answer, str))
        ae = AE()
        ae.add_requested_context(uid, list(syntaxes))
        ae.add_requested_context(other[0], list(other[1]))
        association = ae.associate(*sensor.address, ae_title=OWN)
        assert association.is_established
        for context in (*association.accepted_contexts, *association.rejected_contexts):
            if context.abstract_syntax == uid:
                found[uid, syntaxes] = (
                    str(context.transfer_syntax[0]) if context.result == ACCEPTED else context.result
                )
        association.release()
    assert found == seen.contexts


def test_roles_and_options_are_granted_as_the_sources_say(product: tuple[Seen, Sensor]) -> None:
    seen, sensor = product
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = CT, True, True
    options = SOPClassExtendedNegotiation()
    options.sop_class_uid, options.service_class_application_information = STUDY_FIND, b"\1\1\1\1"
    ae = AE()
    ae.add_requested_context(CT, [ILE])
    ae.add_requested_context(STUDY_FIND, [ILE])
    association = ae.associate(*sensor.address, ae_title=OWN, ext_neg=[role, options])
    assert association.is_established
    granted = next(context for context in association.accepted_contexts if context.abstract_syntax == CT)
    assert granted.as_scp is seen.role_of_ct
    answers = {item.sop_class_uid: item.service_class_application_information for item in _extended(association)}
    assert answers.get(STUDY_FIND) == seen.extended
    association.release()


def _extended(association: Any) -> list[Any]:
    return [item for item in association.acceptor.user_information if isinstance(item, SOPClassExtendedNegotiation)]


def test_strangers_titles_are_taken_or_rejected_as_the_sources_say(product: tuple[Seen, Sensor]) -> None:
    seen, sensor = product
    assert _rejection(sensor, ECHO, "NOBODY") == seen.rejected.get("NOBODY")


def test_an_association_without_any_use_is_told_so_by_clearcanvas_alone(product: tuple[Seen, Sensor]) -> None:
    seen, sensor = product
    assert _rejection(sensor, WORKLIST, OWN) == ((1, 2, 1) if seen is SEEN["clearcanvas"] else None)


def _rejection(sensor: Sensor, abstract_syntax: str, called: str) -> tuple[int, ...] | None:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 9.3.4); None: the association was accepted.

    By the bytes that came: a rejection that comes soon enough, pynetdicom takes for a failed connection.
    """
    answers: list[bytes] = []
    ae = AE()
    ae.add_requested_context(abstract_syntax, [ILE])
    handler = (evt.EVT_DATA_RECV, lambda event: answers.append(event.data))
    association = ae.associate(*sensor.address, ae_title=called, evt_handlers=[handler])
    if association.is_established:
        association.release()
    assert answers[0][0] in (2, 3)
    return tuple(answers[0][7:10]) if answers[0][0] == 3 else None


def test_garbage_gets_no_answer_from_any_of_them(product: tuple[Seen, Sensor]) -> None:
    _, sensor = product
    with connect(sensor) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: archive\r\n\r\n" + bytes(64))
        assert receive_all(sock) == b""


def test_an_unknown_pdu_ends_an_association_as_the_sources_say(product: tuple[Seen, Sensor]) -> None:
    seen, sensor = product
    with connect(sensor) as sock:
        sock.sendall(RQ[:10] + OWN.encode().ljust(16) + RQ[26:])
        assert receive_pdu(sock)[0] == 2
        sock.sendall(bytes.fromhex("5f0000000004") + bytes(4))
        with contextlib.suppress(OSError):  # it may be reset already
            sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == seen.unknown_pdu


def test_queries_end_with_the_statuses_of_the_sources(product: tuple[Seen, Sensor]) -> None:
    seen, sensor = product
    ae = AE()
    ae.add_requested_context(STUDY_FIND, [ILE])
    association = ae.associate(*sensor.address, ae_title=OWN)
    found = {}
    for level in seen.statuses:
        identifier = Dataset()
        identifier.SeriesInstanceUID = ""
        if level:
            identifier[QUERY_RETRIEVE_LEVEL] = DataElement(QUERY_RETRIEVE_LEVEL, "CS", level, validation_mode=IGNORE)
        *_, (final, _) = association.send_c_find(identifier, STUDY_FIND)
        found[level] = final.Status
    association.release()
    assert found == seen.statuses


def test_findscu_finds_the_studies(product: tuple[Seen, Sensor]) -> None:
    _, sensor = product
    keys = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID", "PatientName", "StudyDate", "AccessionNumber")
    options = [option for key in keys for option in ("-k", key)]
    output = run_tool("findscu", "-v", "-S", "-aec", OWN, *options, *sensor.address).output
    assert output.count("(Pending)") == STUDIES, output
    assert "Success" in output


def test_getscu_gets_an_image_where_there_is_such_a_service(product: tuple[Seen, Sensor], tmp_path: Path) -> None:
    seen, sensor = product
    keys: list[str] = []
    for level, key in (("STUDY", "StudyInstanceUID"), ("SERIES", "SeriesInstanceUID"), ("IMAGE", "SOPInstanceUID")):
        query = ("-k", f"QueryRetrieveLevel={level}", *keys, "-k", key)
        output = run_tool("findscu", "-S", "-aec", OWN, *query, *sensor.address).output
        keys += ["-k", f"{key}={_first_uid(output, key)}"]
    query = ("-k", "QueryRetrieveLevel=IMAGE", *keys)
    got = run_tool("getscu", "-S", "-aec", OWN, "-od", tmp_path, *query, *sensor.address, status=None)
    offered = any(uid == STUDY_GET and isinstance(answer, str) for (uid, _), answer in seen.contexts.items())
    assert (got.status == 0) is offered, got.output
    assert len(list(tmp_path.iterdir())) == offered


def _first_uid(output: str, keyword: str) -> str:
    found = re.search(r"UI \[([\d.]+)[\0 ]?\] +# +\d+, 1 " + keyword, output)
    assert found, output
    return found[1]
