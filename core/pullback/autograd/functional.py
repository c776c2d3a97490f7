"""PyTorch's module of this name: Jacobians, Hessians and their products, of :mod:`pullback.autograd_tools`."""

from pullback.autograd_tools.functional import hessian, hvp, jacobian, jvp, vhp, vjp

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
