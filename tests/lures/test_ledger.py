"""The ledger: what was handed out, shared by processes, and no larger than it may be."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dicomhawk.lures.ledger import TRIM_EVERY, Ledger, Minted, Taker

ANNA = Taker("192.0.2.1", "SESSION-A", "CONNECTION-A")
BERT = Taker("192.0.2.2", "SESSION-B", "CONNECTION-B")


def minted(number: int, taker: Taker = ANNA) -> Minted:
    return Minted(
        f"token{number}", "file/vpn", "file", taker.session, taker.connection, taker.address, number, "/vpn"
    )


def test_a_token_is_found_by_another_process(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as mine, Ledger(tmp_path / "ledger") as other:
        mine.add([minted(1), minted(2, BERT)])
        assert other.get("token2") == minted(2, BERT)
        assert other.get("token3") is None
        assert list(other.minted()) == [minted(1), minted(2, BERT)]


def test_it_is_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger", max_minted=100, max_told=200) as ledger:
        for number in range(3 * TRIM_EVERY):
            ledger.add([minted(number)])
            ledger.tell(Taker(f"192.0.2.{number % 250}", f"S{number}", ""), [f"uid {number}"], number)
        left = list(ledger.minted())
        assert len(left) <= 100 + TRIM_EVERY
        assert left[-1] == minted(3 * TRIM_EVERY - 1)
    connection = sqlite3.connect(tmp_path / "ledger")
    for table in ("told", "visitor"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] <= 200 + TRIM_EVERY
    connection.close()


def test_a_value_that_comes_back_from_elsewhere_has_a_teller(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger", b"key") as ledger:
        ledger.tell(ANNA, ["uid 1.2.3", "patient 010170-1234"], 1000)
        told = ledger.teller("uid 1.2.3", BERT.address)
        assert told is not None and told == (ANNA.address, ANNA.session, 1000)
        assert ledger.teller("uid 1.2.3", ANNA.address) is None  # its own
        assert ledger.teller("uid 1.2.4", BERT.address) is None  # nobody was told it
        ledger.tell(BERT, ["uid 1.2.3"], 2000)
        assert ledger.teller("uid 1.2.3", BERT.address) is None  # now it was told itself


def test_values_are_not_in_the_file(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger", b"key") as ledger:
        ledger.tell(ANNA, ["credential anna Sommer2024!"], 1000)
    assert not any(b"Sommer2024" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_disk_that_fails_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Ledger(tmp_path / "file" / "ledger") as ledger:
        ledger.add([minted(1)])
        ledger.tell(ANNA, ["uid 1"], 1)
        assert ledger.lost == 2
        assert ledger.get("token1") is None and ledger.teller("uid 1", BERT.address) is None


def test_a_file_that_others_hold_is_passed_over(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        other = sqlite3.connect(tmp_path / "ledger", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        ledger.add([minted(1)])
        assert ledger.lost == 1
        other.execute("ROLLBACK")
        other.close()
        ledger.add([minted(1)])
        assert ledger.get("token1") == minted(1)
