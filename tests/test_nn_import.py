"""What ``import nn`` costs: modules that few programs need are imported by the functions that need them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "IPython", "PIL", "argparse", "concurrent.futures", "csv", "graphviz", "gzip", "logging", "matplotlib",
    "multiprocessing", "numba", "statistics", "tempfile", "tqdm", "traceback", "xml",
}  # fmt: skip


def test_import_is_light() -> None:
    code = (
        "import sys, autograd_lite; before = set(sys.modules); import nn; "
        f"print(*sorted((set(sys.modules) - before) & {HEAVY!r}), end='')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == ""
