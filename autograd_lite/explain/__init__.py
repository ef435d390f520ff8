"""Readers of the tape: the gradient check, and pictures."""

from .draw import draw
from .gradcheck import GradcheckError, GradcheckResult, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "GradcheckResult", "draw", "gradcheck", "gradgradcheck"]
