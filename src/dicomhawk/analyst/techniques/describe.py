"""The table in docs/techniques.md, from the rules: ``python -m dicomhawk.analyst.techniques.describe FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

from ...settings.words import SEVERITIES
from .model import Rule
from .rules import Rules

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def table(rules: Rules) -> str:
    """All rules, one row each, and what they cite of ATT&CK (Markdown)."""
    lines = [
        "| rule | technique | severity | ATT&CK | CVE |",
        "|---|---|---|---|---|",
        *(_row(rule) for rule in rules.all),
        "",
        f"ATT&CK version {rules.attack.attack_version}:",
        "",
        "| id | framework | technique | tactic |",
        "|---|---|---|---|",
        *(
            f"| {identifier} | {each.framework} | {each.name} | {each.tactic} |"
            for identifier, each in sorted(rules.attack.techniques.items())
        ),
    ]
    return "\n".join(lines)


def described(text: str, rules: Rules) -> str:
    """A page with its table made anew. Raises ValueError where it has no place for one."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(rules)}\n{END}{after}"


def _row(rule: Rule) -> str:
    attack, cve = ", ".join(rule.attack), ", ".join(each.removeprefix("CVE-") for each in rule.cve)
    own = {pattern.severity for pattern in rule.pattern if pattern.severity is not None} | {rule.severity}
    severity = " to ".join(SEVERITIES[each] for each in dict.fromkeys((min(own), max(own))))
    return f"| {rule.id} | **{rule.name}.** {rule.description} | {severity} | {attack} | {cve} |"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(described(page.read_text(), Rules.load()))
