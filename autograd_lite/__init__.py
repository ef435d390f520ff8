"""autograd_lite: a small autodiff engine on a tape, correct, fast, and a pleasure to learn from.

>>> import autograd_lite as al
>>> x = al.tensor([1.0, 2.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

from . import autograd, ops
from .autograd import Function
from .creation import *
from .device import cuda, device
from .dtypes import *
from .explain import GradcheckError, draw, gradcheck, gradgradcheck
from .op import Sample, op
from .ops.activation import *
from .ops.diagonal import *
from .ops.elementwise import *
from .ops.index import *
from .ops.join import *
from .ops.linalg import *
from .ops.logic import *
from .ops.loss import *
from .ops.order import *
from .ops.reduce import *
from .ops.shape import *
from .ops.softmax import *
from .random import *
from .tape import Tape
from .tensor import Tensor, get_default_dtype, set_default_dtype
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .writes import log_write

# After linalg, whose `trace` the mode of that name includes.
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled, trace  # type: ignore[assignment]  # isort: skip

__version__ = "0.1.0"
