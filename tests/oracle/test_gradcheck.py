"""``gradcheck`` and ``gradgradcheck`` accept and refuse what PyTorch's do, in its words."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.oracle

PROGRAMS: list[Callable[[Any], Any]] = []


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = action()
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0]
    return "nothing refused", repr(found)


def leaf(lib: Any, *values: Any, dtype: Any = None) -> Any:
    return lib.tensor(values or (0.5, 1.5), dtype=dtype or lib.float64, requires_grad=True)


def matrix(lib: Any) -> Any:
    return lib.tensor([[0.5, 1.5, -1.0], [2.0, 0.25, 3.0]], dtype=lib.float64, requires_grad=True)


def complex_leaf(lib: Any) -> Any:
    return lib.tensor([1 + 2j, 0.5 - 1j], dtype=lib.complex128, requires_grad=True)


def custom(lib: Any, forward: Any, backward: Any, jvp: Any = None) -> Any:
    body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    if jvp is not None:
        body["jvp"] = staticmethod(jvp)
    return type(lib.autograd.Function)("Custom", (lib.autograd.Function,), body).apply


def square(lib: Any, factor: float, jvp_factor: float = 2.0) -> Any:
    """x² with a derivative of ``factor * x``."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x * x

    return custom(
        lib,
        forward,
        lambda ctx, g: g * ctx.saved_tensors[0] * factor,
        lambda ctx, t: t * ctx.saved_tensors[0] * jvp_factor,
    )


def both(lib: Any, function: Any, inputs: Any, **options: Any) -> Any:
    """What the check does in either of its ways."""
    return [
        refused(lambda f=f: lib.autograd.gradcheck(function, inputs, fast_mode=f, **options)) for f in (False, True)
    ]


@program
def right_derivatives(lib: Any) -> Any:
    x, y, z = leaf(lib), matrix(lib), complex_leaf(lib)
    found = []
    for function, inputs in (
        (lib.exp, x),
        (lib.exp, (x,)),
        (lib.exp, [x]),
        (lambda y: y @ y.t(), y),
        (lambda y: (y.sum(0), y.sum(1)), y),
        (lambda y: [y.sum(0), y.sum(1)], y),
        (lambda x, y: x[:1] * y, (x, y)),
        (lambda x, n: x**n, (x, 3)),
        (lambda x, n: x * 1 if n is None else x, (x, None)),
        (lambda x, c: x * c, (x, x.detach())),
        (lambda z: z * z, z),
        (lambda z: z.abs(), z),
        (lambda z: (z.conj() * z, z.real, z.imag), z),
        (lambda x, z: x * z, (x, z)),
        (lambda x: lib.complex(x, x * x), x),
        (lambda x: x.sum(), x),
        (lambda y: y.t(), y),
        (lambda x: x.clone(), leaf(lib).reshape(2, 1).t()),
        (lambda x: (x * 2, x.long()), x),
    ):
        found.append(both(lib, function, inputs, check_forward_ad=True))
        found.append(both(lib, function, inputs, check_backward_ad=False, check_forward_ad=True))
    return found


@program
def wrong_derivatives(lib: Any) -> Any:
    x = leaf(lib)
    wrong, wrong_forward = square(lib, 3.0), square(lib, 2.0, 3.0)
    return [
        both(lib, wrong, x),
        both(lib, wrong, x, raise_exception=False),
        both(lib, lambda x: (x * 2, wrong(x)), x),
        both(lib, lambda a, b: a * wrong(b), (x, leaf(lib, 2.0, 3.0))),
        both(lib, wrong_forward, x),
        both(lib, wrong_forward, x, check_forward_ad=True),
        both(lib, wrong_forward, x, check_forward_ad=True, raise_exception=False),
        both(lib, lambda x: x.detach() * x, x),
        both(lib, wrong, x, atol=10.0),
        both(lib, wrong, x, rtol=1.0),
        both(lib, wrong, x, check_backward_ad=False, check_forward_ad=True),
    ]


@program
def wrong_derivatives_of_complex_functions(lib: Any) -> Any:
    z = complex_leaf(lib)
    conjugate = custom(lib, lambda ctx, z: z.conj() * 1, lambda ctx, g: g, lambda ctx, t: t)
    imaginary = custom(lib, lambda ctx, z: z.imag * 1, lambda ctx, g: g * 1.0, lambda ctx, t: t.imag * 2)
    return [
        both(lib, conjugate, z),
        both(lib, conjugate, z, check_backward_ad=False, check_forward_ad=True),
        both(lib, imaginary, z),
        both(lib, imaginary, z, check_backward_ad=False, check_forward_ad=True),
        both(lib, lambda z: (z.real, conjugate(z)), z),
    ]


@program
def outputs_that_need_no_gradient(lib: Any) -> Any:
    x = leaf(lib)
    return [
        both(lib, lambda x: x.detach() * 1, x),
        both(lib, lambda x: lib.ones(2, dtype=lib.float64), x),
        both(lib, lambda x: (x * 2, x.detach() * 2), x),
        both(lib, lambda x: (x.detach() * 2, x * 2), x),
    ]


@program
def refused_inputs(lib: Any) -> Any:
    check = lib.autograd.gradcheck
    x = leaf(lib)
    return [
        refused(lambda: check(lib.exp, x.detach())),
        refused(lambda: check(lambda n: n, 3)),
        refused(lambda: check(lib.exp, leaf(lib, 1.0).expand(3))),
        refused(lambda: check(lib.exp, (x,), check_backward_ad=False)),
        refused(lambda: check(lib.exp, x, check_backward_ad=False, check_forward_ad=True, check_batched_grad=True)),
        refused(lambda: check(lib.exp, x, check_batched_forward_grad=True)),
        refused(lambda: check(lambda x: x[: 1 + int(x[0] > 0.5)], x)),
        refused(lambda: lib.autograd.gradgradcheck(lib.exp, x, check_rev_over_rev=False)),
        refused(lambda: lib.autograd.gradgradcheck(lib.exp, x, check_rev_over_rev=False, check_fwd_over_rev=True)),
        refused(
            lambda: lib.autograd.gradgradcheck(
                lib.exp, x, check_rev_over_rev=False, check_fwd_over_rev=True, check_undefined_grad=False
            )
        ),
    ]


@program
def contracts_of_backward(lib: Any) -> Any:
    x = leaf(lib)
    state = {"count": 0}

    def drifting(ctx: Any, g: Any) -> Any:
        state["count"] += 1
        return g * (2 + 1e-4 * state["count"])

    double = custom(lib, lambda ctx, x: x * 2, drifting)
    added = custom(lib, lambda ctx, x: x * 2, lambda ctx, g: g * 2 + 1e-9)

    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    two = custom(lib, forward, lambda ctx, a, b: a * 2 + b * 3)
    kind = [r[0] for r in both(lib, two, x)]
    return [
        both(lib, double, x, rtol=1.0),
        both(lib, double, x, rtol=1.0, nondet_tol=1.0),
        both(lib, added, x),
        kind,
        both(lib, two, x, check_undefined_grad=False),
    ]


@program
def second_derivatives(lib: Any) -> Any:
    x, y, z = leaf(lib), matrix(lib), complex_leaf(lib)

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    first_only = custom(lib, forward, lambda ctx, g: 2 * g * ctx.saved_tensors[0].detach())
    found = []
    for fast_mode in (False, True):
        check = functools.partial(lib.autograd.gradgradcheck, fast_mode=fast_mode)
        for options in ({}, {"check_fwd_over_rev": True}, {"gen_non_contig_grad_outputs": True}):
            for function, inputs in (
                (lib.exp, x),
                (lambda y: y @ y.t(), y),
                (lambda z: z * z.abs(), z),
                (lambda x, y: (x.sum() * y.sin(), x * 2), (x, y)),
                (lambda x: x * 2, x),
            ):
                found.append(refused(functools.partial(check, function, inputs, **options)))
        found.append(refused(functools.partial(check, first_only, x)))
        found.append(refused(functools.partial(check, first_only, x, raise_exception=False)))
        for cotangent in (leaf(lib, 1.0, 2.0), leaf(lib, 1.0, 2.0).detach(), [leaf(lib, 1.0, 2.0)]):
            found.append(refused(functools.partial(check, lib.sin, x, cotangent)))
    return found


@program
def inputs_and_their_memory_are_as_before(lib: Any) -> Any:
    x = leaf(lib)
    before = x.tolist()
    refused(lambda: lib.autograd.gradcheck(lib.exp, x, check_forward_ad=True))
    return x.tolist() == before, x._version, x.grad


@program
def parameters_that_the_function_does_not_take(lib: Any) -> Any:
    weight = leaf(lib)
    return both(lib, lambda w: weight * weight, weight)


@program
def results_that_are_no_tensors(lib: Any) -> Any:
    x = leaf(lib)
    functions = (
        lambda x: (x * 2, None),
        lambda x: (x * 2, 3),
        lambda x: "text",
        lambda x: None,
        lambda x: {"a": x * 2},
        lambda x: (x * 2, (x * 3,)),
        lambda x: (),
    )
    found = []
    for function in functions:
        found.append(both(lib, function, x))
        found.append(both(lib, function, x, check_forward_ad=True, check_backward_ad=False))
        if function(x) != ():
            found.append(refused(lambda f=function: lib.autograd.gradgradcheck(f, x)))
    return found


@program
def inputs_of_every_kind(lib: Any) -> Any:
    x = leaf(lib)
    others = (None, "text", [1, 2], lib.tensor([1, 2]), True, x.detach())
    found = [both(lib, lambda a, b: a * 2, (x, other)) for other in others]
    return found + [both(lib, lambda a: a * 2, inputs) for inputs in ({"a": x}, None, (), [])]


@program
def few_or_no_elements(lib: Any) -> Any:
    inputs = (leaf(lib).sum(), lib.zeros(0, 3, dtype=lib.float64), lib.zeros(0, dtype=lib.complex128))
    functions = (
        lambda x: x * x,
        lambda x: (x * x, x.sum()),
        lambda x: (x * x).reshape(-1)[:0],
        lambda x: x.new_zeros(0) + x.sum(),
    )
    found = []
    for value in inputs:
        x = value.detach().requires_grad_()
        for function in functions:
            found.append(both(lib, function, x, check_batched_grad=True))
            found.append(both(lib, function, x, check_backward_ad=False, check_forward_ad=True))
            found.append([refused(lambda f=function, x=x: lib.autograd.gradgradcheck(f, x))])
    return found


@program
def real_and_complex_inputs_together(lib: Any) -> Any:
    inputs = leaf(lib), complex_leaf(lib)
    functions = (
        lambda a, b: a * b,
        lambda a, b: (a * b.conj()).imag,
        lambda a, b: (a.sin(), b.exp()),
        lambda a, b: b.abs() + a,
        lambda a, b: a * 2,
    )
    return [
        (
            both(lib, function, inputs, check_forward_ad=True, check_grad_dtypes=True),
            refused(lambda f=function: lib.autograd.gradgradcheck(f, inputs, check_fwd_over_rev=True)),
        )
        for function in functions
    ]


@program
def functions_that_write(lib: Any) -> Any:
    def without_graph(x: Any) -> Any:
        with lib.no_grad():
            x.add_(0)
        return x * 2

    functions = (
        lambda x: x.add_(1),
        lambda x: x,
        lambda x: (x, x * 2),
        lambda x: x.view(2, 1),
        lambda x: x.clone().mul_(x),
        lambda x: (x * 2).add_(1).square(),
        without_graph,
    )
    return [
        (
            [kind for kind, _ in both(lib, function, leaf(lib))],
            [kind for kind, _ in both(lib, function, leaf(lib), check_backward_ad=False, check_forward_ad=True)],
        )
        for function in functions
    ]


@program
def derivatives_of_the_wrong_kind(lib: Any) -> Any:
    def save(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x * x

    def derivative(change: Any) -> Any:
        def right(ctx: Any, vector: Any) -> Any:
            return change(2 * vector * ctx.saved_tensors[0])

        return custom(lib, save, right, right)

    def raises(value: Any) -> Any:
        raise ZeroDivisionError("inside")

    found = []
    for change in (lambda g: g.float(), lambda g: g.sum(), lambda g: g * float("nan"), raises):
        function = derivative(change)
        for options in ({}, {"check_grad_dtypes": True}, {"raise_exception": False}):
            x = leaf(lib)
            found.append(both(lib, function, x, **options))
            found.append(both(lib, function, x, check_backward_ad=False, check_forward_ad=True, **options))
    nothing = custom(lib, save, lambda ctx, g: None)
    return [*found, both(lib, nothing, leaf(lib)), both(lib, nothing, leaf(lib), check_forward_ad=True)]


@program
def undefined_gradients(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2

    return [
        both(lib, custom(lib, forward, lambda ctx, g: g * 2), leaf(lib), **options)
        for options in ({}, {"check_undefined_grad": False}, {"raise_exception": False})
    ]


@program
def where_gradients_are_off(lib: Any) -> Any:
    with lib.no_grad():
        return [
            both(lib, lib.exp, leaf(lib)),
            both(lib, lib.exp, leaf(lib), check_forward_ad=True),
            both(lib, lambda x: x.detach() * 0, leaf(lib)),
        ]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(same_program: Callable[..., None], function: Callable[[Any], Any]) -> None:
    same_program(function, "numpy")
