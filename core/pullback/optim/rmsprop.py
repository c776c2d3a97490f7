"""RMSprop."""

from __future__ import annotations

from typing import Any

from pullback.ops.creation.filled import zeros_like
from pullback.optim.optimizer import Optimizer, check_settings, in_real_numbers


class RMSprop(Optimizer):
    """RMSprop: the gradient over the root of its running mean square, from G. Hinton's lecture notes.

    Parameters
    ----------
    params : iterable
    lr : float
    alpha : float
        How slowly the mean square forgets.
    eps : float
        Added to the denominator.
    weight_decay, momentum : float
    centered : bool
        Divide by the running standard deviation instead.
    maximize : bool
        Climb instead.

    Raises
    ------
    ValueError
        For a negative setting.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([3.], requires_grad=True)
    >>> optimizer = pb.optim.RMSprop([x], lr=0.1)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([2.0000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_settings(lr, weight_decay, momentum=momentum, alpha=alpha)
        settings = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, settings)

    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        kept = self.state.setdefault(parameter, {})
        if not kept:
            kept |= {"step": 0, "square_avg": zeros_like(parameter)}
            if group["momentum"]:
                kept["momentum_buffer"] = zeros_like(parameter)
            if group["centered"]:
                kept["grad_avg"] = zeros_like(parameter)
        kept["step"] += 1
        if group["weight_decay"]:
            grad = grad + parameter.detach() * group["weight_decay"]
        parameter, grad = in_real_numbers(parameter), in_real_numbers(grad)
        alpha, square = group["alpha"], in_real_numbers(kept["square_avg"])
        square.mul_(alpha).add_(grad * grad * (1 - alpha))
        variance = square
        if group["centered"]:
            average = in_real_numbers(kept["grad_avg"])
            average.add_((grad - average) * (1 - alpha))
            variance = square - average * average
        step = grad / (variance.sqrt() + group["eps"])
        if group["momentum"]:
            step = in_real_numbers(kept["momentum_buffer"]).mul_(group["momentum"]).add_(step)
        parameter.sub_(step * group["lr"])
