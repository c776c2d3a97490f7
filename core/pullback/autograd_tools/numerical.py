"""Checking derivatives against finite differences: ``gradcheck`` and ``gradgradcheck``.

Follows https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html and
https://pytorch.org/docs/stable/notes/gradcheck.html; the numbers are made in :mod:`pullback.autograd_tools.jacobians`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pullback
import pullback.autograd as autograd
from pullback.autograd.function import Function
from pullback.autograd.gradcheck import GradcheckError
from pullback.autograd_tools import jacobians
from pullback.autograd_tools.jacobians import as_tuple, differentiable, needing_grad
from pullback.meta.dtypes import complex128, float64, promote_types
from pullback.ops.shape.joining import stack
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.autograd_tools.jacobians import Checked


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    allow_low_precision: bool = False,
) -> bool:
    """Compare the derivatives of ``func`` with central finite differences.

    Parameters
    ----------
    func : callable
        Takes the inputs and returns a Tensor or a tuple of Tensors.
    inputs : Tensor or sequence
        Those that require gradients are checked. Their elements are changed for each difference, and restored.
    eps : float
        The step of the differences.
    atol, rtol : float
        Allowed: ``|analytical - numerical| <= atol + rtol * |numerical|``.
    raise_exception : bool
        Raise where they differ, instead of returning False.
    nondet_tol : float
        By how much the gradients of two backward passes may differ.
    check_undefined_grad : bool
        Check that outputs without a gradient count as ones with a gradient of zeros.
    check_grad_dtypes : bool
        Check the dtypes of gradients, and that tangents are complex where the results are.
    check_batched_grad, check_batched_forward_grad : bool
        Check that ``vmap`` over the backward pass, or over the tangents, gives what single passes give.
    check_forward_ad, check_backward_ad : bool
        Which modes to check.
    fast_mode : bool
        Compare products of the Jacobians with random vectors instead of all their elements: one difference for each
        input instead of one for each element. The vectors are the same in each call.
    masked : bool, optional
        Accepted as PyTorch's, which is about sparse tensors.
    allow_low_precision : bool
        Check inputs of less than double precision too. Differences of those say little: expect to need another ``eps``
        and tolerances.

    Returns
    -------
    bool
        True; False where they differ and ``raise_exception`` is False.

    Raises
    ------
    GradcheckError
        Naming the output, the input and the worst element.
    ValueError
        If no input requires gradients, or one has less than double precision.
    RuntimeError
        For an input of which several elements share their memory.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([0.5, 1.5], dtype=pb.float64, requires_grad=True)
    >>> pb.autograd.gradcheck(pb.exp, x, check_forward_ad=True)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    arguments = as_tuple(inputs)
    _check_inputs(arguments, allow_low_precision)
    check = _Check(eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode)
    try:
        result = func(*arguments)
        outputs = differentiable(result)
        if check_backward_ad:
            check.backward_mode(func, result, arguments)
        if check_forward_ad:
            check.forward_mode(func, result, arguments)
        if check_batched_forward_grad:
            _check_batched_tangents(func, arguments)
        if check_backward_ad:
            if check_batched_grad:
                for number, output in enumerate(outputs):
                    _check_batched_gradients(output, number, arguments)
            if outputs:
                _check_multiplied(outputs, arguments)
            if check_undefined_grad:
                _check_undefined_gradients(func, arguments)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
    allow_low_precision: bool = False,
) -> bool:
    """Compare the second derivatives of ``func`` with finite differences of its first.

    What is checked is the function that maps the inputs and the gradients of the outputs to the gradients of the
    inputs.

    Parameters
    ----------
    func, inputs, eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes
        As in :func:`gradcheck`.
    check_batched_grad, fast_mode, masked, allow_low_precision
        As in :func:`gradcheck`.
    grad_outputs : Tensor or sequence, optional
        The gradients of the outputs; by default numbers spread over (-1, 1), the same in each call.
    gen_non_contig_grad_outputs : bool
        Let those that are made not be contiguous.
    check_fwd_over_rev, check_rev_over_rev : bool
        Differentiate the gradients in forward mode, in reverse mode.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([0.5, 1.5], dtype=pb.float64, requires_grad=True)
    >>> pb.autograd.gradgradcheck(pb.exp, x, check_fwd_over_rev=True)
    True
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    for name, asked in (("check_undefined_grad", check_undefined_grad), ("check_batched_grad", check_batched_grad)):
        if asked and not check_rev_over_rev:
            raise AssertionError(f"Setting {name}=True requires check_rev_over_rev to be True")
    arguments = as_tuple(inputs)
    if grad_outputs is None:
        outputs = differentiable(func(*arguments))
        direction = jacobians.Directions()
        cotangents = tuple(direction.cotangent(o, contiguous=not gen_non_contig_grad_outputs) for o in outputs)
    else:
        cotangents = as_tuple(grad_outputs)
    count = len(arguments)
    wanted = [i for i, a in enumerate((*arguments, *cotangents)) if isinstance(a, Tensor) and a.requires_grad]

    def gradients(*values: Any) -> tuple[Tensor, ...]:
        for position in wanted:  # in forward mode they come without
            values[position].requires_grad_()
        found = autograd.grad(
            differentiable(func(*values[:count])),
            [values[i] for i in wanted if i < count],
            list(values[count:]),
            create_graph=True,
            allow_unused=True,
        )
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients,
        (*arguments, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
        allow_low_precision=allow_low_precision,
    )


def _check_inputs(arguments: tuple[Any, ...], allow_low_precision: bool) -> None:
    """Refuse inputs of which finite differences say nothing."""
    checked = [(i, a) for i, a in enumerate(arguments) if isinstance(a, Tensor) and a.requires_grad]
    for number, argument in checked:
        if argument.dtype not in (float64, complex128) and not allow_low_precision:
            raise ValueError(
                f"gradcheck: input {number} has dtype {argument.dtype}; finite differences need float64 or complex128:"
                " use .double(), or pass allow_low_precision=True to check it all the same"
            )
        if _overlaps_itself(argument):
            raise RuntimeError(
                f"The {number}th input has a dimension with stride 0. gradcheck only supports inputs that are"
                " non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous"
                " on the input before passing it to gradcheck."
                if any(stride == 0 for stride in argument.stride())
                else f"The {number}th input has several elements in one place of memory. gradcheck only supports inputs"
                " that are non-overlapping: call .clone() on the input before passing it to gradcheck."
            )
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


def _overlaps_itself(tensor: Tensor) -> bool:
    """Whether two elements of a tensor lie in one place."""
    steps = sorted((stride, size) for stride, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1)
    reach = 0
    for stride, size in steps:
        if stride <= reach:
            break
        reach += stride * (size - 1)
    else:
        return False
    places = {0}
    for stride, size in steps:
        places = {place + stride * i for place in places for i in range(size)}
    return len(places) < tensor.numel()


class _Check:
    """The options of one check, and the comparisons made with them."""

    def __init__(
        self,
        eps: float,
        atol: float,
        rtol: float,
        nondet_tol: float,
        check_undefined_grad: bool,
        check_grad_dtypes: bool,
        fast_mode: bool,
    ) -> None:
        self.eps = eps
        self.atol = atol
        self.rtol = rtol
        self.nondet_tol = nondet_tol
        self.check_undefined_grad = check_undefined_grad
        self.check_grad_dtypes = check_grad_dtypes
        self.fast_mode = fast_mode

    def backward_mode(self, func: Callable[..., Any], result: Any, arguments: tuple[Any, ...]) -> None:
        """Compare reverse mode: a complex output is two real ones, its imaginary and its real part."""
        parts: tuple[str, ...] = ("",)
        if any(isinstance(o, Tensor) and o.dtype.is_complex for o in as_tuple(result)):
            parts = ("imaginary", "real")
        for part in parts:
            checked = jacobians.real_outputs(func, part)
            self._backward(checked, as_tuple(checked(*arguments)), arguments, as_tuple(result), part)

    def _backward(
        self, func: Checked, results: tuple[Any, ...], arguments: tuple[Any, ...], original: tuple[Any, ...], part: str
    ) -> None:
        outputs = needing_grad(results)
        if not outputs:
            self._check_constant(func, arguments)
            return
        directions = jacobians.Directions() if self.fast_mode else None
        places = [i for i, a in enumerate(arguments) if isinstance(a, Tensor) and a.requires_grad]
        ins = [directions.of_input(arguments[i]) for i in places] if directions is not None else None
        outs = [directions.of_output(o) for o in outputs] if directions is not None else None
        which = [i for i, o in enumerate(results) if isinstance(o, Tensor) and o.requires_grad]
        numerical = [
            jacobians.numerical(func, arguments, place, self.eps, None if ins is None else ins[order])
            for order, place in enumerate(places)
        ]
        for number, output in enumerate(outputs):
            out_direction = None if outs is None else outs[number]
            analytical = self._analytical(output, arguments, out_direction)
            is_complex = bool(part) and original[which[number]].dtype.is_complex
            prefix = f"While considering the {part} part of complex outputs only, " if is_complex else ""
            for order, place in enumerate(places):
                in_direction = None if ins is None else ins[order]
                message = f"{prefix}Jacobian mismatch for output {number} with respect to input {order}"
                if in_direction is None:
                    self._compare(analytical[order], numerical[order][which[number]], message)
                    continue
                assert out_direction is not None
                self._compare(
                    jacobians.along(analytical[order], in_direction),
                    (numerical[order][which[number]] * out_direction).sum(),
                    message,
                    self.atol * jacobians.total(in_direction) * out_direction.sum().item(),
                    lambda place=place, order=order, number=number, output=output: (  # type: ignore[misc]
                        jacobians.numerical(func, arguments, place, self.eps)[which[number]],
                        jacobians.by_backward(output, needing_grad(arguments))[order],
                    ),
                )

    def _analytical(self, output: Tensor, arguments: tuple[Any, ...], direction: Tensor | None) -> list[Tensor]:
        """The Jacobians by all inputs, or their products with a direction, from two passes that must agree."""
        inputs = needing_grad(arguments)
        first = jacobians.by_backward(output, inputs, direction, self._check_gradient)
        second = jacobians.by_backward(output, inputs, direction)
        for one, other in zip(first, second, strict=True):
            if one.numel() and (one - other).abs().max().item() > self.nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times"
                    " gives different values, although analytical gradient matches numerical gradient.The tolerance for"
                    f" nondeterminism was {self.nondet_tol}.\n\nIf the function is not deterministic by its nature,"
                    " pass nondet_tol=<tolerance>."
                )
        return first

    def _check_gradient(self, gradient: Tensor, like: Tensor) -> None:
        if gradient.shape != like.shape:
            raise GradcheckError("Analytical gradient has incorrect size")
        if self.check_grad_dtypes and gradient.dtype is not like.dtype:
            raise GradcheckError("Gradient has dtype mismatch")

    def _check_constant(self, func: Checked, arguments: tuple[Any, ...]) -> None:
        """Where no output requires gradients, none may depend on the inputs."""
        for place, argument in enumerate(arguments):
            if isinstance(argument, Tensor) and argument.requires_grad:
                for jacobian in jacobians.numerical(func, arguments, place, self.eps):
                    if jacobian.numel() and jacobian.abs().max().item() > (self.nondet_tol if self.fast_mode else 0):
                        raise GradcheckError("Numerical gradient for function expected to be zero")

    def forward_mode(self, func: Callable[..., Any], result: Any, arguments: tuple[Any, ...]) -> None:
        """Compare forward mode: a complex input is two real ones, its imaginary and its real part."""
        parts: tuple[str, ...] = ("",)
        if any(isinstance(a, Tensor) and a.dtype.is_complex for a in arguments):
            parts = ("imaginary", "real")
        for part in parts:
            checked, given = jacobians.real_inputs(func, part, arguments)
            self._forward(checked, given, arguments, part)
        if self.check_undefined_grad:
            for part in parts:
                _check_undefined_tangents(*jacobians.real_inputs(func, part, arguments))

    def _forward(self, func: Checked, arguments: tuple[Any, ...], original: tuple[Any, ...], part: str) -> None:
        results = as_tuple(func(*arguments))
        which = [i for i, o in enumerate(results) if isinstance(o, Tensor) and o.requires_grad]
        if not which:
            self._check_constant(func, arguments)
            return
        directions = jacobians.Directions() if self.fast_mode else None
        places = [i for i, a in enumerate(arguments) if isinstance(a, Tensor) and a.requires_grad]
        for order, place in enumerate(places):
            direction = None if directions is None else directions.of_input(arguments[place])
            analytical = jacobians.by_forward(func, arguments, results, place, direction, self._check_tangent)
            numerical = jacobians.numerical(func, arguments, place, self.eps, direction)
            is_complex = bool(part) and original[place].dtype.is_complex
            prefix = f"While considering the {part} part of complex inputs only, " if is_complex else ""
            for number, out in enumerate(which):
                message = f"{prefix}Jacobian computed with forward mode mismatch for output {number} with respect to"
                message += f" input {order}"
                if direction is None:
                    self._compare(analytical[out], numerical[out], message)
                    continue
                self._compare(
                    analytical[out],
                    numerical[out],
                    message,
                    self.atol * jacobians.total(direction),
                    lambda place=place, out=out: (  # type: ignore[misc]
                        jacobians.numerical(func, arguments, place, self.eps)[out],
                        jacobians.by_forward(func, arguments, results, place)[out],
                    ),
                )

    def _check_tangent(self, tangent: Tensor, out: Tensor) -> None:
        if self.check_grad_dtypes and tangent.dtype.is_complex is not out.dtype.is_complex:
            raise GradcheckError("Forward AD gradient has dtype mismatch.")

    def _compare(
        self,
        analytical: Tensor,
        numerical: Tensor,
        message: str,
        atol: float | None = None,
        in_full: Callable[[], tuple[Tensor, Tensor]] | None = None,
    ) -> None:
        """Raise unless the two agree; ``in_full`` gives the whole Jacobians of which they are products."""
        dtype = promote_types(analytical.dtype, numerical.dtype)
        a, n = analytical.to(dtype), numerical.to(dtype)
        if a.allclose(n, rtol=self.rtol, atol=self.atol if atol is None else atol):
            return
        text = f"{message},\nnumerical:{numerical}\nanalytical:{analytical}\n"
        if in_full is None:
            raise GradcheckError(text + _worst(a, n, self.atol, self.rtol))
        numerical, analytical = in_full()
        a, n = analytical.to(dtype), numerical.to(dtype)
        text += (
            "\nThese are products of the Jacobians with random vectors, as fast_mode=True compares. The Jacobians:\n\n"
            f"numerical:{numerical}\nanalytical:{analytical}\n{_worst(a, n, self.atol, self.rtol)}"
        )
        if a.allclose(n, rtol=self.rtol, atol=self.atol):
            text += "Element by element they agree: fast_mode=False would have passed.\n"
        raise GradcheckError(text)


def _worst(analytical: Tensor, numerical: Tensor, atol: float, rtol: float) -> str:
    """A line that names the element of two Jacobians that is furthest out of tolerance."""
    pairs = list(zip(analytical.reshape(-1).tolist(), numerical.reshape(-1).tolist(), strict=True))
    excess = [abs(a - n) - (atol + rtol * abs(n)) for a, n in pairs]
    place = max(range(len(pairs)), key=lambda i: math.inf if excess[i] != excess[i] else excess[i])
    a, n = pairs[place]
    index: list[int] = []
    rest = place
    for size in reversed(analytical.shape):
        index.insert(0, rest % size)
        rest //= size
    difference = abs(a - n)
    relative = difference / abs(n) if n else math.inf
    at = f"element {index[0]} of the input and {index[1]} of the output" if len(index) == 2 else f"element {place}"
    return (
        f"worst: {at}: numerical {n:.6g}, analytical {a:.6g}; absolute difference {difference:.3g} (allowed:"
        f" {atol:.3g}), relative {relative:.3g} (allowed: {rtol:.3g})\n"
    )


# -- what a backward or forward pass must do besides giving the right numbers ------------------------------------------


def _check_multiplied(outputs: tuple[Tensor, ...], arguments: tuple[Any, ...]) -> None:
    """Gradients must be zero where those of the outputs are, and fit the inputs."""
    inputs = needing_grad(arguments)
    gradients = autograd.grad(
        outputs, inputs, [o.new_zeros(o.shape) for o in outputs], retain_graph=True, allow_unused=True
    )
    for gradient, tensor in zip(gradients, inputs, strict=True):
        if gradient is None:
            continue
        if not (gradient == 0).all():
            raise GradcheckError("backward not multiplied by grad_output")
        for what, own, wanted in (
            ("type", gradient.dtype, tensor.dtype),
            ("device", gradient.device, tensor.device),
            ("size", gradient.shape, tensor.shape),
        ):
            if own != wanted:
                raise GradcheckError(f"grad is incorrect {what}")


class _Undefined(Function):
    """Passes a tensor on, and no gradient back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> None:
        return None


def _check_undefined_gradients(func: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Gradients must be zero, or none, where all outputs or one of them receive none and the others zeros."""
    inputs = needing_grad(arguments)
    count = len(needing_grad(as_tuple(func(*arguments))))
    for undefined in (None, *(range(count) if count > 1 else ())) if count else ():
        outputs = [
            _Undefined.apply(o) if undefined in (None, number) else o
            for number, o in enumerate(needing_grad(as_tuple(func(*arguments))))
        ]
        try:
            gradients = autograd.grad(outputs, inputs, [o.new_zeros(o.shape) for o in outputs], allow_unused=True)
        except RuntimeError as error:
            _warn_of_undefined_gradients()
            raise GradcheckError(
                "Expected backward function to handle undefined output grads: an output that takes no part in a"
                " backward pass has no gradient, which counts as zeros (see set_materialize_grads)."
            ) from error
        if any(g is not None and not (g == 0).all() for g in gradients):
            _warn_of_undefined_gradients()
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
            )


def _warn_of_undefined_gradients() -> None:
    import warnings

    warnings.warn(
        "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but it may"
        " break existing callers of this function. If this is true for you, you can call this function with"
        ' "check_undefined_grad=False" to disable the feature',
        UserWarning,
        stacklevel=4,
    )


def _check_undefined_tangents(func: Checked, arguments: tuple[Any, ...]) -> None:
    """An input without a tangent must count as one with a tangent of zeros."""
    directions = jacobians.Directions()
    tangents = {
        i: jacobians.vector(directions.of_input(a)).reshape(a.shape)
        for i, a in enumerate(arguments)
        if isinstance(a, Tensor) and a.requires_grad
    }
    for place in tangents:
        zeros = jacobians.pushed(
            func, arguments, {**tangents, place: arguments[place].new_zeros(arguments[place].shape)}
        )
        none = jacobians.pushed(func, arguments, {**tangents, place: None})
        for number, (first, second) in enumerate(zip(zeros, none, strict=True)):
            if first is not None and second is not None and not first.allclose(second):
                raise GradcheckError(
                    f"Mismatch in tangent values for output with index: {number} when input: {arguments[place]} has an"
                    f" undefined tangent value.  Got: {second} but expected: {first}"
                )


def _vmap() -> Any:
    return pullback.vmap


def _check_batched_gradients(output: Tensor, number: int, arguments: tuple[Any, ...]) -> None:
    """One pass for several gradients of the output at once must give what a pass for each gives."""
    inputs = needing_grad(arguments)

    def pull(cotangent: Tensor) -> tuple[Tensor, ...]:
        found = autograd.grad(output, inputs, cotangent, retain_graph=True, allow_unused=True)
        return tuple(i.new_zeros(i.shape) if g is None else g for g, i in zip(found, inputs, strict=True))

    directions = jacobians.Directions()
    cotangents = [directions.cotangent(output).detach() for _ in range(2)]
    _compare_batched(pull, cotangents, f"For output {number} and input", "check_batched_grad")


def _check_batched_tangents(func: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Tangents pushed together must give what each gives by itself."""
    directions = jacobians.Directions()
    for place, argument in enumerate(arguments):
        if not (isinstance(argument, Tensor) and argument.requires_grad):
            continue

        def push(tangent: Tensor, place: int = place) -> tuple[Tensor, ...]:
            detached = tuple(a.detach() if isinstance(a, Tensor) else a for a in arguments)
            found = jacobians.pushed(func, detached, {place: tangent}, with_results=True)
            return tuple(out.new_zeros(out.shape) if t is None else t for out, t in found)

        tangents = [directions.cotangent(argument).detach() for _ in range(2)]
        _compare_batched(push, tangents, f"For input {place} and output", "check_batched_forward_grad")


def _compare_batched(function: Callable[..., Any], vectors: list[Tensor], what: str, option: str) -> None:
    single = [function(v) for v in vectors]
    expected = [stack(list(parts)) for parts in zip(*single, strict=True)]
    try:
        found = _vmap()(function)(stack(vectors))
    except RuntimeError as error:
        raise GradcheckError(
            f"While computing batched gradients, got: {error}\n\nAn operation that the pass runs does not support vmap;"
            f" pass {option}=False to leave this out."
        ) from error
    for number, (got, wanted) in enumerate(zip(found, expected, strict=True)):
        if not got.allclose(wanted):
            raise GradcheckError(f"{what} {number}:\n\nGot:\n{got}\n\nExpected:\n{wanted}")
