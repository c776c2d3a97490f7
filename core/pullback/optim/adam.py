"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

import math
from typing import Any

from pullback.ops.creation.filled import zeros_like
from pullback.ops.pointwise.binary import maximum
from pullback.optim.optimizer import Optimizer, in_real_numbers


class Adam(Optimizer):
    """Adam: D. P. Kingma and J. Ba, ICLR 2015, https://arxiv.org/abs/1412.6980.

    Parameters
    ----------
    params : iterable
    lr : float
    betas : (float, float)
        How fast the averages of gradient and squared gradient forget.
    eps : float
        Added to the denominator.
    weight_decay : float
    amsgrad : bool
        Divide by the largest average so far: S. J. Reddi et al., ICLR 2018.
    maximize : bool
        Climb instead.

    Raises
    ------
    ValueError
        For a setting out of its range.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([3.], requires_grad=True)
    >>> optimizer = pb.optim.Adam([x], lr=0.5)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([2.5000], requires_grad=True)
    """

    decoupled = False

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for index, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
        if not weight_decay >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        settings = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, settings)

    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        lr, decay = group["lr"], group["weight_decay"]
        kept = self.state.setdefault(parameter, {})
        if not kept:
            kept |= {"step": 0, "exp_avg": zeros_like(parameter), "exp_avg_sq": zeros_like(parameter)}
            if group["amsgrad"]:
                kept["max_exp_avg_sq"] = zeros_like(parameter)
        kept["step"] += 1
        if decay:
            if self.decoupled:
                parameter.mul_(1 - lr * decay)
            else:
                grad = grad + parameter.detach() * decay
        parameter, grad = in_real_numbers(parameter), in_real_numbers(grad)
        average, square = in_real_numbers(kept["exp_avg"]), in_real_numbers(kept["exp_avg_sq"])
        average.add_((grad - average) * (1 - beta1))
        square.mul_(beta2).add_(grad * grad * (1 - beta2))
        if group["amsgrad"]:
            largest = in_real_numbers(kept["max_exp_avg_sq"])
            square = largest.copy_(maximum(largest, square))
        correction1 = 1 - beta1 ** kept["step"]
        correction2 = 1 - beta2 ** kept["step"]
        denominator = square.sqrt() / math.sqrt(correction2) + group["eps"]
        parameter.sub_(average / denominator * (lr / correction1))


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: I. Loshchilov and F. Hutter, ICLR 2019.

    Parameters as of :class:`Adam`, but that ``weight_decay`` is 0.01 by default.
    """

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
