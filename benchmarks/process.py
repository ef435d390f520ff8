"""Whole processes: import time, time to the first gradient, peak memory."""

from __future__ import annotations

import sys
from functools import partial

from .harness import OURS, Case, in_process

IMPORTS = {"autograd_lite": "autograd_lite", "torch": "torch", "jax": "jax", "autograd": "autograd.numpy",
           "mygrad": "mygrad", "micrograd": "micrograd.engine"}  # fmt: skip

_IMPORT = """
import json, sys, time
start = time.perf_counter()
import {module}
print(json.dumps(dict(seconds=time.perf_counter() - start, numba="numba" in sys.modules)))
"""

_FIRST_GRADIENT = {
    "pytorch-like": """
import {module} as lib
x = lib.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
print('{{"gradient": %s}}' % x.grad[1].item())
""",
    "jax": """
import jax
print('{"gradient": %s}' % jax.grad(lambda x: (x * x).sum())(jax.numpy.array([1.0, 2.0]))[1])
""",
    "autograd": """
import autograd, autograd.numpy as np
print('{"gradient": %s}' % autograd.grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))[1])
""",
    "mygrad": """
import mygrad as mg
x = mg.tensor([1.0, 2.0])
(x * x).sum().backward()
print('{"gradient": %s}' % x.grad[1])
""",
    "micrograd": """
from micrograd.engine import Value
x = Value(2.0)
(x * x).backward()
print('{"gradient": %s}' % x.grad)
""",
}

# Sixteen layers of tanh(x @ w + b) on 4,096 rows of 256: the activations weigh most.
_MEMORY = """
import json, re
import numpy as np
import {module} as lib

def status(field):
    return int(re.search(field + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024

rng = np.random.default_rng(0)
x = lib.tensor(rng.normal(size=(4096, 256)).astype(np.float32))
weights = [lib.tensor(rng.normal(size=(256, 256)).astype(np.float32) / 16, requires_grad=True) for _ in range(16)]
biases = [lib.tensor(np.zeros(256, np.float32), requires_grad=True) for _ in range(16)]
(x[:8] @ weights[0]).sum().backward()
open("/proc/self/clear_refs", "w").write("5")  # forget the peak that importing left
before = status("VmRSS")
h = x
for w, b in zip(weights, biases):
    h = lib.tanh(h @ w + b)
h.sum().backward()
print(json.dumps(dict(mb=status("VmHWM") - before)))
"""


# The training step of a small VGG, batch 32.
_VGG_MEMORY = """
import json, re, sys
sys.path.insert(0, ".")
from benchmarks.training import _net

def status(field):
    return int(re.search(field + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024

_net("{name}", "VGG 3-32-32-pool-64-64-pool", "Adam", 2)()  # loads what there is to load
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
step = _net("{name}", "VGG 3-32-32-pool-64-64-pool", "Adam")
for _ in range(3):
    step()
print(json.dumps(dict(mb=status("VmHWM") - before)))
"""

# Time of a kernel with one core busy, over its time on the free machine.
_BUSY = """
import json, statistics, subprocess, sys, time
sys.path.insert(0, ".")
from benchmarks.kernels import Conv, _conv

step = _conv("{name}", Conv(32, 32, 32, 32, 3, 1, 1), True)

def measured():
    until, times = time.perf_counter() + 1.5, []
    while time.perf_counter() < until:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.mean(times)

measured()
free = measured()
spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
try:
    time.sleep(0.3)
    busy = measured()
finally:
    spinner.kill()
print(json.dumps(dict(ratio=busy / free)))
"""


def _import_seconds(name: str) -> float:
    report = in_process(_IMPORT.format(module=IMPORTS[name]))
    if name == OURS and report["numba"]:
        raise RuntimeError("import autograd_lite imported numba")
    return report["seconds"]


def _first_gradient_seconds(name: str) -> float:
    program = _FIRST_GRADIENT.get(name) or _FIRST_GRADIENT["pytorch-like"].format(module=IMPORTS[name])
    report = in_process(program)
    if report["gradient"] != 4.0:
        raise RuntimeError(f"{name}: the gradient of x² at 2 came out as {report['gradient']}")
    return report["wall"]


def _peak_mb(name: str) -> float:
    return in_process(_MEMORY.format(module=IMPORTS[name]))["mb"]


def _vgg_mb(name: str) -> float:
    return in_process(_VGG_MEMORY.format(name=name))["mb"]


def _busy_ratio(name: str) -> float:
    return in_process(_BUSY.format(name=name))["ratio"]


def cases() -> list[Case]:
    """The cases of this subject; peak memory needs Linux."""
    memory = Case(
        "peak memory of 16 tanh layers, 4,096 × 256, above start", "MB", {}, goal=1.0,
        values={n: partial(_peak_mb, n) for n in (OURS, "torch")},
    )  # fmt: skip
    vgg = Case(
        "peak memory of the VGG step, above start", "MB", {}, goal=1.0,
        values={n: partial(_vgg_mb, n) for n in (OURS, "torch")},
    )  # fmt: skip
    busy = Case(
        "conv (32, 32, 32, 32, 3), forward + backward: time with one core busy over time without", "×", {},
        values={n: partial(_busy_ratio, n) for n in (OURS, "torch")},
    )  # fmt: skip
    return [
        Case("import", "s", {}, values={n: partial(_import_seconds, n) for n in IMPORTS}),
        Case("process start to first gradient", "s", {},
             values={n: partial(_first_gradient_seconds, n) for n in IMPORTS}),
        *([memory, vgg] if sys.platform == "linux" else []),
        busy,
    ]  # fmt: skip
