"""Who may enter: each policy, and the patience around it."""

from __future__ import annotations

import pytest

from dicomhawk.sensor.web.logins import Account, Attempts, Bait, Patience, Policy, Tried, policy

SEED = "0f" * 16
BAIT = Bait(Account("roentgen", "reader", "X-ray"), "Sommer2019!", "credential/page")
ADMINISTRATOR = Bait(Account("padmin", "administrator"), "Tranelund#7")


def tried(username: str, password: str, number: int = 1, *, before: bool = False, won: bool = False) -> Tried:
    return Tried(username, password, "192.0.2.1", number, before, won)


def made(kind: str, **more: object) -> Policy:
    return policy(kind, SEED, [BAIT, ADMINISTRATOR], **more)  # type: ignore[arg-type]


def test_nobody_enters_where_nobody_may() -> None:
    assert made("none").decide(tried("roentgen", "Sommer2019!")).account is None


@pytest.mark.parametrize("kind", ["pairs", "keyword", "delayed"])
def test_bait_enters_and_says_which_it_is(kind: str) -> None:
    decided = made(kind).decide(tried("ROENTGEN", "Sommer2019!"))
    assert decided.account == BAIT.account
    assert (decided.reason, decided.lure) == ("bait", "credential/page")


@pytest.mark.parametrize("password", ["sommer2019!", "Sommer2019", "Sommer2019! ", "", "\udcff"])
def test_passwords_are_taken_as_they_are(password: str) -> None:
    decided = made("pairs").decide(tried("roentgen", password))
    assert decided.account is None
    assert decided.reason == "wrong-password"


def test_unknown_users_are_told_apart_on_record() -> None:
    assert made("pairs").decide(tried("root", "toor")).reason == "unknown-user"


def test_a_keyword_opens_an_account_of_that_name() -> None:
    entry = made("keyword", words=("tranelund",))
    assert entry.decide(tried("admin", "xTRANELUNDx")).account == Account("admin", "administrator")
    assert entry.decide(tried("nobody", "tranelund1")).account == Account("nobody", "reader")
    assert entry.decide(tried("admin", "password")).account is None
    assert entry.decide(tried("", "tranelund")).account is None


def test_a_guess_succeeds_after_a_believable_number_of_tries() -> None:
    entry = made("delayed", tries=(4, 9))
    reasons = [entry.decide(tried("admin", f"guess{number}", number)).reason for number in range(1, 15)]
    first = reasons.index("guess")
    assert 4 <= first <= 9
    assert set(reasons[first:]) == {"guess"}
    assert entry.decide(tried("admin", "guess1", 14, before=True)).account is None
    assert entry.decide(tried("admin", "other", 14, won=True)).account is None
    assert entry.decide(tried("zzz9", "guess", 14)).account is None


def test_visitors_need_different_numbers_of_tries() -> None:
    entry = made("delayed", tries=(4, 30))

    def first(visitor: str) -> int:
        return next(n for n in range(1, 99) if entry.decide(Tried("admin", f"p{n}", visitor, n)).account is not None)

    assert len({first(f"192.0.2.{number}") for number in range(12)}) > 3


def test_unknown_policies_are_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        made("nonsense")


def test_accounts_are_locked_after_some_failures_and_opened_again() -> None:
    patience = Patience(3, 600.0)
    attempts = Attempts(SEED, None, patience)
    standings = [attempts.failed("admin", f"x{number}", 1000.0 + number) for number in range(3)]
    assert [each.failures for each in standings] == [1, 2, 3]
    assert [bool(each.locked_until) for each in standings] == [False, False, True]
    again = Attempts(SEED, attempts.document(), patience)
    assert again.standing("ADMIN", 1500.0).locked_until == 1602.0
    assert again.standing("other", 1500.0).locked_until == 0.0
    assert again.standing("admin", 1603.0) == (0, 0.0)
    assert again.count == 3


def test_old_failures_are_forgotten() -> None:
    attempts = Attempts(SEED, None, Patience(3, 600.0, forgotten_seconds=100.0))
    attempts.failed("admin", "a", 0.0)
    attempts.failed("admin", "b", 10.0)
    assert attempts.failed("admin", "c", 200.0).failures == 1


def test_what_was_tried_is_remembered_without_the_password() -> None:
    attempts = Attempts(SEED, None, Patience.drawn(SEED))
    attempts.failed("admin", "hunter2", 0.0)
    document = attempts.document()
    assert "hunter2" not in str(document)
    again = Attempts(SEED, document, Patience.drawn(SEED))
    assert again.tried("Admin", "hunter2", "192.0.2.1").before
    assert not again.tried("admin", "hunter3", "192.0.2.1").before
    again.succeeded("admin", "hunter3", guess=True)
    assert again.tried("admin", "x", "192.0.2.1").won
    assert again.has_won("admin", "hunter3")


def test_what_is_remembered_is_bounded() -> None:
    attempts = Attempts(SEED, None, Patience(5, 600.0))
    for number in range(700):
        attempts.failed(f"user{number}", f"password{number}", float(number))
    assert len(str(attempts.document())) < 20_000


def test_answers_come_later_each_time_but_not_endlessly() -> None:
    for number in range(20):
        patience = Patience.drawn(f"{number:032x}")
        delays = [patience.delay(failures) for failures in range(30)]
        assert delays == sorted(delays)
        assert 0 <= delays[0] < delays[-1] < 5
        assert 4 < patience.locked_after < 11
