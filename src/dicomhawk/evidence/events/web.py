"""What visitors do with what the web doors serve: whatever the face is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind
from .common import Keys, Level, Outcome, Sha256, SopClass, SopInstance

Face = Annotated[
    str, Field("honeypot.web.face", "What was spoken to: orthanc, portal, qido-rs, wado-rs, wado-uri, stow-rs ...")
]
StudyUid = Annotated[str | None, Field("dicom.study.instance_uid", "Study Instance UID.")]
SeriesUid = Annotated[str | None, Field("dicom.series.instance_uid", "Series Instance UID.")]
Username = Annotated[str | None, Field("honeypot.credential.username", "User name as given.", also="related.user")]
Reason = Annotated[str | None, Field("event.reason", "Why it came out so.")]


class HttpLogin(Event, frozen=True, kw_only=True):
    """Credentials were presented, and taken or not."""

    kind: ClassVar[Kind] = Kind("http.login", ("authentication",), ("start",), 50)
    scheme: Annotated[
        str, Field("honeypot.login.scheme", "How: form, basic, digest, ntlm, bearer, cookie (a session) ...")
    ]
    outcome: Outcome
    username: Username = None
    password: Annotated[str | None, Field("honeypot.credential.password", "Password as given.", secret=True)] = None
    token: Annotated[
        str | None,
        Field("honeypot.credential.token", "What is neither: a token, or the messages of an exchange.", secret=True),
    ] = None
    domain: Annotated[str | None, Field("honeypot.login.domain", "Domain or realm that it names.")] = None
    workstation: Annotated[str | None, Field("honeypot.login.workstation", "Client's name for itself (NTLM).")] = None
    attempt: Annotated[int | None, Field("honeypot.login.attempt", "Which attempt of the visitor it is, from 1.")] = (
        None
    )
    reason: Reason = None


class WebQuery(Event, frozen=True, kw_only=True):
    """The catalogue was asked, and answered."""

    kind: ClassVar[Kind] = Kind("web.query", ("web",), ("access",), 40)
    face: Face
    level: Level = None
    keys: Keys = None
    matches: Annotated[int | None, Field("dicom.query.matches", "Matches sent.")] = None
    limit: Annotated[int | None, Field("dicom.query.limit", "How many were asked for at the most.")] = None
    offset: Annotated[int | None, Field("dicom.query.offset", "How many were to be skipped.")] = None
    outcome: Outcome = None
    reason: Reason = None


class WebRetrieve(Event, frozen=True, kw_only=True):
    """Objects, or parts or pictures of them, were asked for, and sent as far as the event says."""

    kind: ClassVar[Kind] = Kind("web.retrieve", ("web",), ("access",), 60)
    face: Face
    what: Annotated[
        str, Field("honeypot.web.what", "file, archive, metadata, frame, rendered, thumbnail, bulk data, report ...")
    ]
    level: Level = None
    patient_id: Annotated[str | None, Field("dicom.patient.id", "Patient ID.")] = None
    study_uid: StudyUid = None
    series_uid: SeriesUid = None
    sop_instance: SopInstance = None
    mime_type: Annotated[str | None, Field("file.mime_type", "Type that it is sent as.")] = None
    instances: Annotated[int | None, Field("honeypot.web.instances", "Instances that it holds.")] = None
    bytes: Annotated[int | None, Field("dicom.dataset.bytes", "Bytes sent of them.")] = None
    outcome: Outcome = None
    reason: Reason = None


class WebStore(Event, frozen=True, kw_only=True):
    """A file was sent to us over the web, and answered. What isn't DICOM has no SOP class."""

    kind: ClassVar[Kind] = Kind("web.store", ("web", "file"), ("creation",), 60)
    face: Face
    name: Annotated[str | None, Field("file.name", "Its name, as the visitor gave it.")] = None
    mime_type: Annotated[str | None, Field("file.mime_type", "Type that it was sent as.")] = None
    sop_class: SopClass = None
    sop_instance: SopInstance = None
    study_uid: StudyUid = None
    size: Annotated[int | None, Field("file.size", "Bytes of the file.")] = None
    sha256: Sha256 = None
    outcome: Outcome = None
    reason: Reason = None


class WebChange(Event, frozen=True, kw_only=True):
    """A call that would have changed something, or worse: a deletion, a configuration, a script. Nothing came of it
    but what its visitor is shown."""

    kind: ClassVar[Kind] = Kind("web.change", ("web", "intrusion_detection"), ("change",), 80)
    face: Face
    call: Annotated[str, Field("honeypot.web.call", "Which: execute-script, shutdown, delete, store ...")]
    target: Annotated[str | None, Field("honeypot.web.target", "What it was aimed at, as the visitor named it.")] = (
        None
    )
    detail: Annotated[
        str | None, Field("honeypot.web.detail", "What it wanted: the script, the value, the address.")
    ] = None
    password: Annotated[
        str | None, Field("honeypot.credential.password", "Password that it would have set.", secret=True)
    ] = None
    old_password: Annotated[
        str | None, Field("honeypot.credential.old_password", "Password that was given as the old one.", secret=True)
    ] = None
    outcome: Outcome = None


class WebBrowser(Event, frozen=True, kw_only=True):
    """A page's script told of the browser that it runs in, as products' telemetry does."""

    kind: ClassVar[Kind] = Kind("web.browser", ("web",), ("info",), 20)
    face: Face
    facts: Annotated[
        dict[str, str] | None, Field("honeypot.browser.facts", "What it told: screen, languages, time zone ...")
    ] = None
    automation: Annotated[
        tuple[str, ...], Field("honeypot.browser.automation", "Signs that no person sits in front of it.")
    ] = ()
    fingerprint: Annotated[
        str | None, Field("honeypot.browser.fingerprint", "SHA-256 of what doesn't change between visits.")
    ] = None
