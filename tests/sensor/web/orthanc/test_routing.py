"""Paths to handlers."""

from __future__ import annotations

import pytest

from dicomhawk.sensor.web.orthanc.routing import components, normalized, table

ROUTES = table(
    [
        ("GET", "/patients", "list"),
        ("GET", "/patients/{id}", "one"),
        ("DELETE", "/patients/{id}", "delete"),
        ("GET PUT", "/patients/{id}/protected", "protected"),
        ("GET", "/app/*", "page"),
    ]
)


@pytest.mark.parametrize(
    ("path", "handler", "arguments"),
    [
        ("/patients", "list", {}),
        ("//patients/./", "list", {}),
        ("/patients/x", "one", {"id": "x"}),
        ("/a/../patients/x/", "one", {"id": "x"}),
        ("/app/images/a.png", "page", {"rest": "images/a.png"}),
        ("/app/../../patients", "list", {}),
    ],
)
def test_found(path: str, handler: str, arguments: dict[str, str]) -> None:
    found = ROUTES.find("GET", path)
    assert found is not None
    assert (found.handler, found.arguments) == (handler, arguments)


@pytest.mark.parametrize("path", ["/", "/app", "/patients/x/y", "/nothing", "/" + "x/" * 10_000])
def test_not_found(path: str) -> None:
    assert ROUTES.find("GET", path) is None


def test_other_methods_are_named_in_the_products_order() -> None:
    found = ROUTES.find("POST", "/patients/x")
    assert found is not None
    assert found.handler is None
    assert found.allowed == ("GET", "DELETE")


def test_what_is_below_is_listed() -> None:
    assert ROUTES.below("/") == ["app", "patients"]
    assert ROUTES.below("/patients/{id}") == ["protected"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/app/../../etc/passwd", "/etc/passwd"),
        ("/dicom-web/", "/dicom-web/"),
        ("//system", "/system"),
        ("/system\0x", "/system"),
        ("/../..", "/"),
        ("", "/"),
    ],
)
def test_paths_are_put_in_order(path: str, shown: str) -> None:
    assert normalized(path) == shown


def test_no_path_leaves_the_root() -> None:
    assert ".." not in components("/../../a/../../b/../..")
