"""A visitor is served while another one's images are rendered: the order of events, not the time they take."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.sensor.oracle import Hospital
from tests.sensor.proxy import new_address
from tests.sensor.scu import CT, MR, STUDY_FIND, STUDY_GET, VERIFICATION, Received, associate, find, keys
from tests.support import Sensor, at, wait_until


def test_a_newcomer_does_not_wait_for_a_rendering(start: Callable[..., Sensor], data: Path) -> None:
    study = Hospital(data).small_study("CT")
    identifier = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study["study_uid"])
    ip, newcomer = new_address(), new_address()
    received = Received()
    first, enough = threading.Event(), threading.Event()
    taken: Any = received.handler[1]

    def take(event: Any) -> int:
        first.set()
        if enough.is_set():
            event.assoc.send_c_cancel(1, query_model=STUDY_GET)
        return int(taken(event))

    def fetch() -> None:
        with associate(
            sensor.address, [STUDY_GET, CT], ip=ip, scp=[CT], handlers=[(received.handler[0], take)]
        ) as association:
            list(association.send_c_get(identifier, STUDY_GET))

    with start(workers=1) as sensor:
        getting = threading.Thread(target=fetch)
        getting.start()
        wait_until(first.is_set, "first image")
        with associate(sensor.address, [VERIFICATION, STUDY_FIND], ip=newcomer) as association:
            assert association.send_c_echo().Status == 0x0000
            matches, _ = find(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=""))
            assert len(matches) == len(Hospital(data).studies())
        enough.set()
        getting.join(60)
        left = sensor.wait_event("connection.close", source__ip=newcomer)
        end = sensor.wait_event("dicom.c-get.end", source__ip=ip)
    # All of the newcomer's visit lies within the retrieval, which was cancelled after it.
    assert left["@timestamp"] <= end["@timestamp"]
    assert at(end, "dicom.status") == "0xFE00"
    assert len(received.order) < study["n_instances"]


def test_two_visitors_who_want_the_same_get_the_same(sensor: Sensor, hospital: Hospital) -> None:
    others = [study for study in hospital.studies() if "MR" in study["modalities"].split(",")]
    study = next(each for each in others if each["study_uid"] != hospital.small_study("MR")["study_uid"])
    series = next(each for each in hospital.series(study["study_key"]) if each["modality"] == "MR")
    number = len(hospital.instances(series["series_key"]))
    identifier = keys(
        QueryRetrieveLevel="SERIES", StudyInstanceUID=study["study_uid"], SeriesInstanceUID=series["series_uid"]
    )
    both = [Received(), Received()]

    def fetch(received: Received) -> None:
        with associate(
            sensor.address, [STUDY_GET, MR], ip=new_address(), scp=[MR], handlers=[received.handler]
        ) as association:
            list(association.send_c_get(identifier, STUDY_GET))

    threads = [threading.Thread(target=fetch, args=(received,)) for received in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(both[0].objects) == number
    assert both[0].objects == both[1].objects
