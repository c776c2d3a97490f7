"""``autograd.functional``: values, structures, strictness and errors; the same program as on PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.oracle

PROGRAMS: list[Callable[[Any], Any]] = []
NAMES = ("vjp", "jvp", "jacobian", "hessian", "vhp", "hvp")


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def shown(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value).__name__, [shown(v) for v in value]
    return value.tolist(), tuple(value.shape), str(value.dtype), value.requires_grad


def outcome(action: Callable[[], Any]) -> Any:
    try:
        return shown(action())
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]


def vector(lib: Any, *values: float) -> Any:
    return lib.tensor(values or (0.5, 1.5), dtype=lib.float64)


def functions(lib: Any) -> list[tuple[Any, Any, Any, Any]]:
    """A function of each structure, its inputs, and vectors of the structures of its outputs and of its inputs."""
    a, b = vector(lib), vector(lib, 1.0, 2.0, 3.0)
    u, w = vector(lib, 1.0, 10.0), vector(lib, 1.0, 10.0, 100.0)
    return [
        (lambda x: x * x, a, u, u),
        (lambda x: (x * x).sum(), a, None, u),
        (lambda x: (x * x, x.sum()), a, (u, vector(lib, 3.0)[0]), u),
        (lambda x: (x * x,), a, (u,), u),
        (lambda x: (x * x,), (a,), (u,), (u,)),
        (lambda x, y: x.sum() * y, (a, b), w, (u, w)),
        (lambda x, y: (x.sum() * y, x * y.sum()), (a, b), (w, u), (u, w)),
        (lambda x, y: (x.sum() * y * y).sum(), (a, b), None, (u, w)),
        (lambda x, y: (x * x).sum(), (a, b), None, (u, w)),
        (lambda x: x.outer(x), a, u.outer(u), u),
        (lambda x: (x * 2).sum(), a, None, u),
        (lambda x: lib.ones(2, dtype=lib.float64), a, u, u),
        (lambda x: (x.detach() * x).sum(), a, None, u),
        (lambda x: x * x, vector(lib, 3.0), None, None),
        (lambda x: x * x * x, vector(lib, 3.0)[0], None, None),
        (lambda x: [x * 2, x * 3], a, u, u),
        (lambda x: 3.0, a, u, u),
        (lambda x: (x, 3.0), a, u, u),
    ]


def calls(lib: Any, name: str, **options: Any) -> Any:
    call = getattr(lib.autograd.functional, name)
    found = []
    for function, inputs, of_outputs, of_inputs in functions(lib):
        given = {"vjp": (of_outputs,), "jacobian": (), "hessian": ()}.get(name, (of_inputs,))
        found.append(outcome(lambda f=function, i=inputs, g=given: call(f, i, *g, **options)))
    return found


@program
def values(lib: Any) -> Any:
    return [calls(lib, name) for name in NAMES]


@program
def with_a_graph(lib: Any) -> Any:
    return [calls(lib, name, create_graph=True) for name in NAMES]


@program
def strictly(lib: Any) -> Any:
    return [calls(lib, name, strict=True) for name in NAMES]


@program
def strictly_with_a_graph(lib: Any) -> Any:
    return [calls(lib, name, strict=True, create_graph=True) for name in NAMES]


@program
def at_once(lib: Any) -> Any:
    return [calls(lib, name, vectorize=True) for name in ("jacobian", "hessian")]


@program
def strategies(lib: Any) -> Any:
    call = lib.autograd.functional
    x = vector(lib)
    found = []
    for options in (
        {"strategy": "forward-mode"},
        {"strategy": "forward-mode", "create_graph": True},
        {"strategy": "forward-mode", "strict": True},
        {"strategy": "forward-mode", "vectorize": True},
        {"strategy": "sideways"},
        {"strict": True, "vectorize": True},
    ):
        found.append(outcome(lambda o=options: call.jacobian(lambda x: x * x, x, **o)))
        found.append(outcome(lambda o=options: call.jacobian(lambda x: (x * x, x.sum()), x, **o)))
    for strategy in ("forward-mode", "reverse-mode", "sideways"):
        for vectorize in (False, True):
            options = {"outer_jacobian_strategy": strategy, "vectorize": vectorize}
            found.append(outcome(lambda o=options: call.hessian(lambda x: (x**3).sum(), x, **o).detach()))
    return found


@program
def refused(lib: Any) -> Any:
    x, found = vector(lib), []
    for name in NAMES:
        call = getattr(lib.autograd.functional, name)
        found += [
            outcome(lambda call=call: call(lambda x: x.sum(), [x])),
            outcome(lambda call=call: call(lambda x: x.sum(), 3.0)),
            outcome(lambda call=call: call(lambda x, y: x.sum(), (x, 3.0))),
            outcome(lambda call=call: call(lambda x: x, x)),
            outcome(lambda call=call: call(lambda x: (x, x), x)),
        ]
        if name not in ("jacobian", "hessian"):
            found += [
                outcome(lambda call=call: call(lambda x: x.sum(), x, vector(lib, 1.0, 2.0, 3.0))),
                outcome(lambda call=call: call(lambda x: x.sum(), x, (vector(lib), vector(lib)))),
                outcome(lambda call=call: call(lambda x: x.sum(), x, 3)),
                outcome(lambda call=call: call(lambda x: x.sum(), x, [vector(lib)])),
                outcome(lambda call=call: call(lambda x, y: (x.sum(), y.sum()), (x, x), (vector(lib),))),
                outcome(lambda call=call: call(lambda x, y: (x.sum(), y.sum()), (x, x), (vector(lib), x[0]))),
            ]
    return found


@program
def gradients_reach_the_inputs_and_the_vector(lib: Any) -> Any:
    found = []
    for name in ("vjp", "jvp", "vhp", "hvp"):
        x, v = vector(lib).requires_grad_(), vector(lib, 1.0, 10.0).requires_grad_()
        function = (lambda x: x**3) if name in ("vjp", "jvp") else (lambda x: (x**3).sum())
        product = getattr(lib.autograd.functional, name)(function, x, v, create_graph=True)[1]
        found.append([shown(g) for g in lib.autograd.grad(product.sum(), (x, v))])
    x = vector(lib).requires_grad_()
    jacobian = lib.autograd.functional.jacobian(lambda x: x**3, x, create_graph=True)
    found.append(shown(lib.autograd.grad(jacobian.sum(), x)[0]))
    hessian = lib.autograd.functional.hessian(lambda x: (x**4).sum(), x, create_graph=True)
    found.append(shown(lib.autograd.grad(hessian.sum(), x)[0]))
    return found, x.grad


@program
def without_recording_outside(lib: Any) -> Any:
    with lib.no_grad():
        return [calls(lib, name)[0] for name in NAMES], [calls(lib, name, create_graph=True)[7] for name in NAMES]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(same_program: Callable[..., None], function: Callable[[Any], Any]) -> None:
    same_program(function, "numpy")
