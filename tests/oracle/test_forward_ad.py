"""Forward mode: duals, views, writes in place, levels, Functions and errors; the same program as on PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb

pytestmark = pytest.mark.oracle

PROGRAMS: list[Callable[[Any], Any]] = []


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    try:
        found = action()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    return "nothing refused", repr(found)


def dual(lib: Any, values: Any = (2.0, 3.0), tangent: Any = (1.0, 10.0), dtype: Any = None) -> Any:
    dtype = dtype or lib.float64
    return lib.autograd.forward_ad.make_dual(lib.tensor(values, dtype=dtype), lib.tensor(tangent, dtype=dtype))


def tangent(lib: Any, tensor: Any) -> Any:
    found = lib.autograd.forward_ad.unpack_dual(tensor).tangent
    return None if found is None else found.tolist()


@program
def levels(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    log: list[Any] = []
    log.append(fwd.enter_dual_level())
    log.append(refused(fwd.enter_dual_level))
    log.append(refused(lambda: fwd.exit_dual_level(level=3)))
    x = dual(lib)
    log.append(tangent(lib, x))
    fwd.exit_dual_level()
    log.append(refused(fwd.exit_dual_level))
    log.append(tangent(lib, x))
    log.append(refused(lambda: fwd.make_dual(lib.ones(2), lib.ones(2))))
    with fwd.dual_level() as level:
        log.append(level)
        y = fwd.make_dual(lib.ones(2), lib.ones(2), level=0)
        log.append(fwd.unpack_dual(y, level=0).tangent.tolist())
        log.append(refused(lambda: fwd.make_dual(lib.ones(2), lib.ones(2), level=-1)))
        log.append(fwd.unpack_dual(y, level=-1).tangent)

    @fwd.dual_level()
    def function() -> Any:
        return tangent(lib, dual(lib) * 2)

    log.append(function())
    log.append(function())
    return log


@program
def a_level_ends_with_an_exception(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad

    def fail() -> Any:
        with fwd.dual_level():
            dual(lib)
            raise ValueError("inside")

    first = refused(fail)
    with fwd.dual_level() as level:
        return first, level


@program
def refused_duals(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    x = lib.ones(2, 2)
    with fwd.dual_level():
        return [
            refused(lambda: fwd.make_dual(x, lib.ones(3))),
            refused(lambda: fwd.make_dual(x, lib.ones(2, 2, dtype=lib.int64))),
            refused(lambda: fwd.make_dual(lib.ones(2, dtype=lib.int64), lib.ones(2))),
            refused(lambda: fwd.make_dual(x, fwd.make_dual(lib.ones(2, 2), lib.ones(2, 2)))),
            refused(lambda: fwd.make_dual(fwd.make_dual(x, lib.ones(2, 2)), lib.ones(2, 2))),
        ]


@program
def unpacked(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    with fwd.dual_level():
        d = fwd.make_dual(x, lib.ones(2))
        parts = fwd.unpack_dual(d)
        plain = fwd.unpack_dual(x)
        return (
            type(parts).__name__,
            parts._fields,
            parts.primal is d,
            parts.primal.requires_grad,
            parts.primal.grad_fn.name(),
            fwd.unpack_dual(parts.primal).tangent,
            plain.tangent,
            plain.primal is x,
            d.is_leaf,
            d.grad_fn.name(),
            d._base is x,
            type(plain).__name__,
        )


@program
def the_tangent_is_kept_as_it_is(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    t = lib.ones(2)
    with fwd.dual_level():
        d = fwd.make_dual(lib.tensor([1.0, 2.0]), t)
        same = fwd.unpack_dual(d).tangent
        same.mul_(3)
        return t.tolist(), tangent(lib, d * 2), same.requires_grad


@program
def views_of_a_dual(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        x = dual(lib, [[1.0, 2.0], [3.0, 4.0]], [[1.0, 10.0], [100.0, 1000.0]])
        row = x[0]
        column = x.t()[1]
        found = [tangent(lib, row), tangent(lib, column)]
        row.mul_(2)
        found += [tangent(lib, v) for v in (x, row, column)]
        x.mul_(3)
        found += [tangent(lib, v) for v in (x, row, column)]
        x.view(-1)[::2].zero_()
        found += [tangent(lib, v) for v in (x, row, column)]
        return found, x.tolist(), row.tolist()


@program
def a_dual_written_into_a_view_of_a_plain_tensor(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        base = lib.zeros(2, 2, dtype=lib.float64)
        row = base[0]
        other = base[1]
        row.copy_(dual(lib))
        late = base[:, 1]
        return [tangent(lib, v) for v in (base, row, other, late, base * 2)], base.tolist()


@program
def a_dual_written_into_a_plain_tensor(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        base = lib.ones(2, dtype=lib.float64)
        view = base[1:]
        base.mul_(dual(lib))
        return [tangent(lib, v) for v in (base, view, view * 2)]


@program
def a_plain_tensor_written_into_a_dual(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        x = dual(lib)
        x[0] = lib.tensor(7.0, dtype=lib.float64)
        first = tangent(lib, x)
        x.copy_(lib.ones(2, dtype=lib.float64))
        second = tangent(lib, x)
        x.add_(dual(lib))
        return first, second, tangent(lib, x)


@program
def writes_in_place(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    found = []
    with fwd.dual_level():
        for write in (
            lambda x: x.exp_(),
            lambda x: x.add_(x, alpha=2),
            lambda x: x.sub_(1),
            lambda x: x.div_(4),
            lambda x: x.fill_(2.0),
            lambda x: x.zero_(),
            lambda x: x.clamp_(max=2.5),
            lambda x: x.sin_().cos_(),
            lambda x: x.masked_fill_(lib.tensor([True, False]), 4.0),
            lambda x: x.index_add_(0, lib.tensor([0, 0]), x.clone()),
            lambda x: x.pow_(3),
            lambda x: x.normal_(),
        ):
            x = dual(lib)
            write(x)
            found.append(tangent(lib, x))
    return found


@program
def writes_through_the_dual_reach_the_primal(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    primal, t = lib.ones(2), lib.ones(2)
    with fwd.dual_level():
        x = fwd.make_dual(primal, t)
        x.mul_(5)
        return primal.tolist(), t.tolist(), primal._version


@program
def copies(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        x = dual(lib)
        return [
            tangent(lib, x.detach()),
            tangent(lib, x.clone()),
            tangent(lib, x.detach().clone()),
            tangent(lib, x.to(lib.float32)),
            tangent(lib, x.to(lib.int64).to(lib.float64)),
            tangent(lib, x.contiguous()),
            tangent(lib, x.data),
            tangent(lib, lib.zeros_like(x)),
            tangent(lib, x.new_tensor([1.0])),
            tangent(lib, x.expand(2, 2)),
            tangent(lib, x.sort().values),
            tangent(lib, x.max(0).values),
            tangent(lib, x.argmax()),
            tangent(lib, x > 2),
            tangent(lib, x.sign()),
            tangent(lib, x.floor()),
            tangent(lib, lib.ones(2, dtype=lib.float64)),
        ]


@program
def detached_shares_nothing_of_the_tangent(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        x = dual(lib)
        x.detach().mul_(0)
        return x.tolist(), tangent(lib, x), tangent(lib, x * 1)


@program
def without_recording(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    found = []
    with fwd.dual_level():
        x = dual(lib)
        with lib.no_grad():
            y = x * x
            found.append(tangent(lib, y))
            y.mul_(2)
            found.append(tangent(lib, y))
        with lib.inference_mode():
            found.append(tangent(lib, x * 2))
        found.append(tangent(lib, x))
    return found


@program
def forward_over_reverse(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    x = lib.tensor([1.0, 2.0], dtype=lib.float64, requires_grad=True)
    with fwd.dual_level():
        d = fwd.make_dual(x, lib.tensor([1.0, 10.0], dtype=lib.float64))
        (grad,) = lib.autograd.grad((d**3).sum(), x, create_graph=True)
        second = tangent(lib, grad)
        (d * d).sum().backward()
        return second, tangent(lib, x.grad)


@program
def reverse_over_forward(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    x = lib.tensor([1.0, 2.0], dtype=lib.float64, requires_grad=True)
    t = lib.tensor([1.0, 10.0], dtype=lib.float64, requires_grad=True)
    with fwd.dual_level():
        out = fwd.unpack_dual((fwd.make_dual(x, t) ** 3).sum()).tangent
    return [g.tolist() for g in lib.autograd.grad(out, [x, t])], out.grad_fn is not None


@program
def complex_numbers(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    found = []
    with fwd.dual_level():
        x = dual(lib, [1 + 2j, 3 - 1j], [1 + 1j, 2j], lib.complex128)
        for function in (
            lambda x: x * x,
            lambda x: x.abs(),
            lambda x: x.real,
            lambda x: x.imag,
            lambda x: x.conj(),
            lambda x: x.conj() * x,
            lambda x: lib.view_as_real(x),
            lambda x: lib.view_as_complex(lib.view_as_real(x) * 2),
            lambda x: x.angle(),
            lambda x: x.exp(),
            lambda x: x @ x.conj(),
            lambda x: x.sum().abs() * 2,
        ):
            found.append(tangent(lib, function(x)))
        y = dual(lib)
        found.append(tangent(lib, y * 1j))
        found.append(tangent(lib, lib.complex(y, y)))
        found.append(tangent(lib, y * (1 + 2j) + x))
    return found


@program
def a_real_dual_from_complex_parts(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        x = dual(lib, [1 + 2j, 3 - 1j], [1 + 1j, 2j], lib.complex128)
        x.real.mul_(2)
        x.imag[0] = 5.0
        return x.tolist(), tangent(lib, x)


@program
def promotion_and_broadcasting(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    found = []
    with fwd.dual_level():
        x, half = dual(lib), dual(lib, dtype=lib.float32)
        for out in (
            x + half,
            half + 1,
            half * lib.ones(3, 1, dtype=lib.float64),
            half + lib.tensor(1.0, dtype=lib.float64),
        ):
            t = fwd.unpack_dual(out).tangent
            found.append((t.tolist(), str(t.dtype), tuple(t.shape)))
    return found


@program
def several_results(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        x = dual(lib, [[4.0, 1.0], [2.0, 3.0]], [[1.0, 10.0], [100.0, 1000.0]])
        found = [tangent(lib, v) for v in (*x.unbind(), *x.split(1, 1), *x.sort(1), *x.topk(1), *lib.var_mean(x))]
        found += [tangent(lib, v) for v in (*x.min(1), *x.aminmax(), *lib.meshgrid(x[0], x[1], indexing="ij"))]
        return found


@program
def sequences_of_which_some_are_dual(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    with fwd.dual_level():
        x, plain = dual(lib), lib.ones(2, dtype=lib.float64)
        return [
            tangent(lib, lib.cat([x, plain])),
            tangent(lib, lib.stack([plain, x, x])),
            tangent(lib, lib.where(lib.tensor([True, False]), x, plain)),
            tangent(lib, lib.cat([plain, plain])),
            tangent(lib, lib.einsum("i,j->ij", x, plain)),
        ]


@program
def functions(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    log: list[Any] = []

    class Product(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any, factor: Any) -> Any:
            ctx.save_for_forward(x, y)
            ctx.save_for_backward(x, y)
            ctx.factor = factor
            log.append((fwd.unpack_dual(x).tangent is None, lib.is_grad_enabled()))
            return x * y * factor

        @staticmethod
        def jvp(ctx: Any, x_t: Any, y_t: Any, factor_t: Any) -> Any:
            x, y = ctx.saved_tensors
            log.append((x_t is None, y_t is None, factor_t, lib.is_grad_enabled(), len(ctx.saved_tensors)))
            out = 0
            if x_t is not None:
                out = out + x_t * y * ctx.factor
            if y_t is not None:
                out = out + x * y_t * ctx.factor
            return out

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x, y = ctx.saved_tensors
            return grad * y * ctx.factor, grad * x * ctx.factor, None

    x = lib.tensor([2.0, 3.0], dtype=lib.float64, requires_grad=True)
    with fwd.dual_level():
        d = fwd.make_dual(x, lib.ones(2, dtype=lib.float64))
        out = Product.apply(d, lib.tensor([5.0, 7.0], dtype=lib.float64), 2)
        log.append(tangent(lib, out))
        out = Product.apply(d, d, 2)
        parts = fwd.unpack_dual(out)
        log.append(parts.tangent.tolist())
        log.append(lib.autograd.grad(parts.tangent.sum(), x)[0].tolist())
        log.append(lib.autograd.grad(out.sum(), x)[0].tolist())
    return log


def _with_jvp(lib: Any, forward: Any, jvp: Any, materialize: Any = None, setup: Any = None) -> Any:
    class Custom(lib.autograd.Function):
        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return grads

    def run(ctx: Any, *args: Any) -> Any:
        if materialize is not None:
            ctx.set_materialize_grads(materialize)
        return forward(ctx, *args)

    Custom.forward = staticmethod(run)
    if jvp is not None:
        Custom.jvp = staticmethod(jvp)
    return Custom


@program
def wrong_results_of_a_functions_jvp(lib: Any) -> Any:
    found = []
    for forward, jvp in (
        (lambda ctx, x: x * 2, None),
        (lambda ctx, x: x * 2, lambda ctx, t: (t, t)),
        (lambda ctx, x: (x * 2, x * 3), lambda ctx, t: t),
        (lambda ctx, x: x * 2, lambda ctx, t: t[:1]),
        (lambda ctx, x: x * 2, lambda ctx, t: 3),
        (lambda ctx, x: x * 2, lambda ctx, t: t.float()),
        (lambda ctx, x: x * 2, lambda ctx, t: (t * 4,)),
        (lambda ctx, x: x * 2, lambda ctx, t: [t * 4]),
        (lambda ctx, x: (x * 2, 5), lambda ctx, t: (t, None)),
        (lambda ctx, x: (x * 2, 5), lambda ctx, t: (t, 1)),
        (lambda ctx, x: (x * 2, 5), lambda ctx, t: t),
        (lambda ctx, x: x.long(), lambda ctx, t: None),
        (lambda ctx, x: (x * 2, x.long()), lambda ctx, t: (t, None)),
        (lambda ctx, x: (x * 2, x.long()), lambda ctx, t: (t, t)),
    ):
        with lib.autograd.forward_ad.dual_level():
            x = dual(lib)

            function = _with_jvp(lib, forward, jvp)

            def action(function: Any = function, x: Any = x) -> Any:
                out = function.apply(x)
                return [tangent(lib, o) for o in (out if isinstance(out, tuple) else (out,)) if hasattr(o, "shape")]

            found.append(refused(action))
    return found


@program
def tangents_that_are_none(lib: Any) -> Any:
    found: list[Any] = []
    for materialize in (True, False):
        for needs in ((True, False), (False, False)):

            def jvp(ctx: Any, a: Any, b: Any) -> Any:
                found.append([None if t is None else t.tolist() for t in (a, b)])
                return a

            function = _with_jvp(lib, lambda ctx, a, b: a * b, jvp, materialize)
            with lib.autograd.forward_ad.dual_level():
                a = dual(lib) if needs[0] else lib.ones(2)
                found.append(tangent(lib, function.apply(a, lib.ones(2, dtype=lib.float64))))
    return found


@program
def a_function_that_writes_its_input(lib: Any) -> Any:
    found = []

    def forward(ctx: Any, x: Any) -> Any:
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    for jvp in (lambda ctx, t: t.mul_(2), lambda ctx, t: t * 2):
        function = _with_jvp(lib, forward, jvp)
        with lib.autograd.forward_ad.dual_level():
            x = dual(lib)

            def action(function: Any = function, x: Any = x) -> Any:
                out = function.apply(x)
                return out is x, tangent(lib, out), tangent(lib, x)

            found.append((refused(action), x.tolist()))
    return found


@program
def a_function_that_returns_a_view(lib: Any) -> Any:
    found = []
    for forward, jvp in (
        (lambda ctx, x: x.view_as(x), lambda ctx, t: t.view_as(t)),
        (lambda ctx, x: x.view_as(x), lambda ctx, t: t * 1),
        (lambda ctx, x: x, lambda ctx, t: t),
        (lambda ctx, x: x, lambda ctx, t: t * 2),
        (lambda ctx, x: x[:1], lambda ctx, t: t[:1]),
        (lambda ctx, x: x[:1], lambda ctx, t: t[:1].clone()),
        (lambda ctx, x: x * 1, lambda ctx, t: t),
    ):
        function = _with_jvp(lib, forward, jvp)
        with lib.autograd.forward_ad.dual_level():
            x = dual(lib)

            def action(function: Any = function, x: Any = x) -> Any:
                out = function.apply(x)
                return out is x, tangent(lib, out), tangent(lib, x)

            found.append(refused(action))
    return found


@program
def a_function_with_an_output_without_gradient(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        sign = x.sign()
        ctx.mark_non_differentiable(sign)
        return x * 1, sign

    found = []
    for jvp in (lambda ctx, t: (t, None), lambda ctx, t: (t, t)):
        with lib.autograd.forward_ad.dual_level():
            function = _with_jvp(lib, forward, jvp)

            def action(function: Any = function) -> Any:
                return [tangent(lib, o) for o in function.apply(dual(lib))]

            found.append(refused(action))
    return found


@program
def the_other_style_of_function(lib: Any) -> Any:
    class Cube(lib.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x**3, 3 * x**2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_forward(output[1])
            ctx.save_for_backward(output[1])
            ctx.mark_non_differentiable(output[1])

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            (slope,) = ctx.saved_tensors
            return t * slope, None

        @staticmethod
        def backward(ctx: Any, grad: Any, _: Any) -> Any:
            return grad * ctx.saved_tensors[0]

    with lib.autograd.forward_ad.dual_level():
        return [tangent(lib, o) for o in Cube.apply(dual(lib))]


@program
def hooks_and_gradients_of_duals(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    x = lib.tensor([1.0, 2.0], dtype=lib.float64, requires_grad=True)
    seen: list[Any] = []
    with fwd.dual_level():
        d = fwd.make_dual(x, lib.ones(2, dtype=lib.float64))
        y = d * d
        y.register_hook(lambda g: seen.append(tangent(lib, g)))
        (y * y).sum().backward()
        seen.append(tangent(lib, x.grad))
    seen.append(tangent(lib, x.grad))
    return seen, x.grad.tolist()


@program
def enabling(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    found = [fwd._is_fwd_grad_enabled()]
    with fwd.dual_level():
        x = dual(lib)
        with fwd._set_fwd_grad_enabled(False):
            found.append(fwd._is_fwd_grad_enabled())
            found.append(tangent(lib, x * 2))
            with fwd._set_fwd_grad_enabled(True):
                found.append(tangent(lib, x * 2))
        found.append(tangent(lib, x * 2))
    return found


@program
def writes_through_strided_views(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    found: list[Any] = []
    with fwd.dual_level():
        x = dual(lib, [[0.5, -1.0, 2.0], [1.0, 3.0, -0.25]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) * 1
        some, row, other = x.as_strided((2,), (1,)), x[1], x.unsqueeze(0)
        some.mul_(10)
        found += [tangent(lib, t) for t in (x, some, row, other)]
        row.as_strided((2,), (1,), 4).mul_(2)
        found += [tangent(lib, t) for t in (x, some, row, other)]
        x.t().as_strided((3,), (2,), 1).zero_()
        found += [tangent(lib, t) for t in (x, some, row, other)]
        plain = lib.zeros(2, 3, dtype=lib.float64)
        plain.as_strided((2,), (3,)).copy_(x[0, :2])
        found.append(tangent(lib, plain))
        x.mul_(3)
        found.append(tangent(lib, some))
    return found


@program
def a_generator_in_a_level(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad

    @fwd.dual_level()
    def generate() -> Any:
        x = dual(lib)
        yield tangent(lib, x)
        yield tangent(lib, x * 2)

    return list(generate())


@program
def a_dual_is_not_resized(lib: Any) -> Any:
    with lib.autograd.forward_ad.dual_level():
        x = dual(lib)
        return refused(lambda: x.resize_(1))


@program
def duals_in_the_place_of_parameters(lib: Any) -> Any:
    fwd = lib.autograd.forward_ad
    model = lib.nn.Linear(2, 1)
    with lib.no_grad():
        model.weight.fill_(2.0)
        model.bias.fill_(1.0)
    with fwd.dual_level():
        for name, parameter in dict(model.named_parameters()).items():
            delattr(model, name)
            setattr(model, name, fwd.make_dual(parameter, lib.ones_like(parameter)))
        return tangent(lib, model(lib.tensor([[3.0, 5.0]])))


class SquareThenExp:
    """A Function of either library that saves its operand and its result."""

    @staticmethod
    def of(lib: Any) -> Any:
        class Both(lib.autograd.Function):  # type: ignore[misc]  # of either library
            @staticmethod
            def forward(x: Any) -> Any:
                return (x * x).exp()

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
                ctx.save_for_backward(inputs[0], output)
                ctx.save_for_forward(inputs[0], output)

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                x, out = ctx.saved_tensors
                return 2 * grad * x * out

            @staticmethod
            def jvp(ctx: Any, tangent: Any) -> Any:
                x, out = ctx.saved_tensors
                return 2 * tangent * x * out

        return Both.apply


def tangents_of_gradients(lib: Any, around: Callable[..., Any], create_graph: bool) -> Any:
    """Tangents of gradients, of functions that save operands, results or both, called by ``around``."""
    fwd = lib.autograd.forward_ad
    found = []
    functions = (
        lambda t: t.sin() * t,
        lambda t: t.exp().tanh(),
        lambda t: t.softmax(0) * t,
        lambda t: lib.cat([t, t * t]).sigmoid(),
        lambda t: t.clone().mul_(t).exp_(),
        SquareThenExp.of(lib),
    )
    for function in functions:
        x = lib.tensor([0.1, 0.2, 0.3], dtype=lib.float64, requires_grad=True)
        with fwd.dual_level():
            direction = lib.tensor([1.0, 2.0, 3.0], dtype=lib.float64)
            result = around(function, fwd.make_dual(x, direction))
            (grad,) = lib.autograd.grad(result.sum(), x, create_graph=create_graph)
            found.append((grad.tolist(), tangent(lib, grad)))
    return found


@program
def tangents_of_saved_tensors_that_hooks_pack(lib: Any) -> Any:
    def hooked(pack: Any, unpack: Any) -> Any:
        def around(function: Any, x: Any) -> Any:
            with lib.autograd.graph.saved_tensors_hooks(pack, unpack):
                return function(x)

        return around

    as_they_are = hooked(lambda t: t, lambda t: t)
    as_lists = hooked(lambda t: t.tolist(), lambda numbers: lib.tensor(numbers, dtype=lib.float64))
    return [tangents_of_gradients(lib, way, graph) for way in (as_they_are, as_lists) for graph in (False, True)]


@program
def tangents_through_checkpoints(lib: Any) -> Any:
    def around(function: Any, x: Any) -> Any:
        return lib.utils.checkpoint.checkpoint(function, x, use_reentrant=False)

    return [tangents_of_gradients(lib, around, graph) for graph in (False, True)]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(same_program: Callable[..., None], function: Callable[[Any], Any], backend: str) -> None:
    same_program(function, backend)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_tangent_is_kept_where_it_lies_as_its_primal_does(backend: str) -> None:
    """And is copied otherwise, so that what is written into it later shows, or does not, as in PyTorch."""

    def outcome(lib: Any, fwd: Any) -> list[bool]:
        def whole() -> Any:
            return lib.arange(6.0)

        places = {
            "whole": lambda x: x,
            "from the second on": lambda x: x[1:],
            "every second": lambda x: x[::2],
            "the middle": lambda x: x[2:5],
            "the first three": lambda x: x[:3],
            "three of their own": lambda x: x[:3].clone(),
            "rows": lambda x: x.reshape(2, 3),
            "a row": lambda x: x.reshape(2, 3)[1],
            "columns": lambda x: x.reshape(3, 2).mT,
            "an element": lambda x: x[3],
            "one of its own": lambda x: x[0].clone(),
        }
        kept = []
        for primal in places.values():
            for place in places.values():
                value, tangent = primal(whole()), place(whole())
                if value.shape == tangent.shape:
                    with fwd.dual_level():
                        dual = fwd.make_dual(value, tangent)
                        tangent.fill_(7.0)
                        kept.append(bool((fwd.unpack_dual(dual).tangent == 7.0).all()))
        return kept

    torch = pytest.importorskip("torch", reason="the oracle extra installs it")
    with pb.use_backend(backend):
        assert outcome(pb, pb.autograd.forward_ad) == outcome(torch, torch.autograd.forward_ad)
