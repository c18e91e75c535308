"""C-FIND (PS3.4 annex C.4.1): what is answered, in which order, and how matching is understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....upperlayer.dimse import CommandField
from ... import sopclasses
from .. import building as b
from ..datasets import OBJECTS, Key, data_set
from ..laboratory import Catalogue, Laboratory, Needs
from ..line import REPLY_SECONDS, Line, final

catalogue = Catalogue()

PATIENT, STUDY, PATIENT_STUDY, WORKLIST = 1, 3, 5, 7
MODELS: tuple[b.Proposal, ...] = (
    (PATIENT, sopclasses.PATIENT_ROOT_FIND, (b.IMPLICIT,)),
    (STUDY, sopclasses.STUDY_ROOT_FIND, (b.IMPLICIT,)),
    (PATIENT_STUDY, sopclasses.PATIENT_STUDY_FIND, (b.IMPLICIT,)),
    (WORKLIST, sopclasses.MODALITY_WORKLIST_FIND, (b.IMPLICIT,)),
)
_ABSTRACT = {number: abstract for number, abstract, _ in MODELS}
NOBODY = "REC-NOBODY"
"""A patient identifier that no archive has."""
FIRST = OBJECTS[0]
NOISE = bytes(n * 37 + 11 & 0xFF for n in range(60))

Query = tuple[str, int, Sequence[Key]]
"""A name, a context, and the keys."""


def ask(line: Line, number: int, data: bytes | None, label: str, message_id: int = 1) -> Line:
    """C-FIND, and all its answers."""
    head = b.command(
        CommandField.C_FIND_RQ,
        data_set=data is not None,
        AffectedSOPClassUID=_ABSTRACT[number] or "",
        MessageID=message_id,
        Priority=0,
    )
    return line.send(b.message(number, head, data), f"C-FIND-RQ {label}").hear(final, REPLY_SECONDS)


def _queries(name: str, about: str, needs: Needs, queries: Callable[[Laboratory], Sequence[Query]]) -> None:
    def play(lab: Laboratory) -> None:
        line = lab.line().associate(MODELS)
        for count, (label, number, keys) in enumerate(queries(lab), 1):
            # One that the product ends an association for must not hide those behind it.
            if line.over and not line.open:
                line.finish(0.0)
                line = lab.line(f"from {label}").associate(MODELS)
            if number in line.accepted:
                ask(line, number, data_set(keys), label, count)
        line.release()

    catalogue.add(f"queries.{name}", about, needs=needs)(play)


def level(name: str, *keys: Key) -> list[Key]:
    """Keys with the query/retrieve level among them, in the order of tags."""
    return [("QueryRetrieveLevel", name), *keys]


def _levels(patient_id: str, study: str, series: str) -> list[Query]:
    patients = level("PATIENT", ("PatientName", ""), ("PatientID", patient_id), ("PatientBirthDate", ""))
    patients += [("PatientSex", "")]
    found: list[Query] = []
    for label, number, keyed in (("patient root", PATIENT, True), ("study root", STUDY, False)):
        own: list[Key] = [("PatientName", ""), ("PatientID", patient_id)]
        above: list[Key] = [("PatientID", patient_id)] if keyed else []
        if keyed:
            found.append((f"{label} PATIENT", number, patients))
        studies: list[Key] = [("StudyDate", ""), ("AccessionNumber", ""), *level("STUDY", *own)]
        studies += [("StudyInstanceUID", ""), ("StudyID", "")]
        found.append((f"{label} STUDY", number, studies))
        keys = [*above, ("StudyInstanceUID", study)]
        lower = [("QueryRetrieveLevel", "SERIES"), ("Modality", ""), *keys]
        found.append((f"{label} SERIES", number, [*lower, ("SeriesInstanceUID", ""), ("SeriesNumber", "")]))
        images: list[Key] = [("SOPClassUID", ""), ("SOPInstanceUID", ""), ("QueryRetrieveLevel", "IMAGE"), *keys]
        found.append((f"{label} IMAGE", number, [*images, ("SeriesInstanceUID", series), ("InstanceNumber", "")]))
    found.append(("patient/study PATIENT", PATIENT_STUDY, patients))
    own = [("PatientID", patient_id), ("StudyInstanceUID", "")]
    found.append(("patient/study STUDY", PATIENT_STUDY, level("STUDY", *own)))
    own = [("PatientID", patient_id), ("StudyInstanceUID", study), ("SeriesInstanceUID", "")]
    found.append(("patient/study SERIES", PATIENT_STUDY, level("SERIES", *own)))
    return found


def _sampled(lab: Laboratory) -> list[Query]:
    sample = lab.sample
    if sample is None:
        return []
    return _levels(sample.patient_id, sample.study_uid, sample.series_uid)


_STEP: list[Key] = [
    ("Modality", ""),
    ("ScheduledStationAETitle", ""),
    ("ScheduledProcedureStepStartDate", ""),
    ("ScheduledProcedureStepStartTime", ""),
]
_NO_STUDY: Key = ("StudyInstanceUID", b.NOWHERE)

_queries(
    "nothing", "every level of every model, with no match", Needs.NOTHING, lambda _: _levels(NOBODY, *[b.NOWHERE] * 2)
)
_queries(
    "worklist",
    "the modality worklist",
    Needs.NOTHING,
    lambda _: [
        (
            "nobody",
            WORKLIST,
            [
                ("AccessionNumber", ""),
                ("PatientName", ""),
                ("PatientID", NOBODY),
                ("StudyInstanceUID", ""),
                ("ScheduledProcedureStepSequence", [_STEP]),
            ],
        )
    ],
)
_queries(
    "bad-levels",
    "query/retrieve levels that are missing, unknown, or not the model's",
    Needs.NOTHING,
    lambda _: [
        ("missing", STUDY, [("PatientID", NOBODY), _NO_STUDY]),
        ("empty", STUDY, level("", ("PatientID", NOBODY), _NO_STUDY)),
        ("unknown", STUDY, level("FOO", _NO_STUDY)),
        ("lower case", STUDY, level("study", _NO_STUDY)),
        ("padded", STUDY, level("STUDY   ", _NO_STUDY)),
        ("PATIENT in study root", STUDY, level("PATIENT", ("PatientID", NOBODY))),
        ("INSTANCE", STUDY, level("INSTANCE", ("SOPInstanceUID", b.NOWHERE))),
        ("IMAGE in patient/study", PATIENT_STUDY, level("IMAGE", ("PatientID", NOBODY), _NO_STUDY)),
    ],
)
_queries(
    "no-parent",
    "queries below a level without the key above it",
    Needs.NOTHING,
    lambda _: [
        ("SERIES", STUDY, level("SERIES", ("SeriesInstanceUID", b.NOWHERE))),
        ("IMAGE", STUDY, [("SOPInstanceUID", b.NOWHERE), *level("IMAGE")]),
        ("IMAGE with a study", STUDY, [("SOPInstanceUID", ""), *level("IMAGE", _NO_STUDY)]),
        ("STUDY in patient root", PATIENT, level("STUDY", _NO_STUDY)),
        ("SERIES in patient root", PATIENT, level("SERIES", _NO_STUDY, ("SeriesInstanceUID", ""))),
    ],
)
_queries(
    "odd-keys",
    "keys that a product need not know, with no match",
    Needs.NOTHING,
    lambda _: [
        (
            "standard",
            STUDY,
            [("InstitutionName", ""), *level("STUDY", ("OperatorsName", ""), ("PatientSize", ""), _NO_STUDY)],
        ),
        ("group length", STUDY, [(0x00080000, b"\x08\0\0\0"), *level("STUDY", _NO_STUDY)]),
        ("private", STUDY, level("STUDY", (0x00090010, "ACME"), (0x00091001, ""), _NO_STUDY)),
        ("descending", STUDY, [_NO_STUDY, ("PatientID", NOBODY), *level("STUDY")]),
        ("twice", STUDY, level("STUDY", _NO_STUDY, ("StudyInstanceUID", f"{b.NOWHERE}.1"))),
        ("bad date", STUDY, [("StudyDate", "yesterday"), *level("STUDY", ("PatientID", NOBODY), _NO_STUDY)]),
        ("unknown character set", STUDY, [("SpecificCharacterSet", "ISO_IR 999"), *level("STUDY", _NO_STUDY)]),
        ("empty sequence", STUDY, level("STUDY", ("ProcedureCodeSequence", []), _NO_STUDY)),
    ],
)


@catalogue.add("queries.broken", "identifiers that are missing or can't be read")
def broken(lab: Laboratory) -> None:
    good = data_set(level("STUDY", ("PatientID", NOBODY), _NO_STUDY))
    for label, data in (("none announced", None), ("empty", b""), ("noise", NOISE), ("cut", good[:-3])):
        ask(lab.line(label).associate(MODELS), STUDY, data, label).finish()


@catalogue.add("queries.stranger", "a query from an AE title that isn't known")
def stranger(lab: Laboratory) -> None:
    line = lab.line().associate(MODELS, calling=lab.stranger)
    if STUDY in line.accepted:
        ask(line, STUDY, data_set(level("STUDY", ("PatientID", NOBODY), _NO_STUDY)), "no match")
    line.release()


@catalogue.add("queries.cancel", "a C-CANCEL right behind the query, and one for nothing")
def cancel(lab: Laboratory) -> None:
    stop = b.message(STUDY, b.command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=9))
    head = b.command(
        CommandField.C_FIND_RQ,
        data_set=True,
        AffectedSOPClassUID=sopclasses.STUDY_ROOT_FIND,
        MessageID=9,
        Priority=0,
    )
    keys = data_set(level("STUDY", ("PatientID", NOBODY), _NO_STUDY))
    line = lab.line("behind").associate(MODELS)
    line.send(b.message(STUDY, head, keys) + stop, "C-FIND-RQ and C-CANCEL-RQ").hear(final, REPLY_SECONDS).finish()
    line = lab.line("for nothing").associate(MODELS).send(stop, "C-CANCEL-RQ").watch(0.5)
    line.send(b.RELEASE_RQ, "A-RELEASE-RQ").hear().finish()


@catalogue.add("queries.syntaxes", "a query in every uncompressed transfer syntax")
def syntaxes(lab: Laboratory) -> None:
    for label, syntax in (("explicit", b.EXPLICIT), ("big endian", b.BIG), ("deflated", b.DEFLATED)):
        line = lab.line(label).associate(((STUDY, sopclasses.STUDY_ROOT_FIND, (syntax,)),))
        if STUDY in line.accepted and syntax != b.DEFLATED:
            ask(line, STUDY, data_set(level("STUDY", ("PatientID", NOBODY), _NO_STUDY), syntax), label)
        line.release()


_queries("levels", "every level of every model, with matches", Needs.SAMPLE, _sampled)


def _study(lab: Laboratory, *keys: Key, before: Sequence[Key] = ()) -> list[Key]:
    study = lab.sample.study_uid if lab.sample is not None else b.NOWHERE
    return [*before, *level("STUDY", *keys, ("StudyInstanceUID", study))]


def _return_keys(lab: Laboratory) -> list[Query]:
    study = lab.sample.study_uid if lab.sample is not None else b.NOWHERE
    series: list[Key] = [("StudyInstanceUID", study), ("SeriesInstanceUID", "")]
    return [
        (
            "absent, STUDY",
            STUDY,
            [
                *level(
                    "STUDY", ("RetrieveAETitle", ""), ("InstanceAvailability", ""), ("ReferringPhysicianName", "")
                ),
                ("InstitutionalDepartmentName", ""),
                ("PatientAge", ""),
                ("StudyInstanceUID", study),
                ("PerformedProcedureStepStartDate", ""),
            ],
        ),
        (
            "absent, SERIES",
            STUDY,
            [
                *level("SERIES", ("RetrieveAETitle", ""), ("SeriesDescription", ""), ("BodyPartExamined", "")),
                *series,
            ],
        ),
        (
            "counts, STUDY",
            STUDY,
            [
                *level("STUDY", ("ModalitiesInStudy", ""), ("SOPClassesInStudy", ""), ("StudyInstanceUID", study)),
                ("NumberOfStudyRelatedSeries", ""),
                ("NumberOfStudyRelatedInstances", ""),
            ],
        ),
        (
            "counts, SERIES",
            STUDY,
            [*level("SERIES"), *series, ("NumberOfSeriesRelatedInstances", "")],
        ),
        ("none but the level", STUDY, _study(lab)),
        (
            "of other levels",
            STUDY,
            [("SOPClassUID", ""), ("SOPInstanceUID", ""), ("Modality", ""), *_study(lab, ("PatientBirthDate", ""))],
        ),
        ("unsupported", STUDY, _study(lab, ("OperatorsName", ""), ("PatientSize", ""))),
        ("private", STUDY, _study(lab, (0x00090010, "ACME"), (0x00091001, ""))),
        ("private with a value", STUDY, _study(lab, (0x00090010, "ACME"), (0x00091001, "zzz"))),
        ("group length", STUDY, _study(lab, before=[(0x00080000, b"\x08\0\0\0")])),
        ("empty sequence", STUDY, _study(lab, ("ProcedureCodeSequence", []))),
        (
            "sequence with an item",
            STUDY,
            _study(
                lab,
                ("ReferencedStudySequence", [[("ReferencedSOPClassUID", ""), ("ReferencedSOPInstanceUID", "")]]),
            ),
        ),
        ("character set", STUDY, _study(lab, ("PatientName", ""), before=[("SpecificCharacterSet", "ISO_IR 100")])),
        ("UTF-8", STUDY, _study(lab, ("PatientName", ""), before=[("SpecificCharacterSet", "ISO_IR 192")])),
        ("unknown character set", STUDY, _study(lab, before=[("SpecificCharacterSet", "ISO_IR 999")])),
        ("empty character set", STUDY, _study(lab, before=[("SpecificCharacterSet", "")])),
        ("descending", STUDY, list(reversed(_study(lab, ("PatientName", ""), ("PatientID", ""))))),
        (
            "patient counts",
            PATIENT,
            [
                *level("PATIENT", ("PatientID", lab.sample.patient_id if lab.sample else NOBODY)),
                ("NumberOfPatientRelatedStudies", ""),
                ("NumberOfPatientRelatedSeries", ""),
                ("NumberOfPatientRelatedInstances", ""),
            ],
        ),
    ]


_queries("return-keys", "what comes back for keys of many kinds", Needs.SAMPLE, _return_keys)


def _matching(_: Laboratory) -> list[Query]:
    def by(*keys: Key, before: Sequence[Key] = ()) -> list[Key]:
        return [*before, *level("STUDY", *keys), ("StudyInstanceUID", "")]

    names: tuple[str, ...] = (
        "RECORDER*",
        "RECORDER^ANNA",
        "recorder^anna",
        "recorder*",
        "RECORDER",
        "RECORDER ANNA",
        "?ECORDER^A*",
    )
    names += ("*ANNA", "RECORDER^ANN?", "RECORDER^ANNA^^", "RECORDER^ANNA ")
    found: list[Query] = [(f"name {name!r}", STUDY, by(("PatientName", name))) for name in names]
    found += [(f"patient {name!r}", STUDY, by(("PatientID", name))) for name in ("REC-000?", "rec-0001", "*-0002")]
    for accession in ("REC100?", "rec1001", "REC1*"):
        found.append((f"accession {accession!r}", STUDY, by(before=[("AccessionNumber", accession)])))
    dates: tuple[str, ...] = (
        "19710115",
        "19710101-19710630",
        "19710101-19730101",
        "19720101-19730101",
        "-19711231",
        "1971*",
    )
    dates += ("1971.01.15", "19731231-19700101", "yesterday")
    mine: Key = ("PatientID", "REC-0001")
    found += [(f"date {date!r}", STUDY, by(mine, before=[("StudyDate", date)])) for date in dates]
    for time in ("083000", "080000-120000", "08"):
        found.append((f"time {time!r}", STUDY, by(mine, before=[("StudyTime", time)])))
    one, two = FIRST.study_uid, OBJECTS[3].study_uid
    for label, uid in (("list", f"{one}\\{two}"), ("wildcard", f"{one[:-1]}*"), ("padded", f"{one} ")):
        found.append((f"UID {label}", STUDY, level("STUDY", ("StudyInstanceUID", uid))))
    found.append(("UID twice", STUDY, level("STUDY", ("StudyInstanceUID", one), ("StudyInstanceUID", two))))
    for modality in ("MR", "CT\\MR", "XA"):
        found.append((f"modalities {modality!r}", STUDY, level("STUDY", ("ModalitiesInStudy", modality), mine)))
        found[-1] = (found[-1][0], STUDY, [*found[-1][2], ("StudyInstanceUID", "")])
    found.append(("description", STUDY, by(mine, before=[("StudyDescription", "TEST*")])))
    found.append(("sex", STUDY, by(mine, ("PatientSex", "M"))))
    for label, character_set, name in (
        ("none", None, b"RECORDER^BJ\xd6RN"),
        ("Latin-1", "ISO_IR 100", b"Recorder^Bj\xf6rn"),
        ("UTF-8", "ISO_IR 192", "Recorder^Bj\xf6rn".encode()),
        ("of the object", "ISO_IR 192", "RECORDER^\u017bANETA".encode()),
    ):
        before: list[Key] = [] if character_set is None else [("SpecificCharacterSet", character_set)]
        found.append((f"name in {label}", STUDY, by(("PatientName", name), before=before)))
    found.append(("several patients", STUDY, by(("PatientName", "RECORDER*"), ("PatientID", ""))))
    return found


_queries("matching", "how values are matched", Needs.STORING, _matching)


def _rootless(_: Laboratory) -> list[Query]:
    return [
        ("SERIES", STUDY, level("SERIES", ("PatientID", "REC-0001"), ("SeriesInstanceUID", ""))),
        ("IMAGE", STUDY, [("SOPInstanceUID", FIRST.instance_uid), *level("IMAGE")]),
        (
            "IMAGE of a series",
            STUDY,
            [("SOPInstanceUID", ""), *level("IMAGE", ("SeriesInstanceUID", FIRST.series_uid))],
        ),
        ("STUDY in patient root", PATIENT, level("STUDY", ("StudyInstanceUID", FIRST.study_uid))),
        ("no level", STUDY, [("PatientID", "REC-0001"), ("StudyInstanceUID", "")]),
        ("empty level", STUDY, level("", ("PatientID", "REC-0001"), ("StudyInstanceUID", ""))),
        ("lower case level", STUDY, level("study", ("PatientID", "REC-0001"), ("StudyInstanceUID", ""))),
        ("PATIENT in study root", STUDY, level("PATIENT", ("PatientID", "REC-0001"))),
        ("INSTANCE", STUDY, [("SOPInstanceUID", FIRST.instance_uid), *level("INSTANCE")]),
    ]


_queries("rootless", "queries whose hierarchy is incomplete, with matches", Needs.STORING, _rootless)


@catalogue.add("queries.small-pdus", "a query by a requestor that takes 200 bytes at a time", needs=Needs.SAMPLE)
def small_pdus(lab: Laboratory) -> None:
    line = lab.line().associate(MODELS, information=b.user(length=200))
    if STUDY in line.accepted:
        keys = _study(lab, ("PatientName", ""), ("PatientID", ""), ("PatientBirthDate", ""), ("StudyID", ""))
        ask(line, STUDY, data_set(keys), "one study")
    line.release()
