"""autograd_lite: a small autodiff engine on a tape, correct, fast, and a pleasure to learn from."""

from . import ops
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled, trace
from .op import op
from .ops.elementwise import *
from .ops.reduce import *
from .ops.shape import *
from .tape import Tape
from .tensor import Tensor, get_default_dtype, set_default_dtype
