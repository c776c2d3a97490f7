"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from pullback.optim.optimizer import Optimizer, check_settings


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    With momentum the step is ``lr`` times a running sum ``v = momentum * v + (1 - dampening) * grad``, Nesterov's is
    ``lr * (grad + momentum * v)``: as PyTorch defines them (https://pytorch.org/docs/stable/generated/torch.optim.SGD.html).

    Parameters
    ----------
    params : iterable
    lr : float
    momentum, dampening, weight_decay : float
    nesterov : bool
    maximize : bool
        Climb instead.

    Raises
    ------
    ValueError
        For a negative setting, or Nesterov momentum without momentum or with dampening.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([3.], requires_grad=True)
    >>> optimizer = pb.optim.SGD([x], lr=0.5)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        check_settings(lr, weight_decay, momentum=momentum)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        settings = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, settings)

    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        if group["weight_decay"]:
            grad = grad + parameter.detach() * group["weight_decay"]
        momentum = group["momentum"]
        if momentum:
            kept = self.state.setdefault(parameter, {})
            velocity = kept.get("momentum_buffer")
            if velocity is None:
                velocity = kept["momentum_buffer"] = grad.detach().clone()
            else:
                velocity.mul_(momentum).add_(grad * (1 - group["dampening"]) if group["dampening"] else grad)
            grad = grad + velocity * momentum if group["nesterov"] else velocity
        parameter.sub_(grad * group["lr"])
