"""Tokens: what they say, that nobody else can make them, and that they fit where they go."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.evidence.stamps import base32
from dicomhawk.lures.tokens import SYMBOLS, Minter, canonical, key_of, number_of

NOW = 1_795_000_000_123_456
SESSION = (base32(NOW // 1000 - 5000, 10) + base32(0x2ABCDEF1, 6)).decode()
SEEDS = [f"{number:032x}" for number in range(40)]


def minter(seed: str = SEEDS[1]) -> Minter:
    return Minter(key_of(seed))


def test_a_token_says_lure_session_and_moment() -> None:
    for seed in SEEDS:
        token = minter(seed).mint("file/vpn", SESSION, NOW)
        said = minter(seed).resolve(token)
        assert said is not None
        assert said.session == SESSION
        assert said.lure == number_of("file/vpn")
        assert abs(said.at - NOW) <= 10_000


def test_two_tokens_of_the_same_moment_differ() -> None:
    mint = minter()
    assert len({mint.mint("url/header", SESSION, NOW) for _ in range(200)}) > 195


def test_it_is_read_in_any_case_and_without_its_dashes() -> None:
    for seed in SEEDS:
        mint = minter(seed)
        token = mint.mint("url/header", SESSION, NOW)
        assert mint.resolve(token.upper()) == mint.resolve(canonical(token)) == mint.resolve(token) is not None


def test_it_is_a_label_and_says_nothing_in_clear() -> None:
    styles = set()
    for seed in SEEDS:
        tokens = [minter(seed).mint("file/vpn", SESSION, NOW + 10**6 * each) for each in range(8)]
        for token in tokens:
            assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", token)
            assert len(canonical(token)) == SYMBOLS
        # Of one deployment, one lure and one session: nothing but the dashes is at the same place in all of them.
        for column in zip(*tokens, strict=True):
            assert len(set(column)) > 1 or column[0] == "-"
        styles.add(tuple(len(part) for part in tokens[0].split("-")))
    assert len(styles) > 2  # nor do the tokens of all deployments look alike


def test_another_deployment_does_not_know_it() -> None:
    token = minter(SEEDS[1]).mint("file/vpn", SESSION, NOW)
    assert all(minter(seed).resolve(token) is None for seed in SEEDS if seed != SEEDS[1])
    assert len({minter(seed).deployment for seed in SEEDS}) == len(SEEDS)


def test_one_changed_symbol_makes_it_none() -> None:
    mint = minter()
    token = canonical(mint.mint("file/vpn", SESSION, NOW))
    symbols = sorted(set("".join(canonical(mint.mint("x", SESSION, NOW)) for _ in range(20))))
    for place in range(SYMBOLS):
        for symbol in symbols:
            if symbol != token[place]:
                assert mint.resolve(token[:place] + symbol + token[place + 1 :]) is None


@given(st.text(max_size=60))
def test_whatever_comes_is_no_token(text: str) -> None:
    assert minter().resolve(text) is None
    assert minter().find(text) is None


@pytest.mark.parametrize("form", ["{}.img.example.net", "/i/{}/logo.png", "/x?a=b&id={}&c", "http://h/{}", "{}"])
def test_it_is_found_in_addresses_and_names(form: str) -> None:
    for seed in SEEDS:
        mint = minter(seed)
        token = mint.mint("file/vpn", SESSION, NOW)
        for text in (form.format(token), form.format(token).upper()):
            found = mint.find(text)
            assert found is not None and found[0] == canonical(token) and found[1].session == SESSION


def test_a_long_address_is_looked_through_to_its_bound() -> None:
    mint = minter()
    token = mint.mint("file/vpn", SESSION, NOW)
    assert mint.find("/" * 5000 + token) is None
    assert mint.find(("a" * 41 + "/") * 2000 + token) is None


def test_a_session_of_another_kind_is_named_by_nothing_of_ours() -> None:
    said = minter().resolve(minter().mint("file/vpn", "not a session of ours", NOW))
    assert said is not None and said.session.startswith("0000000000")
