"""Where the compiled kernels are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_lite as al

PROGRAM = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import numpy as np, autograd_lite as al
    y = al.max_pool2d(al.max_pool2d(al.Tensor(np.arange(16.0, dtype=np.float32).reshape(1, 4, 4)), 2), 2)
print(y.item(), *[str(w.message) for w in caught if w.category is RuntimeWarning], sep="|")
"""


def run(cache: Path) -> list[str]:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip().split("|")


def test_compiled_kernels_are_found_again(tmp_path: Path) -> None:
    assert run(tmp_path) == ["15.0"]
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")}
    assert kept
    assert run(tmp_path) == ["15.0"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")} == kept


def test_a_folder_that_cannot_be_written_is_one_warning(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    value, *warnings = run(file / "cache")
    assert value == "15.0"
    assert len(warnings) == 1
    assert "NUMBA_CACHE_DIR" in warnings[0]


def test_the_folder_is_named_after_all_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from autograd_lite.kernels import jit

    before = jit._source_hash()
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "jit.py"))
    (tmp_path / "jit.py").write_text("x = 1")
    changed = jit._source_hash()
    (tmp_path / "other.py").write_text("y = 1")
    assert len({before, changed, jit._source_hash()}) == 3


STEP = """
import sys
from pathlib import Path
import numpy as np, autograd_lite as al, nn, nn.functional as F

def kept():
    return {str(path.relative_to(sys.argv[1])) for path in Path(sys.argv[1]).rglob("*.nbc")}

assert al.warmup() > 0
before = kept()
for model, shape in ((nn.models.LeNet5(), (64, 1, 28, 28)), (nn.models.ResNet8(), (16, 3, 32, 32))):
    optimizer = nn.optim.Adam(model.parameters())
    x, y = al.Tensor(np.ones(shape, np.float32)), al.Tensor(np.arange(shape[0]) % 10)
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
print(len(before), *sorted(kept() - before))
"""


def test_warmup_compiles_what_a_training_needs(tmp_path: Path) -> None:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", STEP, str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    count, *missing = done.stdout.split()
    assert int(count) > 0
    assert not missing


def test_warmup_knows_two_dtypes() -> None:
    with pytest.raises(TypeError, match="float16"):
        al.warmup("float16")


def test_no_wrapper_is_compiled_that_nobody_calls() -> None:
    from autograd_lite.kernels import jit

    half = jit.part(lambda x: x // 2)
    quarter = jit.jit(lambda x: half(half(x)))
    assert quarter(8) == 2
    of_part, of_kernel = (
        " ".join(f.name for f in next(iter(function.overloads.values())).library.get_defined_functions())
        for function in (half, quarter)
    )
    assert "cpython" in of_kernel
    assert "cpython" not in of_part
    assert "cfunc" not in of_part + of_kernel
