"""The list of formulas: what counts as a reference, who is found, and what the command prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import fails, run

import nn
from nn import formulas
from nn.formulas import ITEMS, Implementer, find_implementers, list_items, select

ROOT = Path(__file__).parent.parent


def item(title: str) -> formulas.Item:
    return next(item for item in ITEMS if item.title == title)


def planted(monkeypatch: pytest.MonkeyPatch, name: str, doc: str | None) -> dict[formulas.Item, list[str]]:
    """The names of the implementers, with a new public function of nn among them."""

    def function() -> None:
        pass

    function.__module__, function.__doc__ = "nn.planted", doc
    monkeypatch.setattr(nn, name, function, raising=False)
    monkeypatch.setattr(nn, "__all__", [*nn.__all__, name])
    return {item: [one.name for one in found] for item, found in find_implementers().items()}


@pytest.mark.parametrize(
    ("doc", "counts"),
    [
        ("A step  (cheat sheet 2.6).", True),
        ("A step  (cheat sheet 2.6; Kingma & Ba 2015).", True),
        ("A step\n    (cheat sheet\n    2.3, 2.6).", True),
        ("A step, unlike that of the cheat sheet (2.6).", False),
        ("A step  (cheat sheet 2.5).", False),
        ("", False),
        (None, False),
    ],
)
def test_what_counts_as_a_reference(monkeypatch: pytest.MonkeyPatch, doc: str | None, counts: bool) -> None:
    assert ("nn.adam" in planted(monkeypatch, "adam", doc)[item("Adam")]) == counts


def test_an_item_of_several_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = planted(monkeypatch, "adam_w", "Not the sheet's  (cheat sheet 2.6).")
    assert not any("nn.adam_w" in names for names in found.values())
    found = planted(monkeypatch, "conv9d", "Many axes  (cheat sheet 4.1, 6.1).")
    assert "nn.conv9d" in found[item("CONV layer")]
    assert "nn.conv9d" in found[item("Shapes")]
    assert "nn.conv9d" not in found[item("POOL layer")]


def test_who_loses_the_reference_leaves_the_item_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.name for one in find_implementers()[item("RMSprop")]] == ["nn.optim.RMSprop"]
    monkeypatch.setattr(nn.optim.RMSprop, "__doc__", "Divides by a root mean square.")
    assert find_implementers()[item("RMSprop")] == []


def test_each_is_named_once_by_its_shortest_name_and_nn_comes_first() -> None:
    found = find_implementers()
    assert [one.name for one in found[item("Sigmoid")]] == ["nn.Sigmoid", "autograd_lite.sigmoid"]
    assert [one.name for one in found[item("Chain rule in reverse")]] == ["autograd_lite.Tensor.backward"]
    assert "nn.optim.Adam" in [one.name for one in found[item("Adam")]]


def test_where_it_is_and_what_it_says() -> None:
    for name, thing in (("nn.Linear", nn.Linear), ("autograd_lite.linear", nn.functional.linear)):
        one = Implementer(name, thing)
        path, line = one.place.split(":")
        assert (ROOT / path).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith(("class", "def", "@"))
        assert "(cheat sheet 1.3)" in one.summary
        assert "\n" not in one.summary
    assert Implementer("nn.Linear", nn.Linear).place.startswith("nn/layers/linear.py:")
    assert Implementer("", nn.functional.linear).place.startswith("autograd_lite/ops/linalg.py:")


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("2.5", ["Bias correction"]),
        ("RMSPROP", ["RMSprop"]),
        ("3.1", ["L2 regularization", "L1 regularization"]),
        ("relu", ["ReLU", "Leaky ReLU"]),
        ("mse", ["Mean squared error"]),
        ("mae", ["Mean absolute error"]),
        ("Ridge", ["L2 regularization"]),
        ("glorot", ["Xavier initialization"]),
        ("NMS", ["Non-max suppression"]),
        ("6", ["Shapes", "Parameters", "Logistic regression"]),
    ],
)
def test_select(text: str, titles: list[str]) -> None:
    assert [item.title for item in select(text)] == titles


@pytest.mark.parametrize("text", ["7", "2.9", "", "no such thing"])
def test_select_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=f"there is no '{text}' in the cheat sheet: it has sections 1.1 to 6.2"):
        select(text)


@pytest.mark.parametrize("detailed", [False, True])
def test_every_line_fits_a_hundred_columns(detailed: bool) -> None:
    lines = list_items(ITEMS, detailed).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) > len(ITEMS)


def test_a_title_and_its_formula_stand_side_by_side_and_apart() -> None:
    text = list_items(ITEMS)
    for item in ITEMS:
        first = item.formula.split("\n")[0][:20]
        assert any(line.startswith(f"  {item.title}  ") and first in line for line in text.splitlines()), item


def test_an_item_without_implementer_is_shown_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formulas, "find_implementers", lambda: {item: [] for item in ITEMS})
    for detailed in (False, True):
        assert list_items(select("rmsprop"), detailed).count("not there yet") == 1
        assert "tests/" not in list_items(select("rmsprop"), detailed)


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_command_lists_everything(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "formulas")
    assert (code, err) == (0, "")
    for section, title in formulas.SECTIONS.items():
        assert f"\n{section}  {title}\n" in out
    assert "W ← W − α v̂ / √(Ŝ + ε)" in out
    assert "nn.optim.Adam" in out


def test_the_command_shows_one_section_in_detail(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "formulas", "2.6")
    assert (code, err) == (0, "")
    assert "nn.optim.Adam   nn/optim/adaptive.py:" in out
    assert "Kingma" in out
    assert "tests/test_cheat_sheet.py::test_2_6_adam" in out
    assert "2.5  " not in out


@pytest.mark.parametrize("item", ["7", "2.9", "no-such-thing"])
def test_the_command_refuses_what_is_not_on_the_sheet(capsys: pytest.CaptureFixture[str], item: Any) -> None:
    fails(capsys, 2, f"argument item: there is no '{item}' in the cheat sheet", "formulas", item)
