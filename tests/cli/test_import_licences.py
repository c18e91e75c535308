"""Which licences allow an import, by the names and addresses that archives really state."""

from __future__ import annotations

import pytest

from dicomhawk.cli.fetching.licence import PUBLIC_DOMAIN, ZERO, Licence, attribution, licence_of

LICENSES = "https://creativecommons.org/licenses"


@pytest.mark.parametrize(
    ("name", "address", "licence"),
    [
        ("Creative Commons Attribution 3.0 Unported License", "http://creativecommons.org/licenses/by/3.0/", "3.0"),
        ("Creative Commons Attribution 4.0 International License", f"{LICENSES}/by/4.0/", "4.0"),
        ("Creative Commons Attribution 4.0 International License.", f"{LICENSES}/by/4.0", "4.0"),
        ("CC BY 4.0", None, "4.0"),
        ("CC BY 3.0", "", "3.0"),
        ("cc-by-4.0", None, "4.0"),
        (None, f"{LICENSES}/by/4.0/legalcode", "4.0"),
        (None, f"{LICENSES}/by/4.0/deed.en", "4.0"),
        ("CC BY  4.0\n", f" {LICENSES}/by/4.0/ ", "4.0"),
    ],
)
def test_attribution_is_enough(name: str | None, address: str | None, licence: str) -> None:
    assert licence_of(name, address) == attribution(licence)


@pytest.mark.parametrize(
    ("name", "address", "licence"),
    [
        ("CC0 1.0", None, ZERO),
        ("CC0 1.0 Universal", "https://creativecommons.org/publicdomain/zero/1.0/", ZERO),
        ("Public Domain", None, PUBLIC_DOMAIN),
        (None, "https://creativecommons.org/publicdomain/mark/1.0/", PUBLIC_DOMAIN),
    ],
)
def test_no_licence_is_needed(name: str | None, address: str | None, licence: Licence) -> None:
    assert licence_of(name, address) == licence


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (None, None),
        ("", " "),
        ("CC BY-NC 4.0", None),
        ("CC BY-NC 3.0", f"{LICENSES}/by/3.0/"),
        ("CC BY 4.0", f"{LICENSES}/by-nc/4.0/"),
        ("CC BY 4.0", f"{LICENSES}/by/3.0/"),
        ("CC BY-SA 4.0", None),
        ("CC BY-ND 4.0", None),
        ("CC BY NC 4.0", None),
        ("Creative Commons Attribution-NonCommercial 3.0 Unported License", f"{LICENSES}/by-nc/3.0/"),
        ("Creative Commons Attribution 3.0 NonCommercial", None),
        ("Creative Commons Attribution-ShareAlike 4.0 International License", None),
        ("TCIA Restricted License", "https://www.cancerimagingarchive.net/wp-content/uploads/x.pdf"),
        ("NIH Controlled Data Access Policy", None),
        ("National Library of Medicine Terms and Conditions; May 21, 2019", None),
        ("CC BY", None),
        ("CC BY 4.0 or CC BY-NC 4.0", None),
        ("CC BY 4.0", "https://example.org/licenses/by/4.0/"),
        (None, "https://creativecommons.org.example.org/licenses/by/4.0/"),
        (None, f"{LICENSES}/by/4.0/../../by-nc/4.0/"),
        ("Not in the public domain", None),
        ("CC BY 4.0" + " " * 500 + "x", None),
    ],
)
def test_anything_else_is_none(name: str | None, address: str | None) -> None:
    assert licence_of(name, address) is None
