"""Devices, of which there is one: what a program written for PyTorch asks before it computes on the CPU."""

from __future__ import annotations

from typing import Any

__all__ = ["Device", "cuda", "device"]


class Device:
    """``device("cpu")``.  Raises ValueError for any other."""

    type = "cpu"

    def __init__(self, name: Any = "cpu") -> None:
        if str(name) != "cpu":
            raise ValueError(f"the only device is 'cpu', got {name!r}")

    def __str__(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __eq__(self, other: object) -> bool:
        return str(other) == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")


device = Device


class cuda:
    """Graphics processors: there are none."""

    @staticmethod
    def is_available() -> bool:
        """False: the engine computes on the CPU."""
        return False

    @staticmethod
    def device_count() -> int:
        """0."""
        return 0

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        """Nothing: there is no device to seed."""
