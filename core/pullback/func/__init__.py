"""Function transforms: ``vmap``, ``grad`` and their kin, which take a function and return another one.

Follows https://pytorch.org/docs/stable/func.html.
"""

from pullback.func.differentiation import grad, grad_and_value, jvp, vjp
from pullback.func.functionalization import functionalize
from pullback.func.inspection import debug_unwrap
from pullback.func.jacobians import hessian, jacfwd, jacrev
from pullback.func.linearization import linearize
from pullback.func.mapping import vmap
from pullback.func.modules import functional_call, stack_module_state

__all__ = [
    "debug_unwrap",
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
