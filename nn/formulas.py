"""The client's cheat sheet, item by item, and what implements each: found by the references in docstrings.

A docstring that says ``(cheat sheet 2.6; …)`` implements section 2.6.  Where a section has several items, an item is
implemented by those whose name says so: Adam by `nn.optim.Adam`, not by `nn.optim.RMSprop`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

__all__ = ["CHAPTERS", "ITEMS", "SECTIONS", "Implementer", "Item", "find_implementers", "list_items", "select"]

PACKAGES = "nn", "autograd_lite"
ROOT = Path(__file__).parent.parent
SKIPPED = re.compile(r".*\.(_\w+|kernels)")  # kernels take arrays: their callers carry the formulas
REFERENCE = re.compile(r"\(cheat\s+sheet\s+(\d\.\d(?:,\s+\d\.\d)*)")
WIDTH, INDENT = 100, 36  # of the lines, and of the column of titles


class Item(NamedTuple):
    """One item of the sheet; ``names`` is the pattern of its implementers' names, in lower case and without ``_``.

    ``also`` is what else the sheet or the field calls it, for those who look it up.
    """

    section: str
    title: str
    formula: str
    names: str = ".*"
    also: str = ""

    @property
    def test(self) -> str:
        """The name of its test in ``tests/test_cheat_sheet.py``."""
        words = re.sub(r"[^a-z0-9]+", "_", f"{self.section} {self.title.lower()}")
        return f"test_{words.strip('_')}"


class Implementer(NamedTuple):
    """A public class, function or method, by its shortest public name."""

    name: str
    object: Any

    @property
    def place(self) -> str:
        """File and line of its source."""
        source = inspect.unwrap(self.object)
        path = Path(inspect.getsourcefile(source) or "").relative_to(ROOT)
        return f"{path.as_posix()}:{inspect.getsourcelines(source)[1]}"

    @property
    def summary(self) -> str:
        """The first sentence or paragraph of its docstring, on one line."""
        return " ".join((inspect.getdoc(self.object) or "").partition("\n\n")[0].split())


# -- the sheet --------------------------------------------------------------------------------------------------------

CHAPTERS = {
    "1": "Core concepts and network structure",
    "2": "Backpropagation and optimization",
    "3": "Regularization and training",
    "4": "Convolutional neural networks",
    "5": "Advanced applications",
    "6": "Le math",
}

SECTIONS = {
    "1.1": "The neuron",
    "1.2": "Activation functions",
    "1.3": "Network structure and forward propagation",
    "2.1": "Loss functions",
    "2.2": "Interpreting backpropagation",
    "2.3": "Backpropagation algorithm",
    "2.4": "Exponentially weighted average",
    "2.5": "Bias correction",
    "2.6": "Advanced optimization algorithms, learning rate decay",
    "3.1": "L2 and L1 regularization",
    "3.2": "Dropout regularization",
    "3.3": "Initialization and normalization",
    "3.4": "Hyperparameter importance",
    "4.1": "Core operations and layers",
    "5.1": "CNN applications",
    "5.2": "Object localization",
    "5.3": "Object detection (YOLO)",
    "6.1": "Tensor shapes and the number of learnable parameters",
    "6.2": "A logistic regression classifier",
}

ITEMS = (
    Item("1.1", "Neuron", "z = wᵀx + b = Σᵢ wᵢ xᵢ + b\na = g(z)"),
    Item("1.2", "Sigmoid", "σ(z) = 1 / (1 + e⁻ᶻ), in (0, 1)", "sigmoid"),
    Item("1.2", "Softmax", "aᵢ = e^zᵢ / Σⱼ e^zⱼ, in (0, 1)", "softmax"),
    Item("1.2", "ReLU", "max(0, z), derivative 0 or 1", "relu"),
    Item("1.2", "Leaky ReLU", "max(0.1 z, z)", "leakyrelu"),
    Item("1.2", "tanh", "(eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ), in (−1, 1)", "tanh"),
    Item("1.3", "Forward propagation", "Z⁽ˡ⁾ = W⁽ˡ⁾ A⁽ˡ⁻¹⁾ + b⁽ˡ⁾\nA⁽ˡ⁾ = g⁽ˡ⁾(Z⁽ˡ⁾)"),
    Item("1.3", "Parameter dimensions", "W⁽ˡ⁾: n⁽ˡ⁾ × n⁽ˡ⁻¹⁾, b⁽ˡ⁾: n⁽ˡ⁾ × 1"),
    Item("2.1", "Mean squared error", "L = (1/N) Σ (y − ŷ)²", "mseloss|meansquarederror"),
    Item("2.1", "Mean absolute error", "L = (1/N) Σ |y − ŷ|", "l1loss|meanabsoluteerror", also="mae"),
    Item("2.1", "Binary cross-entropy", "L = −(1/N) Σ [y log ŷ + (1 − y) log(1 − ŷ)]", "bce.*|binarycrossentropy.*",
         also="log loss"),
    Item("2.1", "Categorical cross-entropy", "L = −Σ_c y_c log ŷ_c", "categoricalcrossentropy.*"),
    Item("2.2", "Exploding/vanishing gradients",
         "gradients shrink to 0 or explode: repeated products, poor start values, saturation", "diagnos.*"),
    Item("2.2", "Gradient checking",
         "(J(θ + ε) − J(θ − ε)) / 2ε against dJ/dθ; regularization included, dropout off", "gradcheck"),
    Item("2.3", "Chain rule in reverse", "∇J for all parameters, from output to input", "backward"),
    Item("2.3", "Output error", "dZ⁽ᴸ⁾ = A⁽ᴸ⁾ − Y", "bce.*|.*crossentropy.*"),
    Item("2.3", "Hidden error", "dZ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾ᵀ dZ⁽ˡ⁺¹⁾) * g′⁽ˡ⁾(Z⁽ˡ⁾)", "backward|linear"),
    Item("2.3", "Gradients", "dW⁽ˡ⁾ = (1/m) dZ⁽ˡ⁾ A⁽ˡ⁻¹⁾ᵀ\ndb⁽ˡ⁾ = (1/m) Σ dZ⁽ˡ⁾", "backward|linear"),
    Item("2.3", "Update", "W⁽ˡ⁾ ← W⁽ˡ⁾ − α dW⁽ˡ⁾", "sgd"),
    Item("2.4", "Exponentially weighted average", "v_t = β v_{t−1} + (1 − β) θ_t, window 1/(1 − β) steps",
         also="ewa, ema: exponential moving average"),
    Item("2.5", "Bias correction", "v̂_t = v_t / (1 − βᵗ)"),
    Item("2.6", "Momentum", "v ← β v + (1 − β) dW\nW ← W − α v", "momentum"),
    Item("2.6", "RMSprop", "S ← β₂ S + (1 − β₂) dW²\nW ← W − α dW / √(S + ε)", "rmsprop"),
    Item("2.6", "Adam", "v ← β₁ v + (1 − β₁) dW,  S ← β₂ S + (1 − β₂) dW²\n"
         "v̂ = v / (1 − β₁ᵗ),  Ŝ = S / (1 − β₂ᵗ)\nW ← W − α v̂ / √(Ŝ + ε);  β₁ 0.9, β₂ 0.999, ε 10⁻⁸", "adam"),
    Item("2.6", "Step decay", "α_t = α₀ · drop^⌊t/k⌋", "stepdecay"),
    Item("2.6", "Exponential decay", "α_t = α₀ e^(−λt)", "exponentialdecay"),
    Item("2.6", "1/t decay", "α_t = α₀ / (1 + λt)", "inversetimedecay", also="inverse time decay"),
    Item("3.1", "L2 regularization", "J + λ/(2m) Σ ‖W‖²_F\ndW + (λ/m) W", "l2.*", also="ridge regression"),
    Item("3.1", "L1 regularization", "J + (λ/m) Σ ‖W‖₁", "l1.*", also="lasso regression"),
    Item("3.2", "Dropout", "off with chance p, or on with chance keepProb = 1 − p; no dropout at test time",
         also="keepprob, keep_prob"),
    Item("3.3", "Xavier initialization", "σ² = 1 / n⁽ˡ⁻¹⁾, for tanh", "xavier.*", also="glorot"),
    Item("3.3", "He initialization", "σ² = 2 / n⁽ˡ⁻¹⁾, for ReLU", "he.*", also="kaiming"),
    Item("3.3", "Batch normalization", "Z to mean 0 and variance 1 over each mini-batch", "batchnorm.*"),
    Item("3.4", "Learning rate α", "10⁻ⁿ: 1, 0.1, …, 0.00001", "loguniform"),
    Item("3.4", "Momentum hyperparameter β", "1 − 10⁻ⁿ: 0, 0.9, …, 0.9999999", "oneminusloguniform"),
    Item("3.4", "Number of hidden neurons n⁽ˡ⁾", "a whole number", "integer"),
    Item("3.4", "Mini-batch size s", "2ⁿ", "poweroftwo"),
    Item("3.4", "Number of layers L", "a whole number", "integer"),
    Item("3.4", "Decay rate λ", "how fast the learning rate falls from epoch to epoch", "loguniform"),
    Item("3.4", "Adam hyperparameters β₁, β₂, ε", "1 − 10⁻ⁿ, 1 − 10⁻ⁿ, 10⁻ⁿ", "(oneminus)?loguniform"),
    Item("3.4", "Random search", "more effective than grid search", "randomsearch"),
    Item("4.1", "CONV layer", "f×f filters slide over the input, ⌊(n + 2p − f)/s + 1⌋", "conv.*|outputlength"),
    Item("4.1", "POOL layer", "the maximum or mean of f×f windows, ⌊(n − f)/s + 1⌋", ".*pool.*|outputlength"),
    Item("5.1", "Classification", "a class for an image", "lenet5|resnet8|smallvgg"),
    Item("5.1", "Classification with localization", "a class and a box for an image", ".*locali[sz].*"),
    Item("5.1", "Object detection", "several objects and their boxes", ".*detect.*|.*yolo.*"),
    Item("5.1", "Landmark detection", "places of key points in an image", ".*landmark.*"),
    Item("5.2", "Output vector", "y = [p_c, b_x, b_y, b_h, b_w, c₁, …, c_C]ᵀ"),
    Item("5.2", "Hybrid loss", "the loss of the box counts only where p_c = 1", ".*loss"),
    Item("5.3", "Grid system", "S × S cells; an object belongs to the cell of its centre", ".*yolo.*|.*grid.*"),
    Item("5.3", "Anchor boxes", "several boxes a cell, of given shapes", ".*anchor.*"),
    Item("5.3", "Non-max suppression", "of boxes with a high IoU the most confident stays", ".*nms|(box)?iou"),
    Item("6.1", "Shapes", "CONV: ⌊(n + 2p − f)/s + 1⌋, POOL: ⌊(n − f)/s + 1⌋, for width and height",
         "conv.*|.*pool.*|shapeformula|calculation|outputlength|formulas|summary"),
    Item("6.1", "Parameters", "CONV: n_c (f² n_c⁻ + 1), n_c⁻ channels before it (the sheet has a misprint); POOL: 0\n"
         "FC: n_h n_w n_c n_neu + n_neu;  Softmax: n_neu n_neu⁻ + n_neu",
         "conv.*|.*pool.*|linear|parameterformula|formulas|summary"),
    Item("6.2", "Logistic regression", "z = x wᵀ + b,  a = σ(z),  L = −(y ln a + (1 − y) ln(1 − a))\n"
         "dz = a − y,  dw = x dz,  db = dz;  w ← w − α dw,  b ← b − α db"),
)  # fmt: skip


# -- who implements it ------------------------------------------------------------------------------------------------


def find_implementers() -> dict[Item, list[Implementer]]:
    """The public classes, functions and methods that implement each item, `nn` first."""
    found: dict[Item, list[Implementer]] = {item: [] for item in ITEMS}
    for one in _public_objects():
        doc = vars(one.object).get("__doc__") if isinstance(one.object, type) else one.object.__doc__
        sections = {s for match in REFERENCE.finditer(doc or "") for s in re.split(r",\s+", match[1])}
        plain = one.name.rpartition(".")[2].lower().replace("_", "")
        for item in ITEMS:
            if item.section in sections and re.fullmatch(item.names, plain):
                found[item].append(one)
    return found


def _public_objects() -> list[Implementer]:
    """Every public class, function and method, once each, those of nn first."""
    shortest: dict[int, Implementer] = {}
    for module in _modules():
        for name, thing in _public_names(module):
            new = Implementer(f"{module.__name__}.{name}", thing)
            known = shortest.setdefault(id(thing), new)
            if new.name.count(".") < known.name.count("."):
                shortest[id(thing)] = new
    order = [(PACKAGES.index(one.name.partition(".")[0]), one.name, one) for one in shortest.values()]
    return [one for *_, one in sorted(order)]


def _public_names(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The functions and classes of ``module.__all__`` that are ours, and the methods of these classes."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        members = vars(value).items() if isinstance(value, type) else ()
        for path, thing in [(name, value), *[(f"{name}.{key}", member) for key, member in members if key[0] != "_"]]:
            package = (getattr(thing, "__module__", None) or "").partition(".")[0]
            if package in PACKAGES and (inspect.isroutine(thing) or inspect.isclass(thing)):
                yield path, thing


def _modules() -> Iterator[ModuleType]:
    """The two packages and their public modules."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for info in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not re.match(SKIPPED, info.name):
                yield importlib.import_module(info.name)


# -- what is printed --------------------------------------------------------------------------------------------------


def select(text: str) -> list[Item]:
    """The items of a chapter ("2"), of a section ("2.6"), or with a word in one of their names ("adam", "mae").

    Raises ValueError where there is none.
    """
    word = text.lower()
    chosen = [item for item in ITEMS if word in (item.section, item.section[0]) or _is_called(item, word)]
    if not chosen or not word:
        first, last = ITEMS[0].section, ITEMS[-1].section
        raise ValueError(
            f"there is no {text!r} in the cheat sheet: it has sections {first} to {last}, and items like Adam"
        )
    return chosen


def _is_called(item: Item, word: str) -> bool:
    """Whether a word is in an item's title or other names, or begins the names of what implements it."""
    begins = [name for name in re.findall(r"\w+", item.names) if name.startswith(word)]
    return word in item.title.lower() or word in item.also or bool(begins)


def list_items(items: Sequence[Item], detailed: bool = False) -> str:
    """A text of items with formulas and implementers; ``detailed`` adds docstrings, places in the source, and tests."""
    found = find_implementers()
    gap = "\n\n" if detailed else "\n"
    parts = []
    for chapter, of_chapter in groupby(items, lambda item: item.section[0]):
        title = f"{chapter}  {CHAPTERS[chapter]}"
        parts.append(f"{title}\n{'─' * len(title)}")
        for section, of_section in groupby(of_chapter, lambda item: item.section):
            entries = gap.join([_entry(item, found[item], detailed) for item in of_section])
            parts.append(f"{section}  {SECTIONS[section]}\n{entries}")
    return "\n\n".join(parts)


def _entry(item: Item, implementers: list[Implementer], detailed: bool) -> str:
    """One item: its title beside the formula, and who implements it."""
    right = [line for part in item.formula.split("\n") for line in textwrap.wrap(part, WIDTH - INDENT)]
    below = []
    if not implementers:
        right.append("not there yet")
    elif not detailed:
        right += textwrap.wrap(", ".join([one.name for one in implementers]), WIDTH - INDENT)
    else:
        for one in implementers:
            below += ["", f"    {one.name}   {one.place}"]
            below += textwrap.wrap(one.summary, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
        below += ["", f"    tests/test_cheat_sheet.py::{item.test}"]
    left = [f"  {item.title}", *[""] * (len(right) - 1)]
    return "\n".join([*[title.ljust(INDENT) + line for title, line in zip(left, right, strict=True)], *below])
