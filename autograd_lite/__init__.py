"""autograd_lite: a small autodiff engine on a tape, correct, fast, and a pleasure to learn from.

>>> import autograd_lite as al
>>> x = al.tensor([1.0, 2.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4.])

Functions take NumPy's argument names (``axis``, ``keepdims``) and PyTorch's (``dim``, ``keepdim``).  Given only arrays
or numbers, a function computes with NumPy and returns an array.
"""

from types import ModuleType as _Module

from . import autograd as autograd
from .autograd import Function as Function
from .creation import *
from .device import cuda as cuda
from .device import device as device
from .dtypes import *
from .explain import GradcheckError as GradcheckError
from .explain import GradcheckResult as GradcheckResult
from .explain import draw as draw
from .explain import gradcheck as gradcheck
from .explain import gradgradcheck as gradgradcheck
from .files import CheckpointError as CheckpointError
from .files import load as load
from .files import save as save
from .kernels.threads import get_num_threads as get_num_threads
from .kernels.threads import set_num_threads as set_num_threads
from .modes import enable_grad as enable_grad
from .modes import is_grad_enabled as is_grad_enabled
from .modes import no_grad as no_grad
from .modes import set_grad_enabled as set_grad_enabled
from .op import Sample as Sample
from .op import op as op
from .ops.activation import *
from .ops.conv import *
from .ops.diagonal import *
from .ops.dropout import *
from .ops.elementwise import *
from .ops.embedding import *
from .ops.index import *
from .ops.join import *
from .ops.linalg import *
from .ops.logic import *
from .ops.loss import *
from .ops.norm import *
from .ops.order import *
from .ops.pad import *
from .ops.pool import *
from .ops.reduce import *
from .ops.shape import *
from .ops.softmax import *
from .ops.unfold import *
from .random import *
from .tape import Tape as Tape
from .tensor import Tensor as Tensor
from .tensor import get_default_dtype as get_default_dtype
from .tensor import set_default_dtype as set_default_dtype
from .transforms import grad as grad
from .transforms import hessian as hessian
from .transforms import hvp as hvp
from .transforms import jacobian as jacobian
from .transforms import jvp as jvp
from .transforms import value_and_grad as value_and_grad
from .transforms import vjp as vjp
from .warmup import warmup as warmup

# After linalg, whose `trace` the mode of that name includes.
from .modes import trace as trace  # type: ignore[assignment]  # isort: skip

__version__ = "0.1.0"
__all__ = [name for name, value in globals().items() if name[0] != "_" and not isinstance(value, _Module)]
