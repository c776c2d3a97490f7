"""What all optimizers share: groups of parameters, their settings, and the state kept for each parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from pullback.autograd.grad_mode import enable_grad, no_grad
from pullback.ops.shape.striding import view_as_real
from pullback.tensor import Tensor


def clear_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Forget each tensor's gradient, or write zeros into it."""
    for parameter in parameters:
        grad = parameter._grad
        if grad is None:
            continue
        if set_to_none:
            parameter._grad = None
        elif grad.grad_fn is None:
            with no_grad():
                grad.zero_()
        else:
            parameter._grad = grad.new_zeros(grad.shape)


def in_real_numbers(tensor: Tensor) -> Tensor:
    """What an update computes with: of a complex tensor its parts, which are two parameters, as a view.

    An update that squares the gradient, or takes a root, must do so with each part by itself.
    """
    return view_as_real(tensor) if tensor.dtype.is_complex else tensor


class Optimizer:
    """Base class: a subclass defines :meth:`update` for one parameter.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor), or of dict
        What to optimize; dicts are groups, with ``"params"`` and settings of their own.
    defaults : dict
        The settings of groups that do not give their own.

    Attributes
    ----------
    param_groups : list of dict
    state : dict
        What is kept for each parameter between steps.

    Raises
    ------
    TypeError
        If ``params`` holds anything else.
    ValueError
        If there are none, or one is not a leaf.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got"
                f" torch.{params.dtype.tensor_type_name}"
            )
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = {}
        self.param_groups: list[dict[str, Any]] = []
        given = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, with settings of their own, to those optimized."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        params = [p[1] if isinstance(p, tuple) else p for p in params]
        for parameter in params:
            if not isinstance(parameter, Tensor):
                kind = type(parameter).__name__
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {kind}")
            if not (parameter.is_leaf or parameter.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in known for p in params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with ``set_to_none=False`` write zeros into them."""
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change each parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Evaluates the model again and returns the loss, which is returned.
        """
        loss = None
        with no_grad():
            if closure is not None:
                with enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for parameter in group["params"]:
                    grad = parameter._grad
                    if grad is not None:
                        self.update(parameter, -grad if group.get("maximize") else grad, group)
        return loss

    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        """Change one parameter, in place, by its gradient; no graph is recorded."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Settings and state, with the parameters numbered in order."""
        numbers = {id(p): n for n, p in enumerate(p for g in self.param_groups for p in g["params"])}
        return {
            "state": {numbers[id(p)]: dict(s) for p, s in self.state.items()},
            "param_groups": [
                {**{k: v for k, v in g.items() if k != "params"}, "params": [numbers[id(p)] for p in g["params"]]}
                for g in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over settings and state from a :meth:`state_dict`.

        Raises
        ------
        ValueError
            If groups or numbers of parameters differ.
        """
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, self.param_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        parameters: dict[int, Tensor] = {}
        for saved, own in zip(groups, self.param_groups, strict=True):
            parameters.update(zip(saved["params"], own["params"], strict=True))
            own.update({k: deepcopy(v) for k, v in saved.items() if k != "params"})
        self.state = {
            parameters[number]: {k: v.detach().clone() if isinstance(v, Tensor) else v for k, v in kept.items()}
            for number, kept in state_dict["state"].items()
        }

    def __repr__(self) -> str:
        lines = []
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return f"{type(self).__name__} (\n" + "\n".join(lines) + "\n)"


def check_settings(lr: float, weight_decay: float, **others: float) -> None:
    """Refuse negative settings.

    Raises
    ------
    ValueError
        In PyTorch's words.
    """
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")
    for name, value in others.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {name} value: {value}")
    if not weight_decay >= 0.0:
        raise ValueError(f"Invalid weight_decay value: {weight_decay}")
