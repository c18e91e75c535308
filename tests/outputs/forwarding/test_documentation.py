"""The examples of docs/outputs.md are settings that can be used, and name every type."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

from dicomhawk.settings import load
from dicomhawk.settings.outputs import AnyOutput

PAGE = Path(__file__).parents[3] / "docs/outputs.md"


def test_each_example_is_right_and_each_type_has_one() -> None:
    text = PAGE.read_text("utf-8")
    seen = set()
    for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        flags = tomllib.loads(example)
        seen |= {one.type for one in load(data=Path("/nowhere"), environment={}, flags=flags).outputs}
    types = {get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(AnyOutput)[0])}
    assert seen == types
    for kind in types:
        assert f"| `{kind}` |" in text


def test_each_common_setting_is_explained() -> None:
    text = PAGE.read_text("utf-8")
    for name in ("name", "type", "enabled", "what", "severity", "actions", "history", "batch", "every", "queue_mib"):
        assert f"| `{name}` |" in text
