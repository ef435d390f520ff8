"""Where the compiled kernels are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.kernels import jit

PROGRAM = """
import warnings
import numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from autograd_lite.kernels.jit import jit

    @jit
    def twice(x):
        return 2 * x[0]

print(twice(np.full(1, 7.5)), *[str(w.message) for w in caught if w.category is RuntimeWarning], sep="|")
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def run(program: Path, cache: Path) -> list[str]:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, str(program)], env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip().split("|")


def test_compiled_kernels_are_found_again(program: Path, tmp_path: Path) -> None:
    assert run(program, tmp_path) == ["15.0"]
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")}
    assert kept
    assert run(program, tmp_path) == ["15.0"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")} == kept


def test_a_folder_that_cannot_be_written_is_one_warning(program: Path) -> None:
    value, *warnings = run(program, program / "cache")
    assert value == "15.0"
    assert len(warnings) == 1
    assert "NUMBA_CACHE_DIR" in warnings[0]


def first(x):
    return x[0]


def test_two_processes_may_compile_a_kernel_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both have seen an empty folder; the one that is first to name its code is last to write it."""
    monkeypatch.setattr(jit, "cache_folder", lambda: str(tmp_path))
    x, y = np.ones(1), np.ones(1, np.float32)
    one, other = jit.jit(first), jit.jit(first)
    files, later = one._cache._cache_file, other._cache._cache_file
    look, write = files._load_index, later._save_data
    looks: list[dict] = []
    delayed: list[tuple] = []

    def look_before_the_other_saves() -> dict:
        seen = look()
        looks.append(dict(seen))
        if len(looks) == 2:  # the first look was for code, this one is for saving it
            other(y)
        return seen

    monkeypatch.setattr(files, "_load_index", look_before_the_other_saves)
    monkeypatch.setattr(later, "_save_data", lambda *args: delayed.append(args))
    assert one(x) == 1
    assert looks == [{}, {}]
    write(*delayed[0])
    again = jit.jit(first)
    assert again(x) == again(y) == 1


def test_the_folder_is_named_after_all_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = jit._source_hash()
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "jit.py"))
    (tmp_path / "jit.py").write_text("x = 1")
    changed = jit._source_hash()
    (tmp_path / "other.py").write_text("y = 1")
    assert len({before, changed, jit._source_hash()}) == 3


STEP = """
import sys
import numpy as np, autograd_lite as al, nn, nn.functional as F

def compiled():
    return {
        f"{name}{types}"
        for module in [module for name, module in sys.modules.items() if name.startswith("autograd_lite.kernels.")]
        for name, kernel in vars(module).items()
        for types in getattr(kernel, "signatures", ())
    }

assert al.warmup() > 0
before = compiled()
for model, shape in ((nn.models.LeNet5(), (64, 1, 28, 28)), (nn.models.ResNet8(), (16, 3, 32, 32))):
    optimizer = nn.optim.Adam(model.parameters())
    x, y = al.Tensor(np.ones(shape, np.float32)), al.Tensor(np.arange(shape[0]) % 10)
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
print(len(before), *sorted(compiled() - before), sep="|")
"""


def test_warmup_compiles_what_a_training_needs() -> None:
    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    count, *missing = done.stdout.strip().split("|")
    assert int(count) > 10
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
