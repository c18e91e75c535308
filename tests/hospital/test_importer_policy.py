"""What the importer does with each attribute, judged against PS3.15 annex E; and with words."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from importlib.resources import files as resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary, dictionary_VR, tag_for_keyword

from dicomhawk.hospital.importer.policy import Action, action
from dicomhawk.hospital.importer.wording import Identifiers, cleaned, vocabulary
from tests.hospital.importer_samples import BUNDLED, bundled, files, run

NOBODY = Identifiers([], [])
SOMEBODY = Identifiers(["Lee^Ann-Marie^^Dr.=李^安", "Long^Head"], ["A12345", "77"])


def what(keyword: str) -> Action:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return action(tag)


def test_every_attribute_that_is_named_exists_and_is_named_once() -> None:
    text = resources("dicomhawk.hospital.importer").joinpath("attributes.txt").read_text(encoding="utf-8")
    entries = [line.partition("#")[0].strip() for line in text.splitlines()]
    keywords = [entry for entry in entries if entry and not entry.startswith("[")]
    assert [keyword for keyword in keywords if tag_for_keyword(keyword) is None] == []
    assert [keyword for keyword, count in Counter(keywords).items() if count > 1] == []


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("PatientAddress", {Action.EMPTY, Action.REMOVE}),
        ("PatientTelephoneNumbers", {Action.EMPTY, Action.REMOVE}),
        ("OtherPatientIDs", {Action.EMPTY, Action.REMOVE}),
        ("InstitutionAddress", {Action.REMOVE}),
        ("PatientComments", {Action.REMOVE}),
        ("ImageComments", {Action.REMOVE}),
        ("RequestAttributesSequence", {Action.REMOVE}),
        ("GraphicAnnotationSequence", {Action.REMOVE}),
        ("WaveformAnnotationSequence", {Action.REMOVE}),
        ("IconImageSequence", {Action.REMOVE}),
        ("EncapsulatedDocument", {Action.REMOVE}),
        ("PatientIdentityRemoved", {Action.REMOVE}),
        ("DeidentificationMethod", {Action.REMOVE}),
        ("DigitalSignaturesSequence", {Action.REMOVE}),
        ("ScheduledStationAETitle", {Action.REMOVE}),
        ("GPSLatitude", {Action.REMOVE}),
        ("ReferringPhysicianName", {Action.STAFF}),
        ("FrameOfReferenceUID", {Action.UID}),
        ("SOPClassUID", {Action.CLASS_UID}),
        ("ReferencedSOPClassUID", {Action.CLASS_UID}),
        ("StudyDescription", {Action.DESCRIPTOR}),
        ("PixelSpacing", {Action.CODE}),
        ("Rows", {Action.KEEP}),
        ("RedPaletteColorLookupTableData", {Action.KEEP}),
    ],
)
def test_examples(keyword: str, expected: set[Action]) -> None:
    assert what(keyword) in expected


def test_nothing_with_words_is_kept_by_oversight() -> None:
    """Also of attributes that nobody has thought of: all of the dictionary is looked at."""
    for tag in DicomDictionary:
        vr = dictionary_VR(tag)
        if vr in ("AE", "LO", "LT", "SH", "ST", "UC", "UN", "UR", "UT", "PN", "OB"):
            kept = action(tag) is Action.KEEP
            assert not kept or DicomDictionary[tag][4].endswith(("Data", "Table", "Lengths", "Value"))
        if vr in ("DA", "DT"):
            assert action(tag) in (Action.DATE, Action.DATE_TIME, Action.DRAWN, Action.REMOVE)
        if vr == "UI":
            assert action(tag) in (Action.UID, Action.CLASS_UID, Action.REMOVE)


@given(st.integers(0, 0xFFFFFFFF))
def test_private_and_unknown_attributes_curves_and_overlays_go(tag: int) -> None:
    decided = action(tag)
    if (tag >> 16) & 1 or tag >> 24 in (0x50, 0x60) or tag not in DicomDictionary:
        assert decided is Action.REMOVE


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("CT Thorax/Abdomen + KM 5.0 B31f", "CT Thorax/Abdomen + KM 5.0 B31f"),
        ("t1_mprage_sag_p2_iso_1.0", "t1_mprage_sag_p2_iso_1.0"),
        ("T2w TSE (ax)", "T2w TSE (ax)"),
        ("Schädel nativ", "Schädel nativ"),
        ("Chest of Mr Smith (ward of Smith)", "Chest of Mr (of)"),
        ("Chest 20190311", "Chest"),
        ("call 555-1234567", ""),
        ("1961", ""),
        ("12", ""),
        ("smith@example.org", ""),
        ("needle Lee ann", "needle"),
        ("Long Head CT", "CT"),
        ("scan A12345b", "scan"),
        ("", ""),
    ],
)
def test_of_a_description_only_known_words_stay(text: str, kept: str) -> None:
    assert cleaned(text, SOMEBODY) == kept


@given(st.text(max_size=200))
def test_cleaning_brings_nothing_new_and_never_fails(text: str) -> None:
    kept = cleaned(text, NOBODY)
    assert set(kept) <= set(text) | {" "}
    assert cleaned(kept, NOBODY) == kept
    assert not any(len(run) > 3 for run in "".join(c if c in "0123456789" else " " for c in kept).split())


@given(st.lists(st.sampled_from(sorted(vocabulary())), max_size=4), st.text(min_size=2, max_size=12))
def test_a_name_never_stays(words: list[str], name: str) -> None:
    identifiers = Identifiers([name], [])
    kept = cleaned(" ".join([*words, name]), identifiers)
    assert not any(identifiers.in_description(word) for word in kept.split())


@pytest.mark.parametrize("name", BUNDLED)
def test_cleaning_breaks_no_rule_of_the_standard(tmp_path: Path, name: str) -> None:
    """dciodvfy finds no error in the cleaned object that it didn't find in the true one."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")

    def errors(path: Path) -> set[str]:
        checked = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace", check=False)
        return {line for line in (checked.stderr + checked.stdout).splitlines() if line.startswith("Error")}

    (tmp_path / "in").mkdir()
    shutil.copy(bundled(name), tmp_path / "in")
    run(tmp_path / "in", tmp_path / "data")
    (path,) = files(tmp_path / "data")
    assert errors(path) - errors(bundled(name)) == set()
