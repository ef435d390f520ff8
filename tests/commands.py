"""Commands of the command line, run inside the tests, and what they leave."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd_lite import load
from nn import cli


def run(capsys: pytest.CaptureFixture[str], *argv: Any) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of a command."""
    try:
        code = cli.main([str(a) for a in argv])
    except SystemExit as stopped:  # as argparse leaves
        code = int(stopped.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def fails(capsys: pytest.CaptureFixture[str], code: int, message: str, *argv: Any) -> None:
    """The command ends with ``code`` and one line on stderr that holds ``message``."""
    found, _, err = run(capsys, *argv)
    assert found == code, err
    assert re.search(message, err), err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err, err


def weights(folder: Path) -> dict[str, np.ndarray]:
    return {name: np.array(t) for name, t in load(folder / "model.safetensors").items()}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
