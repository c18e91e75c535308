"""D01 to D14: who looks, who reads, and who writes what is nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable

from pydicom.dataset import Dataset
from pynetdicom import build_context

from tests.analyst.uploads import clean_ct
from tests.sensor.scu import (
    PATIENT_FIND,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    WORKLIST,
    Received,
    associate,
    find,
    get,
    keys,
)

from .means import (
    BORING,
    GET_CLASSES,
    Target,
    connected,
    probe,
    sent,
    stored,
    studies,
    tool,
)

# D01 to D07: who looks


def touch(target: Target) -> None:
    connected(target).close()
    with connected(target) as sock:
        time.sleep(0.2)
        sock.shutdown(socket.SHUT_RDWR)


def confused(target: Target) -> None:
    for data in (
        b"GET / HTTP/1.0\r\n\r\n",
        b"SSH-2.0-Go\r\n",
        b"\x03\x00\x00\x2a\x25\xe0\x00\x00\x00\x00\x00Cookie: mstshash=eltons\r\n\x01\x00\x08\x00\x00\x00\x00\x00",
        b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n\r\n",
    ):
        sent(target, data, wait=0.3)


def associated_only(target: Target) -> None:
    probe(target)


def echoed(target: Target) -> None:
    for calling in ("ECHOSCU", "ECHOSCU", "AIMAP"):
        with associate(target.address, [VERIFICATION], title=calling) as association:
            association.send_c_echo()


def found_after_echo(target: Target) -> None:
    with associate(target.address, [VERIFICATION, STUDY_FIND]) as association:
        association.send_c_echo()
        find(association, keys(QueryRetrieveLevel="STUDY", PatientID="NOBODY1", StudyInstanceUID=""))


def many_contexts(target: Target) -> None:
    contexts = [build_context(f"{BORING}{number}") for number in (1, 2, 4, 7, 20, 66, 128, 129)]
    contexts += [build_context(f"{BORING}{kind}") for kind in ("1.1", "1.2", "1.3", "2.1", "2.2", "3.1", "4.1")]
    contexts += [build_context(f"{BORING}{kind}") for kind in ("6.1", "6.2", "7.1", "7.2", "9.1.1", "9.1.2", "11.1")]
    with associate(target.address, contexts, title="NMAP-INFO"):
        pass


def getscu(target: Target) -> None:
    """DCMTK proposes 121 contexts and uses them."""
    study = studies(target, 1)[0]
    arguments = ("-S", "-aet", "GETSCU", "-aec", target.called, "--ignore", "-k", "0008,0052=STUDY")
    tool("getscu", *arguments, "-k", f"0020,000D={study}", target.host, target.dicom)


def guessed_titles(target: Target) -> None:
    for called in ("ANY-SCP", "123456", "12345", "password", "iloveyou", "princess", "rockyou"):
        probe(target, called)


def mistyped_title(target: Target) -> None:
    probe(target, "PACS1X", "CTCONSOLE")
    with associate(target.address, [VERIFICATION], called=target.called, title="CTCONSOLE") as association:
        association.send_c_echo()


def vendors_titles(target: Target) -> None:
    for called in ("ORTHANC", "DCM4CHEE", "CONQUESTSRV1", "HOROS"):
        probe(target, called)


# D08 to D14: who reads and writes


def everybody(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="FINDSCU") as association:
        wanted = keys(QueryRetrieveLevel="STUDY", PatientName="*", PatientID="", StudyInstanceUID="", StudyDate="")
        find(association, wanted)


def one_patient(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="WS1") as association:
        wanted = keys(QueryRetrieveLevel="STUDY", PatientName="", PatientID="P100200", StudyInstanceUID="")
        find(association, wanted)


def paged(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="FINDSCU") as association:
        for month in range(1, 8):
            between = f"2024{month:02}01-2024{month:02}28"
            find(association, keys(QueryRetrieveLevel="STUDY", StudyDate=between, PatientName="", PatientID=""))


def two_days(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="WS1") as association:
        for day in ("20240610", "20240611", "20240610"):
            find(association, keys(QueryRetrieveLevel="STUDY", StudyDate=day, PatientName="", PatientID=""))


def _step(**values: str) -> Dataset:
    step = keys(**dict.fromkeys(("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate"), ""))
    for name, value in values.items():
        setattr(step, name, value)
    return keys(PatientName="", PatientID="", AccessionNumber="", ScheduledProcedureStepSequence=[step])


def whole_worklist(target: Target) -> None:
    with associate(target.address, [WORKLIST], title="FINDSCU") as association:
        find(association, _step(), WORKLIST)


def own_worklist(target: Target) -> None:
    with associate(target.address, [WORKLIST], title="CT01") as association:
        find(association, _step(Modality="CT", ScheduledProcedureStepStartDate="20240610"), WORKLIST)


def crawled(target: Target) -> None:
    with associate(target.address, [PATIENT_FIND], title="CRAWL") as association:

        def ask(level: str, **more: str) -> list[Dataset]:
            return find(association, keys(QueryRetrieveLevel=level, **more), PATIENT_FIND)[0]

        patient = ask("PATIENT", PatientID="", PatientName="A*")[0].PatientID
        study = ask("STUDY", PatientID=patient, StudyInstanceUID="")[0].StudyInstanceUID
        series = ask("SERIES", PatientID=patient, StudyInstanceUID=study, SeriesInstanceUID="")[0].SeriesInstanceUID
        ask("IMAGE", PatientID=patient, StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID="")


def looked_into_one(target: Target) -> None:
    study = studies(target, 1)[0]
    with associate(target.address, [STUDY_FIND], title="WS1") as association:
        find(association, keys(QueryRetrieveLevel="SERIES", StudyInstanceUID=study, SeriesInstanceUID=""))


def fetch(target: Target, wanted: Iterable[str]) -> None:
    received = Received()
    contexts = [STUDY_GET, *GET_CLASSES]
    with associate(
        target.address, contexts, scp=GET_CLASSES, handlers=[received.handler], title="GETSCU"
    ) as association:
        for study in wanted:
            get(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study))


def fetched_many(target: Target) -> None:
    fetch(target, studies(target, 6))


def fetched_one(target: Target) -> None:
    fetch(target, studies(target, 1))


def moved(target: Target) -> None:
    study = studies(target, 1)[0]
    with associate(target.address, [STUDY_MOVE], title="MOVESCU") as association:
        wanted = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
        list(association.send_c_move(wanted, "EVILSCP", STUDY_MOVE))


def stored_junk(target: Target) -> None:
    data = clean_ct()
    data.SOPInstanceUID = "1.2.3.4.5.99999.1764000000.123456"
    data.PatientName = "TEST^NMAP"
    stored(target, data, data.SOPClassUID)


def stored_ct(target: Target) -> None:
    data = clean_ct()
    stored(target, data, data.SOPClassUID)
