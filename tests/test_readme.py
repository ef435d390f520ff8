"""The README is true: its code runs, prints what it says, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_code_runs_and_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    exec(compile(code, "README.md", "exec"), {})
    said = re.findall(r"^print\(.*\)  # (tensor.*)$", code, re.MULTILINE)
    assert said
    printed = capsys.readouterr().out
    for line in said:
        assert line in printed
    assert (tmp_path / "neuron.svg").stat().st_size > 0


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_to_files(link: str) -> None:
    assert link.startswith("http") or (ROOT / link).exists()


def test_the_figures_are_those_of_the_results() -> None:
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    rows = re.findall(
        r"^\| .+ \| ([\d.]+) (?:µs|ms|s|MB) \| ([\d.]+) (?:µs|ms|s|MB) \| ([\d.]+) \|$", README, re.MULTILINE
    )
    assert len(rows) >= 5
    for ratio in [row[2] for row in rows]:
        assert f"| {ratio} |" in results
