"""Import from public archives, against a stand-in: what is taken, what is refused, and what the command says."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from dicomhawk.cli.fetching import idc
from dicomhawk.cli.fetching.errors import FetchError
from dicomhawk.cli.fetching.idc import Idc
from dicomhawk.cli.fetching.ledger import Ledger
from dicomhawk.cli.fetching.offers import Offer, Wanted
from dicomhawk.cli.fetching.tcia import Tcia
from dicomhawk.hospital.deployment import toml
from dicomhawk.hospital.generate import generate
from tests.cli.archives import BY, BY_NC, Archives, Held, archives, held, zipped
from tests.cli.importing import CHESTS, client, counts, downloads, from_idc, from_tcia, replacing
from tests.cli.test_commands import Cli
from tests.hospital.importer_samples import DEPLOYMENT, NOW, OTHER, TRUE_ROOT, catalogue, files

# What is taken


def test_series_of_a_collection_become_patients_of_the_hospital(server: Archives, data: Path) -> None:
    report = from_tcia(server, data)
    assert (report.imported, report.failed, report.files.imported) == (2, [], 6)
    assert counts(data) == (2, 2, 2, 6)
    for path in [*files(data), *data.rglob("*.json"), *data.rglob("*.sqlite")]:
        assert b"CHESTS-0" not in path.read_bytes()
        assert TRUE_ROOT.encode() not in path.read_bytes()
    assert not list(data.rglob("*.zip")) and not (data / "hospital/import/downloads").exists()


def test_objects_of_a_bucket_become_patients_of_the_hospital(server: Archives, data: Path) -> None:
    server.page = 2  # the listing comes in two parts
    report = from_idc(server, data)
    assert (report.imported, report.failed, report.files.imported) == (2, [], 6)
    assert counts(data) == (2, 2, 2, 6)


def test_both_have_the_same_identities_and_mix_with_what_is_generated(server: Archives, data: Path) -> None:
    generate(data, DEPLOYMENT, 20, now=NOW)
    before = counts(data)
    from_tcia(server, data, 5)
    with catalogue(data) as rows:
        studies = {row[0] for row in rows.connection.execute("SELECT study_uid FROM study")}
    assert counts(data)[:2] == (before[0] + 5, before[1] + 5)
    again = from_idc(server, data, 5)
    assert again.already_there == 5  # the same series by the other archive
    with catalogue(data) as rows:
        assert {row[0] for row in rows.connection.execute("SELECT study_uid FROM study")} == studies
        assert all(uid.startswith(DEPLOYMENT.uid_root) for uid in studies if len(uid) > 60)


def test_a_repeated_import_fetches_nothing_and_a_larger_one_the_rest(server: Archives, data: Path) -> None:
    from_tcia(server, data, 2)
    fetched = len(downloads(server))
    again = from_tcia(server, data, 2)
    assert (again.imported, again.already_there, len(downloads(server))) == (0, 2, fetched)
    more = from_tcia(server, data, 4)
    assert (more.imported, more.already_there, len(downloads(server))) == (2, 2, fetched + 2)
    assert counts(data) == (4, 4, 4, 12)


def test_no_two_deployments_take_the_same_first(tmp_path: Path) -> None:
    with archives(*(held(number, 1) for number in range(1, 30))) as server:
        taken = []
        for deployment in (DEPLOYMENT, OTHER):
            offered = Tcia(client(server.nbia)).offers(Wanted(CHESTS, ("CT",), 5), deployment.seed)
            taken.append([offer.uid for offer in offered.offers])
    assert taken[0][:5] != taken[1][:5]
    assert set(taken[0]) == set(taken[1]) == set(server.series)


def test_every_patient_comes_once_before_anybody_comes_again() -> None:
    series = [held(number) for number in range(1, 9)]
    for number, item in enumerate(series):
        item.patient_id = f"P{number % 4}"
    with archives(*series) as server:
        offers = Tcia(client(server.nbia)).offers(Wanted(CHESTS, ("CT",), 8), "seed").offers
    assert len({offer.patient_id for offer in offers[:4]}) == 4


def test_without_a_modality_only_those_without_text_in_pixels(data: Path) -> None:
    series = [held(1), held(2, modality="US"), held(3, modality="SEG"), held(4, modality="MR")]
    with archives(*series) as server:
        offered = Tcia(client(server.nbia)).offers(Wanted(CHESTS, (), 8), "seed")
    assert {offer.uid for offer in offered.offers} == {series[0].uid, series[3].uid}
    assert offered.passed_over == {"another modality": 2}


def test_what_the_importer_refuses_is_replaced_and_not_fetched_again(data: Path) -> None:
    series = [held(number) for number in range(1, 5)]
    order = [offer.uid for offer in _offers(series)]
    first = next(item for item in series if item.uid == order[0])
    first.objects = [content.replace(b"AXIAL", b"OTHER").replace(b"1.2.840.10008.5.1.4.1.1.2\0",
                     b"1.2.840.10008.5.1.4.1.1.7\0") for content in first.objects]  # fmt: skip
    with archives(*series) as server:
        report = from_tcia(server, data, 2)
        assert (report.imported, report.unsuitable, len(report.files.refused)) == (2, 1, 3)
        again = from_tcia(server, data, 2)
        assert (again.already_there, again.unsuitable) == (2, 1)
        assert len(downloads(server)) == 3
    assert sum(found.series for found in Ledger(data).attributions()) == 2


def _offers(series: list[Held]) -> list[Offer]:
    with archives(*series) as server:
        return Tcia(client(server.nbia)).offers(Wanted(CHESTS, ("CT",), 1), DEPLOYMENT.seed).offers


# Licences and attribution


def test_only_series_whose_licence_allows_it_are_fetched(data: Path) -> None:
    series = [held(1), held(2, licence=BY_NC), held(3, licence=(None, None)), held(4, licence=(BY[0], BY_NC[1]))]
    with archives(*series) as server:
        report = from_tcia(server, data, 4)
        assert len(downloads(server)) == 1 and series[0].uid in downloads(server)[0]
    assert (report.imported, report.passed_over) == (1, {"licence": 3})


def test_a_collection_of_which_nothing_may_be_taken(data: Path) -> None:
    with archives(held(1, licence=BY_NC)) as server, pytest.raises(FetchError, match="passed over: 1 for licence"):
        from_tcia(server, data)
    assert not (data / "hospital/catalogue.sqlite").exists()


def test_what_was_taken_is_attributed(server: Archives, data: Path) -> None:
    from_tcia(server, data, 2)
    from_idc(server, data, 3)
    tcia, idc_ = Ledger(data).attributions()
    assert str(tcia) == (
        "CHESTS. TCIA. https://doi.org/10.0000/chests (CC BY 3.0, https://creativecommons.org/licenses/by/3.0/)."
        " Changed: identities, dates, UIDs and texts replaced."
    )
    assert (idc_.series, idc_.objects, str(idc_).startswith("Somebody (2020). Chests (CC BY 4.0, ")) == (3, 9, True)


def test_attribution_survives_a_rotation(server: Archives, data: Path) -> None:
    generate(data, DEPLOYMENT, 3, now=NOW)
    from_tcia(server, data, 2)
    generate(data, DEPLOYMENT, 3, now=NOW, rotate=True)
    assert Ledger(data).attributions()[0].series == 2
    with catalogue(data) as rows:
        assert rows.connection.execute("SELECT count(*) FROM instance WHERE path IS NOT NULL").fetchone() == (6,)


def test_a_ledger_that_is_damaged_is_one_sentence(data: Path) -> None:
    (data / "hospital/import").mkdir(parents=True)
    (data / "hospital/import/ledger.json").write_text("{")
    with pytest.raises(FetchError, match=r"ledger\.json can't be read"):
        Ledger(data)


# Broken and hostile answers: one series fails, nothing of it is shown


IMAGE = held(1).objects[0]
DIGEST = hashlib.md5(IMAGE).hexdigest()
LIST = f"Filename,MD5Hash\n00000001.dcm,{DIGEST}\n".encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (zipped({"00000001.dcm": IMAGE}), "no checksums"),
        (zipped({"00000001.dcm": IMAGE, "md5hashes.csv": LIST}), "not complete: 1 of 3"),
        (zipped({"md5hashes.csv": LIST}), "not complete: 0 of 3"),
        (zipped({"../../x.dcm": IMAGE, "md5hashes.csv": LIST.replace(b"00000001", b"../../x")}), "path"),
        (zipped({"/tmp/x.dcm": IMAGE, "md5hashes.csv": LIST}), "path"),
        (zipped({"a\\b.dcm": IMAGE, "md5hashes.csv": LIST}), "path"),
        (zipped({"x.dcm": IMAGE, "00000001.dcm": IMAGE, "md5hashes.csv": LIST * 3}), "list of checksums is damaged"),
        (zipped({"md5hashes.csv": b"Filename,MD5Hash\n00000001.dcm,\n"}), "list of checksums is damaged"),
        (zipped({"md5hashes.csv": LIST}, method=14), "packed in a way"),
    ],
)
def test_a_zip_that_is_wrong_is_refused(server: Archives, data: Path, body: bytes, reason: str) -> None:
    server.faults.append(replacing("getImageWithMD5Hash", body=body))
    report = from_tcia(server, data, 1)
    assert report.imported == 0 and reason in report.failed[0]
    assert not (data / "hospital/catalogue.sqlite").exists()
    assert not list(data.rglob("*.zip*"))
    assert not Path("/tmp/x.dcm").exists()
    assert Ledger(data).attributions() == []


def test_a_wrong_checksum_is_found(server: Archives, data: Path) -> None:
    for item in server.series.values():
        item.hashes = ["0" * 32] * 3
    report = from_tcia(server, data, 1)
    assert report.imported == 0 and "checksum" in report.failed[0]


def test_a_checksum_that_lost_its_zeros_is_the_same(data: Path) -> None:
    item = held(1)
    item.hashes = [hashlib.md5(content).hexdigest().lstrip("0") for content in item.objects]
    with archives(item) as server:
        assert from_tcia(server, data, 1).imported == 1


def test_a_zip_bomb_is_not_unpacked(data: Path) -> None:
    bomb = bytes(40_000_000)
    item = held(1, objects=[bomb, *held(1).objects[1:]], row={"FileSize": 3000})
    with archives(item) as server:
        report = from_tcia(server, data, 1)
    assert "more in it" in report.failed[0]
    assert sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) < 5_000_000


def test_an_answer_without_end_is_cut(data: Path) -> None:
    with archives(held(1, row={"FileSize": 3000})) as server:
        server.faults.append(replacing("getImageWithMD5Hash", body=bytes(3_000_000)))
        report = from_tcia(server, data, 1)
    assert "more than the" in report.failed[0]


def test_a_series_without_a_size_is_asked_for_it(data: Path) -> None:
    with archives(held(1, row={"FileSize": None, "ImageCount": None})) as server:
        assert from_tcia(server, data, 1).imported == 1
        assert any("getSeriesSize" in path for path in server.asked)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "no such series"),
        (b"[]", "no such series"),
        (b"<html>Maintenance</html>", "not understood"),
        (b"[" * 100_000, "not understood"),
        (b'[{"SeriesInstanceUID": 7}]', "not understood"),
        (b'[{"SeriesInstanceUID": "../x", "Modality": "CT", "LicenseName": "CC BY 4.0"}]', "1 for no UID"),
        (
            b'[{"SeriesInstanceUID": "1.2", "Modality": "CT", "LicenseName": "CC BY 4.0", "FileSize": 1e13}]',
            "too large",
        ),
    ],
)
def test_a_list_that_is_odd_is_one_sentence(server: Archives, data: Path, body: bytes, sentence: str) -> None:
    server.faults.append(replacing("getSeries", body=body))
    with pytest.raises(FetchError, match=sentence):
        from_tcia(server, data)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not XML"),
        (b"<ListBucketResult>", "not XML"),
        (b"<html/>", "not answer with a listing"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult>&a;</ListBucketResult>', "document type"),
        (b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", "no end"),
        (b"<ListBucketResult></ListBucketResult>", "0 of the series' 3"),
        (b"<ListBucketResult><Contents><Key>a/b.dcm</Key></Contents></ListBucketResult>", "without its size"),
        (
            b"<ListBucketResult><Contents><Key>../../b.dcm</Key><Size>1</Size></Contents></ListBucketResult>",
            "no object of the series",
        ),
        (b"<ListBucketResult><Name>" + b"x" * 5000 + b"</Name></ListBucketResult>", "too long"),
    ],
)
def test_a_listing_that_is_odd_is_refused(server: Archives, data: Path, body: bytes, reason: str) -> None:
    server.faults.append(replacing("list-type", body=body))
    report = from_idc(server, data, 1)
    assert report.imported == 0 and reason in report.failed[0]
    assert not (data / "hospital/catalogue.sqlite").exists()


def test_an_object_that_is_not_as_listed_is_refused(server: Archives, data: Path) -> None:
    first = next(iter(server.series.values())).objects[1]
    server.faults.append(replacing(".dcm", body=bytes(len(first))))
    report = from_idc(server, data, 1)
    assert report.imported == 0 and "checksum differ" in report.failed[0]


# The command


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path) -> Cli:
    data.mkdir()
    (data / "dicomhawk.toml").write_text(toml(DEPLOYMENT))
    return Cli(monkeypatch, capsys)


def test_the_command_imports_and_show_attributes(cli: Cli, server: Archives, data: Path) -> None:
    asked = ("hospital", "import", "--from", "tcia", "--collection", CHESTS, "--modality", "ct", "--series", 2)
    where = ("--data", data, "--tcia-url", server.nbia)
    assert "2 series imported of 2 asked for (6 objects, 2 new patients" in cli(*asked, *where).stdout
    (again,) = cli.json(*asked, *where)
    assert (again["imported"], again["already_there"]) == (0, 2)
    shown = cli("hospital", "show", "--data", data).stdout
    assert "2 series, 6 objects imported from CHESTS. TCIA. https://doi.org/10.0000/chests (CC BY 3.0" in shown
    assert "https://creativecommons.org/licenses/by/3.0/). Changed: identities" in shown
    (found,) = cli.json("hospital", "show", "--data", data)
    assert found["attributions"][0]["licence_url"] == "https://creativecommons.org/licenses/by/3.0/"


def test_a_series_that_failed_is_status_1(cli: Cli, server: Archives, data: Path) -> None:
    server.faults.append(replacing("getImage", 403))
    asked = ("hospital", "import", "--from", "tcia", "--collection", CHESTS, "--series", 1)
    said = cli(*asked, "--data", data, "--tcia-url", server.nbia, status=1)
    assert "failed; the same command tries them again" in said.stdout


def test_the_addresses_are_settings(cli: Cli, server: Archives, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMHAWK_SOURCES__TCIA_URL", server.nbia)
    cli("hospital", "import", "--from", "tcia", "--collection", CHESTS, "--data", data, "--series", 1)
    assert downloads(server)


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ((), 2, "Name a folder"),
        (("x", "--from", "tcia"), 2, "Name a folder"),
        (("--from", "tcia", "--verbatim"), 2, "verbatim"),
        (("--from", "elsewhere"), 2, "elsewhere"),
        (("--from", "tcia"), 1, "name it with --collection"),
        (("--from", "tcia", "--collection", "x", "--tcia-url", "http://archive.example"), 1, "https://"),
        (("--from", "idc", "--series", "0"), 2, "series"),
    ],
)
def test_a_command_line_that_asks_for_nothing(
    cli: Cli, data: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    assert sentence in cli("hospital", "import", *arguments, "--data", data, status=status).stderr


def test_the_index_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "idc_index_data", None)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(FetchError) as raised:
        Idc(client("https://s3.amazonaws.com")).offers(Wanted("", (), 1), "seed")
    assert str(raised.value) == idc.MISSING
