"""The catalogue as a tree: what is remembered of it is what is there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dicomhawk.hospital.attributes import Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.products import tree as products_tree
from dicomhawk.hospital.products.tree import Tree
from tests.hospital.small_hospital import LATER, NOW, build
from tests.hospital.test_products_catalogue import archive


@pytest.mark.parametrize("remembered", [1, 2, 4096])
def test_counts_follow_what_comes_and_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    """Also backwards in time, and with more to come than is remembered."""
    monkeypatch.setattr(products_tree, "NEXT", remembered)
    build(tmp_path / "c.sqlite", more=3)
    other = sqlite3.connect(tmp_path / "c.sqlite")
    with Catalogue(tmp_path / "c.sqlite") as catalogue:
        objects = archive(catalogue, "orthanc", tmp_path).objects
        tree = Tree(objects)
        moments = (NOW, 1499.9, 1500.0, LATER, NOW, LATER)
        for written in (None, "UPDATE instance SET visible_from = 1200 + instance_key", "DELETE FROM instance"):
            if written is not None:
                other.execute(written)
                other.commit()
            for now in moments:
                for level in Level:
                    assert tree.count(level, now) == Tree(objects).count(level, now), (written, now, level)
        assert tree.count(Level.IMAGE, LATER) == 0
    other.close()
