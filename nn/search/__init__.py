"""Hyperparameter search: spaces, random and grid search, and what they found  (cheat sheet 3.4)."""

from .results import Journal, SearchError, SearchResult, Trial
from .run import grid_search, random_search
from .spaces import SHEET, Choice, Integer, LogUniform, OneMinusLogUniform, PowerOfTwo, Space, Uniform

__all__ = [
    "SHEET", "Choice", "Integer", "Journal", "LogUniform", "OneMinusLogUniform", "PowerOfTwo", "SearchError",
    "SearchResult", "Space", "Trial", "Uniform", "grid_search", "random_search",
]  # fmt: skip
