"""What a visitor stores it finds and gets back bit for bit, and nobody else does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import build_context

from tests.sensor.oracle import Hospital
from tests.sensor.proxy import new_address
from tests.sensor.scu import (
    CT,
    PATIENT_FIND,
    STUDY_FIND,
    STUDY_GET,
    Received,
    associate,
    encoded,
    find,
    get,
    keys,
    store_bytes,
)
from tests.sensor.test_dcmtk_store import sample
from tests.support import Sensor

OBJECTS = [
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "image_dfl.dcm",
    "examples_ybr_color.dcm",
    "waveform_ecg.dcm",
    "test-SR.dcm",
]


class Own(NamedTuple):
    """An object of a visitor: its identifying attributes, and its data set's bytes."""

    head: Dataset
    sop_class: str
    syntax: str
    data: bytes


def own(name: str) -> Own:
    """A file of pydicom's as an object; what it lacks to be stored is added."""
    path = sample(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = dcmread(path)
    meta = whole.file_meta
    content = path.read_bytes()
    start = 132 + 12 + int(meta.FileMetaInformationGroupLength)
    return Own(whole, str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID), content[start:])


def put(sensor: Sensor, ip: str, thing: Own) -> None:
    """C-STORE of an object's very bytes."""
    with associate(sensor.address, [build_context(thing.sop_class, [thing.syntax])], ip=ip) as association:
        context = association.accepted_contexts[0]
        answer = store_bytes(association, context, thing.sop_class, str(thing.head.SOPInstanceUID), thing.data)
        assert answer.Status == 0x0000


def path_to(thing: Own) -> dict[str, Dataset]:
    """For each level, an identifier that finds the object."""
    head = thing.head
    found: dict[str, Dataset] = {}
    above: dict[str, object] = {}
    for level, keyword in (
        ("STUDY", "StudyInstanceUID"),
        ("SERIES", "SeriesInstanceUID"),
        ("IMAGE", "SOPInstanceUID"),
    ):
        above[keyword] = str(head.get(keyword))
        found[level] = keys(QueryRetrieveLevel=level, **above)
    found["PATIENT"] = keys(QueryRetrieveLevel="PATIENT", PatientID=str(head.get("PatientID", "")))
    return found


@pytest.mark.parametrize("name", OBJECTS)
def test_round_trip(sensor: Sensor, hospital: Hospital, name: str) -> None:
    ip, thing = new_address(), own(name)
    put(sensor, ip, thing)
    identifiers = path_to(thing)

    with associate(sensor.address, [STUDY_FIND, PATIENT_FIND], ip=ip) as association:
        for level, identifier in identifiers.items():
            model = PATIENT_FIND if level == "PATIENT" else STUDY_FIND
            matches, status = find(association, identifier, model)
            # Without a Patient ID, this is universal matching.
            others = 0 if level != "PATIENT" or identifier.PatientID else len(hospital.patients())
            assert (len(matches), status) == (1 + others, 0x0000), level

    for level in ("STUDY", "SERIES", "IMAGE"):
        received = Received()
        contexts = [STUDY_GET, build_context(thing.sop_class, [thing.syntax])]
        with associate(
            sensor.address, contexts, ip=ip, scp=[thing.sop_class], handlers=[received.handler]
        ) as association:
            final = get(association, identifiers[level])[-1][0]
        assert final.Status == 0x0000
        assert received.objects == {str(thing.head.SOPInstanceUID): (thing.data, thing.syntax)}, level


def test_another_address_sees_nothing(sensor: Sensor) -> None:
    mine, other, thing = new_address(), new_address(), own("CT_small.dcm")
    put(sensor, mine, thing)
    identifiers = path_to(thing)
    with associate(sensor.address, [STUDY_FIND, PATIENT_FIND], ip=other) as association:
        for level, identifier in identifiers.items():
            model = PATIENT_FIND if level == "PATIENT" else STUDY_FIND
            assert find(association, identifier, model) == ([], 0x0000), level
        every, _ = find(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=""))
        assert str(thing.head.StudyInstanceUID) not in {str(each.StudyInstanceUID) for each in every}
    received = Received()
    contexts = [STUDY_GET, build_context(thing.sop_class, [thing.syntax])]
    with associate(sensor.address, contexts, ip=other, scp=[CT], handlers=[received.handler]) as association:
        final = get(association, identifiers["STUDY"])[-1][0]
    assert (final.Status, final.NumberOfCompletedSuboperations, received.objects) == (0x0000, 0, {})


def test_what_is_stored_into_a_study_of_the_hospital_is_counted_with_it(sensor: Sensor, hospital: Hospital) -> None:
    study = hospital.small_study("CT")
    ip, thing = new_address(), own("CT_small.dcm")
    head = thing.head
    head.StudyInstanceUID, head.PatientID, head.PatientName = study["study_uid"], study["patient_id"], study["name"]
    head.StudyDate, head.StudyTime = study["study_date"], study["study_time"]
    data = encoded(head)
    put(sensor, ip, thing._replace(head=head, data=data))
    identifier = keys(
        QueryRetrieveLevel="STUDY", StudyInstanceUID=study["study_uid"], PatientName="",
        NumberOfStudyRelatedSeries=None, NumberOfStudyRelatedInstances=None,
    )  # fmt: skip
    for visitor, more in ((ip, 1), (new_address(), 0)):
        with associate(sensor.address, [STUDY_FIND], ip=visitor) as association:
            ((match,), status) = find(association, identifier)
        assert status == 0x0000
        assert match.NumberOfStudyRelatedSeries == study["n_series"] + more
        assert match.NumberOfStudyRelatedInstances == study["n_instances"] + more

    received = Received()
    with associate(sensor.address, [STUDY_GET, CT], ip=ip, scp=[CT], handlers=[received.handler]) as association:
        final = get(
            association,
            keys(
                QueryRetrieveLevel="SERIES",
                StudyInstanceUID=study["study_uid"],
                SeriesInstanceUID=str(head.SeriesInstanceUID),
            ),
        )[-1][0]
    assert final.NumberOfCompletedSuboperations == 1
    assert [content for content, _ in received.objects.values()] == [data]


def test_the_last_of_two_with_the_same_uid_counts(sensor: Sensor) -> None:
    ip, thing = new_address(), own("CT_small.dcm")
    put(sensor, ip, thing)
    thing.head.PatientComments = "changed"
    changed = thing._replace(data=encoded(thing.head))
    put(sensor, ip, changed)
    received = Received()
    with associate(
        sensor.address, [STUDY_GET, build_context(CT, [thing.syntax])], ip=ip, scp=[CT], handlers=[received.handler]
    ) as association:
        get(association, path_to(thing)["STUDY"])
    assert [content for content, _ in received.objects.values()] == [changed.data]


def test_it_survives_a_restart(start: Callable[..., Sensor], data: Path) -> None:
    ip, thing = new_address(), own("CT_small.dcm")
    with start(workers=1) as sensor:
        put(sensor, ip, thing)
    with start(workers=1) as sensor:
        with associate(sensor.address, [STUDY_FIND], ip=ip) as association:
            matches, _ = find(association, path_to(thing)["IMAGE"])
            assert len(matches) == 1
        received = Received()
        contexts = [STUDY_GET, build_context(CT, [thing.syntax])]
        with associate(sensor.address, contexts, ip=ip, scp=[CT], handlers=[received.handler]) as association:
            get(association, path_to(thing)["STUDY"])
        assert [content for content, _ in received.objects.values()] == [thing.data]
