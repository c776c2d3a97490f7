"""Functions of the user's own, behaviour by behaviour: the same program as on PyTorch."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest

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


def warned(action: Callable[[], Any]) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = refused(action)
    return found, [(w.category.__name__, str(w.message).split("\n")[0]) for w in caught]


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values or (2.0, 3.0), dtype=lib.float64, requires_grad=True)


def make(lib: Any, forward: Any = None, backward: Any = None, setup: Any = None, name: str = "Custom") -> Any:
    """A Function of these methods."""
    methods = {"forward": forward, "backward": backward, "setup_context": setup}
    body = {key: staticmethod(method) for key, method in methods.items() if method is not None}
    return type(lib.autograd.Function)(name, (lib.autograd.Function,), body)


def times_two(ctx: Any, x: Any) -> Any:
    return x * 2


def grads_of(lib: Any, backward: Any, forward: Any = times_two, count: int = 1) -> Any:
    """What becomes of the gradients that a backward returns."""
    inputs = [leaf(lib) for _ in range(count)]
    out = make(lib, forward, backward).apply(*inputs)
    return refused(lambda: [None if g is None else (g.tolist(), str(g.dtype)) for g in lib.autograd.grad(
        out.sum(), inputs, allow_unused=True)])  # fmt: skip


@program
def results_of_backward(lib: Any) -> Any:
    return [
        grads_of(lib, backward)
        for backward in (
            lambda ctx, g: g * 2,
            lambda ctx, g: (g * 2,),
            lambda ctx, g: [g * 2],
            lambda ctx, g: None,
            lambda ctx, g: (None,),
            lambda ctx, g: (g * 2, None),
            lambda ctx, g: (g * 2, None, None),
            lambda ctx, g: (g * 2, g),
            lambda ctx, g: (),
            lambda ctx, g: 3,
            lambda ctx, g: (3.0,),
            lambda ctx, g: "text",
            lambda ctx, g: g.float(),
            lambda ctx, g: g.long(),
            lambda ctx, g: g[:1],
            lambda ctx, g: g.sum(),
            lambda ctx, g: g.expand(3, 2),
            lambda ctx, g: g.expand(1, 2),
            lambda ctx, g: lib.ones(3, dtype=lib.float64),
            lambda ctx, g: lib.ones(2, 2, 2, dtype=lib.float64),
        )
    ]


@program
def results_of_backward_for_several_inputs(lib: Any) -> Any:
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return x * y

    return [
        grads_of(lib, backward, forward, 2)
        for backward in (
            lambda ctx, g: g,
            lambda ctx, g: (g,),
            lambda ctx, g: (g, g),
            lambda ctx, g: (g, None),
            lambda ctx, g: (None, None),
            lambda ctx, g: (g, g, None),
            lambda ctx, g: (g, g, g),
            lambda ctx, g: None,
        )
    ]


@program
def gradients_of_what_is_no_tensor(lib: Any) -> Any:
    found = []
    for returned in (None, 1, "one", lib.ones(1)):
        function = make(lib, lambda ctx, x, n: x * n, lambda ctx, g, returned=returned: (g * 3, returned))
        x = leaf(lib)
        found.append(refused(lambda f=function, x=x: (f.apply(x, 3).sum().backward(), x.grad.tolist())))
    for returned in (None, 1, lib.ones(1)):
        function = make(lib, lambda ctx, x, y: x * y, lambda ctx, g, returned=returned: (g * 3, returned))
        x = leaf(lib)
        y = lib.ones(2, dtype=lib.float64)
        found.append(refused(lambda f=function, x=x, y=y: (f.apply(x, y).sum().backward(), x.grad.tolist(), y.grad)))
    return found


@program
def results_of_forward(lib: Any) -> Any:
    found = []
    for returned in (
        lambda x: x * 2,
        lambda x: (x * 2,),
        lambda x: [x * 2],
        lambda x: (x * 2, None),
        lambda x: (x * 2, 5, "text"),
        lambda x: (None, x * 2),
        lambda x: ((x * 2,), x * 3),
        lambda x: None,
        lambda x: 5,
        lambda x: (),
        lambda x: (1, 2),
        lambda x: {"a": x},
        lambda x: x.long(),
        lambda x: (x * 2, x.long()),
        lambda x: x > 2,
    ):
        function = make(lib, lambda ctx, x, returned=returned: returned(x), lambda ctx, *g: g[0])

        def action(function: Any = function) -> Any:
            out = function.apply(leaf(lib))
            parts = out if isinstance(out, tuple) else (out,)
            return type(out).__name__, [
                (p.requires_grad, None if p.grad_fn is None else p.grad_fn.name()) if hasattr(p, "grad_fn") else p
                for p in parts if not isinstance(p, tuple)
            ]  # fmt: skip

        found.append(refused(action))
    return found


@program
def nested_arguments_are_not_looked_into(lib: Any) -> Any:
    log = []

    def forward(ctx: Any, pair: Any, x: Any) -> Any:
        log.append(ctx.needs_input_grad)
        return pair[0] * x

    x, y = leaf(lib), leaf(lib)
    function = make(lib, forward, lambda ctx, g: (None, g))
    out = function.apply((x, y), y)
    out.sum().backward()
    inner = function.apply((x, y), y.detach())
    return log, x.grad, y.grad.tolist(), inner.requires_grad


@program
def needs_input_grad(lib: Any) -> Any:
    log = []

    def forward(ctx: Any, *args: Any) -> Any:
        log.append((type(ctx.needs_input_grad).__name__, ctx.needs_input_grad))
        return args[0] * 2

    function = make(lib, forward, lambda ctx, g, *_: (g, None, None, None))
    arguments = leaf(lib), 3, None, lib.ones(1)
    function.apply(*arguments)
    function.apply(arguments[0].detach(), 3, None, lib.ones(1))
    function.apply(lib.ones(1), 3, leaf(lib), lib.ones(1))
    with lib.no_grad():
        out = function.apply(*arguments)
    return log, out.requires_grad


@program
def keywords(lib: Any) -> Any:
    function = make(lib, lambda ctx, x, factor=2: x * factor, lambda ctx, g, *_: g)
    separate = make(lib, lambda x, factor=2: x * factor, lambda ctx, g, *_: g, lambda ctx, inputs, output: None)
    return [
        refused(lambda: function.apply(leaf(lib), factor=3)),
        refused(lambda: function.apply(x=leaf(lib))),
        refused(lambda: separate.apply(leaf(lib), factor=3)),
        refused(lambda: separate.apply(leaf(lib), 3).tolist()),
        refused(lambda: separate.apply(leaf(lib)).tolist()),
        refused(lambda: function.apply()),
        refused(lambda: function.apply(3)),
    ]


@program
def missing_methods(lib: Any) -> Any:
    x = leaf(lib)
    return [
        refused(lambda: make(lib).apply(x)),
        refused(lambda: make(lib, times_two).apply(x).sum().backward()),
        refused(lambda: make(lib, times_two).apply(x).tolist()),
        refused(lambda: make(lib, lambda x: x * 2, None, lambda ctx, i, o: None).apply(x).sum().backward()),
    ]


@program
def methods_that_are_not_static(lib: Any) -> Any:
    class Instance(lib.autograd.Function):
        def forward(self, x: Any) -> Any:
            return x * 2

        def backward(self, grad: Any) -> Any:
            return grad * 2

    class Class(lib.autograd.Function):
        @classmethod
        def forward(cls, ctx: Any, x: Any) -> Any:
            return x * 2

        @classmethod
        def backward(cls, ctx: Any, grad: Any) -> Any:
            return grad * 2

    found = []
    for kind in (Instance, Class):
        x = leaf(lib)
        found.append(refused(lambda k=kind, x=x: (k.apply(x).sum().backward(), x.grad.tolist())))
    return found


@program
def instances(lib: Any) -> Any:
    function = make(lib, times_two, lambda ctx, g: g * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instance = refused(lambda: function()(leaf(lib)))
        with_arguments = refused(lambda: function(leaf(lib)))
    return instance, with_arguments[0], warned(function)[1][0][0]


@program
def the_vjp_method(lib: Any) -> Any:
    class Named(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def vjp(ctx: Any, grad: Any) -> Any:
            return grad * 2

    class Both(Named):
        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 3

    found = []
    for kind in (Named, Both):
        x = leaf(lib)
        found.append(refused(lambda k=kind, x=x: (k.apply(x).sum().backward(), x.grad.tolist())))
    return found


@program
def the_context(lib: Any) -> Any:
    seen: dict[str, Any] = {}

    def forward(ctx: Any, x: Any) -> Any:
        ctx.note = "kept"
        ctx.save_for_backward(x)
        seen["type"] = isinstance(ctx, lib.autograd.function.FunctionCtx)
        seen["missing"] = refused(lambda: ctx.missing)[0]
        return x * 2

    def backward(ctx: Any, grad: Any) -> Any:
        seen["note"] = ctx.note
        seen["saved"] = [t is x for t in ctx.saved_tensors]
        seen["name"] = ctx.name()
        return grad * 2

    x = leaf(lib)
    out = make(lib, forward, backward).apply(x)
    seen["node"] = out.grad_fn
    seen["name of node"] = out.grad_fn.name()
    seen["type of node"] = type(out.grad_fn).__name__
    seen["note of node"] = out.grad_fn.note
    seen["saved of node"] = [t is x for t in out.grad_fn.saved_tensors]
    out.grad_fn.later = 3
    out.sum().backward()
    seen["later"] = seen["node"].later
    seen["freed"] = refused(lambda: seen["node"].saved_tensors)
    seen.pop("node")
    return sorted((k, v) for k, v in seen.items())


@program
def what_may_be_saved(lib: Any) -> Any:
    found = []
    for save in (
        lambda ctx, x, y: ctx.save_for_backward(x, None),
        lambda ctx, x, y: ctx.save_for_backward(3),
        lambda ctx, x, y: ctx.save_for_backward((x,)),
        lambda ctx, x, y: ctx.save_for_backward([x]),
        lambda ctx, x, y: ctx.save_for_backward(x.exp(), y),
        lambda ctx, x, y: ctx.save_for_backward(),
        lambda ctx, x, y: (ctx.save_for_backward(x), ctx.save_for_backward(y)),
        lambda ctx, x, y: (ctx.save_for_backward(x), ctx.save_for_forward(y)),
        lambda ctx, x, y: ctx.save_for_forward(3),
        lambda ctx, x, y: ctx.mark_dirty(y),
        lambda ctx, x, y: ctx.mark_non_differentiable(x),
        lambda ctx, x, y: None,
    ):

        def forward(ctx: Any, x: Any, save: Any = save) -> Any:
            y = x * 2
            save(ctx, x, y)
            return y

        log: list[Any] = []

        def backward(ctx: Any, grad: Any, log: list[Any] = log) -> Any:
            log.append([None if t is None else t.tolist() for t in ctx.saved_tensors])
            return grad * 2

        x = leaf(lib)
        function = make(lib, forward, backward)
        outcome = refused(lambda f=function, x=x: (f.apply(x).sum().backward(), x.grad.tolist()))
        found.append((outcome, log))
    return found


@program
def a_saved_input_written_later(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        out = x * 2
        ctx.save_for_backward(x, out)
        return out

    def backward(ctx: Any, grad: Any) -> Any:
        return grad * 2 * len(ctx.saved_tensors)

    found = []
    for which in (0, 1):
        x = leaf(lib)
        y = x * 1
        out = make(lib, forward, backward).apply(y)
        total = out.sum()
        with lib.no_grad():
            (y, out)[which].add_(1)
        found.append(refused(total.backward))
    return found


@program
def a_saved_intermediate_lives_no_longer_than_the_graph(lib: Any) -> Any:
    references = []

    def forward(ctx: Any, x: Any) -> Any:
        middle = x.exp()
        out = middle * 2
        references.append(weakref.ref(middle))
        ctx.save_for_backward(middle, out)
        return out

    def backward(ctx: Any, grad: Any) -> Any:
        middle, out = ctx.saved_tensors
        return grad * middle + out * 0

    x = leaf(lib)
    out = make(lib, forward, backward).apply(x)
    alive = references[0]() is not None
    out.sum().backward()
    gone = references[0]() is None
    again = make(lib, forward, backward).apply(x)
    del again
    gc.collect()
    return alive, gone, references[1]() is None


@program
def double_backward(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        out = x.exp()
        ctx.save_for_backward(x, out)
        return out

    def backward(ctx: Any, grad: Any) -> Any:
        x, out = ctx.saved_tensors
        return grad * out * (x / x.detach())

    x = leaf(lib)
    out = make(lib, forward, backward).apply(x)
    (first,) = lib.autograd.grad(out.sum(), x, create_graph=True)
    (second,) = lib.autograd.grad(first.sum(), x, create_graph=True)
    (third,) = lib.autograd.grad(second.sum(), x)
    return first.tolist(), second.tolist(), third.tolist()


@program
def modes_inside(lib: Any) -> Any:
    log = []

    def forward(ctx: Any, x: Any) -> Any:
        log.append(("forward", lib.is_grad_enabled(), (x * 2).requires_grad, x.requires_grad))
        with lib.enable_grad():
            log.append((x * 2).requires_grad)
        return x * 2

    def backward(ctx: Any, grad: Any) -> Any:
        log.append(("backward", lib.is_grad_enabled(), grad.requires_grad))
        return grad * 2

    function = make(lib, forward, backward)
    x = leaf(lib)
    function.apply(x).sum().backward()
    lib.autograd.grad(function.apply(x).sum(), x, create_graph=True)
    with lib.no_grad():
        function.apply(x)
    return log


@program
def a_graph_of_its_own_inside(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        with lib.enable_grad():
            inner = x.detach().requires_grad_()
            out = (inner**2).sum()
            (ctx.slope,) = lib.autograd.grad(out, inner)
        return out

    x = leaf(lib)
    out = make(lib, forward, lambda ctx, g: g * ctx.slope).apply(x)
    out.backward()
    return out.grad_fn.name(), x.grad.tolist()


@program
def returned_inputs(lib: Any) -> Any:
    found = []
    for forward in (
        lambda ctx, x: x,
        lambda ctx, x: (x, x),
        lambda ctx, x: (x, x * 2),
        lambda ctx, x: x.view_as(x),
        lambda ctx, x: x[0],
        lambda ctx, x: (x[0], x[1]),
        lambda ctx, x: x.detach(),
    ):
        for source in ("leaf", "node", "plain"):
            x = leaf(lib)
            given = x if source == "leaf" else x * 1 if source == "node" else x.detach()
            function = make(lib, forward, lambda ctx, *g: sum(g[1:], g[0]) * 10)
            out = function.apply(given)
            parts = out if isinstance(out, tuple) else (out,)
            found.append(
                [(p is given, p.requires_grad, p.grad_fn and p.grad_fn.name(), p._is_view(), p._version) for p in parts]
            )
            found.append([refused(lambda p=p: p.mul_(2).grad_fn.name())[:1] for p in parts])
    return found


@program
def dirty_inputs(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    found = []
    for source in ("leaf", "node", "plain", "view", "view of leaf", "no_grad"):
        x = leaf(lib)
        function = make(lib, forward, lambda ctx, g: g * 20)
        given = {
            "leaf": lambda x=x: x,
            "node": lambda x=x: x * 1,
            "plain": lambda x=x: x.detach().clone(),
            "view": lambda x=x: (x * 1)[:],
            "view of leaf": lambda x=x: x[:],
            "no_grad": lambda x=x: x * 1,
        }[source]()

        def action(given: Any = given, function: Any = function, x: Any = x, source: str = source) -> Any:
            if source == "no_grad":
                with lib.no_grad():
                    out = function.apply(given)
            else:
                out = function.apply(given)
            if out.requires_grad:
                out.sum().backward()
            return out is given, out.tolist(), out._version, x.grad if x.grad is None else x.grad.tolist()

        found.append((source, refused(action)))
    return found


@program
def dirty_inputs_not_returned(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        x.mul_(2)
        ctx.mark_dirty(x)
        return x * 1

    function = make(lib, forward, lambda ctx, g: g)
    return [refused(lambda: function.apply(leaf(lib) * 1)), refused(lambda: function.apply(leaf(lib).detach()))]


@program
def outputs_without_gradient(lib: Any) -> Any:
    log = []

    def forward(ctx: Any, x: Any) -> Any:
        values, indices = x.sort()
        ctx.mark_non_differentiable(indices)
        ctx.save_for_backward(indices)
        return values, indices, x * 2

    def backward(ctx: Any, *grads: Any) -> Any:
        log.append([None if g is None else (g.tolist(), str(g.dtype)) for g in grads])
        return grads[0]

    x = leaf(lib)
    outs = make(lib, forward, backward).apply(x)
    outs[0].sum().backward()
    return log, [(o.requires_grad, o.is_leaf, o.grad_fn is None) for o in outs]


@program
def gradients_that_never_came(lib: Any) -> Any:
    log = []
    for materialize in (True, False):

        def forward(ctx: Any, x: Any, materialize: bool = materialize) -> Any:
            ctx.set_materialize_grads(materialize)
            return x * 2, x.sum().to(lib.float32), x.long()

        def backward(ctx: Any, *grads: Any) -> Any:
            log.append([None if g is None else (g.tolist(), str(g.dtype), tuple(g.shape)) for g in grads])
            return grads[0] if grads[0] is not None else None

        for number in (0, 1):
            x = leaf(lib)
            make(lib, forward, backward).apply(x)[number].sum().backward()
            log.append(None if x.grad is None else x.grad.tolist())
    return log


@program
def once_differentiable(lib: Any) -> Any:
    log = []

    @lib.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Any) -> Any:
        log.append(lib.is_grad_enabled())
        return grad * 2

    x = leaf(lib)
    out = make(lib, times_two, backward).apply(x)
    (plain,) = lib.autograd.grad(out.sum(), x, create_graph=True)
    log.append((plain.requires_grad, plain.grad_fn is None))
    weight = leaf(lib)
    (first,) = lib.autograd.grad((make(lib, times_two, backward).apply(x) * weight).sum(), x, create_graph=True)
    log.append((first.requires_grad, first.tolist()))
    log.append(refused(lambda: lib.autograd.grad(first.sum(), weight)))
    log.append(refused(lambda: first.sum().backward()))
    return log


@program
def exceptions_inside(lib: Any) -> Any:
    log = []

    def fail(*args: Any) -> Any:
        raise ValueError("inside")

    x = leaf(lib)
    log.append(refused(lambda: make(lib, fail).apply(x)))
    log.append(lib.is_grad_enabled())
    out = make(lib, times_two, fail).apply(x)
    log.append(refused(lambda: out.sum().backward()))
    log.append((lib.is_grad_enabled(), x.grad))
    log.append(refused(lambda: make(lib, lambda x: x * 2, None, fail).apply(x)))
    with lib.no_grad():
        log.append(refused(lambda: make(lib, fail).apply(x)))
        log.append(lib.is_grad_enabled())
    return log


@program
def setup_context(lib: Any) -> Any:
    log = []

    def setup(ctx: Any, inputs: Any, output: Any) -> Any:
        x, factor = inputs
        log.append((type(inputs).__name__, type(output).__name__, factor, lib.is_grad_enabled()))
        ctx.save_for_backward(x)
        ctx.factor = factor

    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * grad * ctx.factor, None

    x = leaf(lib)
    out = make(lib, lambda x, factor: x * x * factor, backward, setup).apply(x, 3)
    (first,) = lib.autograd.grad(out.sum(), x, create_graph=True)
    (second,) = lib.autograd.grad(first.sum(), x)
    returned = make(lib, lambda x: x * 2, lambda ctx, g: g, lambda ctx, inputs, output: 3)
    return log, first.tolist(), second.tolist(), refused(lambda: returned.apply(x))


@program
def deprecated_names(lib: Any) -> Any:
    def backward(ctx: Any, grad: Any) -> Any:
        log.append(warned(lambda: len(ctx.saved_variables)))
        return grad

    log: list[Any] = []

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        log.append(warned(lambda: ctx.mark_shared_storage((x, x))))
        return x * 2

    make(lib, forward, backward).apply(leaf(lib)).sum().backward()
    return log


@program
def functions_within_functions(lib: Any) -> Any:
    inner = make(lib, lambda ctx, x: x * 3, lambda ctx, g: g * 3)

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return inner.apply(x) * x

    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return inner.apply(grad) * x * 2

    x = leaf(lib)
    out = make(lib, forward, backward).apply(x)
    (first,) = lib.autograd.grad(out.sum(), x, create_graph=True)
    (second,) = lib.autograd.grad(first.sum(), x)
    return out.tolist(), first.tolist(), second.tolist()


@program
def broadcast_and_cast_gradients(lib: Any) -> Any:
    x = lib.ones(1, 2, requires_grad=True)
    function = make(lib, lambda ctx, x: x.expand(3, 2) * 1.0, lambda ctx, g: g.double())
    function.apply(x).sum().backward()
    return x.grad.tolist(), str(x.grad.dtype), tuple(x.grad.shape)


@program
def nodes_of_functions(lib: Any) -> Any:
    x, y = leaf(lib), leaf(lib)
    function = make(
        lib, lambda ctx, x, n, y, z: (x * 2, y * 2), lambda ctx, a, b: (a * 2, None, b * 2, None), name="Two"
    )
    first, second = function.apply(x * 1, 3, y, y.detach())
    node = first.grad_fn
    return (
        node is second.grad_fn,
        node.name(),
        [(f if f is None else f.name(), n) for f, n in node.next_functions],
        second.output_nr,
        first.output_nr,
        (first * second).grad_fn.next_functions[1][1],
        repr(node).split(" object")[0],
        node.metadata,
    )


@program
def hooks_of_functions(lib: Any) -> Any:
    log = []
    x = leaf(lib)
    function = make(lib, lambda ctx, x: (x * 2, x * 3), lambda ctx, a, b: a * 2 + b * 3)
    first, _ = function.apply(x)
    node = first.grad_fn
    node.register_prehook(lambda grads: log.append([None if g is None else g.tolist() for g in grads]))
    node.register_hook(
        lambda i, o: log.append(([g.tolist() for g in i], [None if g is None else g.tolist() for g in o]))
    )
    first.retain_grad()
    first.sum().backward()
    return log, first.grad.tolist(), x.grad.tolist()


@program
def the_same_input_twice(lib: Any) -> Any:
    x = leaf(lib)
    function = make(lib, lambda ctx, a, b: a * b, lambda ctx, g: (g * 10, g * 100))
    function.apply(x, x).sum().backward()
    return x.grad.tolist()


@program
def without_any_tensor_that_requires_gradients(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        log.append(len(ctx.saved_tensors) if hasattr(ctx, "saved_tensors") else None)
        return x * 2

    log: list[Any] = []
    out = make(lib, forward, None).apply(lib.ones(2))
    return out.requires_grad, out.grad_fn, refused(lambda: make(lib, lambda ctx: lib.ones(2), None).apply().tolist())


@program
def a_backward_that_runs_twice(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * 2 * x

    x = leaf(lib)
    out = make(lib, forward, backward).apply(x).sum()
    out.backward(retain_graph=True)
    out.backward()
    without = make(lib, times_two, lambda ctx, g: g * 2).apply(x).sum()
    without.backward()
    return x.grad.tolist(), refused(out.backward), refused(without.backward)


@program
def integers_and_complex(lib: Any) -> Any:
    z = lib.tensor([1 + 2j], dtype=lib.complex128, requires_grad=True)
    function = make(lib, lambda ctx, z: z.abs(), lambda ctx, g: g.to(lib.complex128) * 1j)
    function.apply(z).sum().backward()
    i = lib.tensor([1, 2])
    out = make(lib, lambda ctx, x, i: x * i, lambda ctx, g,: (g, None)).apply(leaf(lib), i)
    return z.grad.tolist(), out.requires_grad


def numbers(value: Any) -> Any:
    """Tensors as lists, also within tuples."""
    if isinstance(value, tuple | list):
        return [numbers(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def dual(lib: Any, primal: Any = None) -> Any:
    given = lib.tensor([1.0, 2.0], dtype=lib.float64) if primal is None else primal
    return lib.autograd.forward_ad.make_dual(given, lib.tensor([10.0, 20.0], dtype=lib.float64))


def parts_of(lib: Any, tensor: Any) -> Any:
    return numbers(tuple(lib.autograd.forward_ad.unpack_dual(tensor)))


def with_jvp(lib: Any, jvp: Any, forward: Any = times_two) -> Any:
    function = make(lib, forward, lambda ctx, *g: g[0])
    function.jvp = staticmethod(jvp)
    return function


@program
def results_that_are_no_tensors_count_among_the_gradients(lib: Any) -> Any:
    log: list[Any] = []
    function = make(
        lib,
        lambda ctx, x: (5, x * 2, None, "text", x * 3),
        lambda ctx, *g: (log.append(numbers(g)), g[1] * 2 + g[4])[1],
    )
    x = leaf(lib)
    out = function.apply(x)
    node = out[4].grad_fn
    node.register_prehook(lambda grads: log.append(numbers(grads)))
    node.register_hook(lambda inputs, outputs: log.append((numbers(inputs), numbers(outputs))))
    out[4].sum().backward(retain_graph=True)
    (out[1] * out[4]).sum().backward()
    return log, x.grad.tolist(), out[1].output_nr, out[4].output_nr, (out[4] * 2).grad_fn.next_functions[0][1]


@program
def a_result_returned_twice(lib: Any) -> Any:
    def written(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x.add_(1))
        return x, x

    found = []
    for forward in (lambda ctx, x: (lambda out: (out, out))(x.clone()), written, lambda ctx, x: (x, x)):
        x = leaf(lib)
        y = x * 1
        function = make(lib, forward, lambda ctx, a, b: a + b * 10)

        def action(function: Any = function, x: Any = x, y: Any = y) -> Any:
            a, b = function.apply(y)
            (a * 3 + b * b).sum().backward()
            return a is b, a is y, a.output_nr, b.output_nr, a.grad_fn.name(), x.grad.tolist()

        found.append(refused(action))
    return found


@program
def what_is_marked_dirty(lib: Any) -> Any:
    def fresh(ctx: Any, x: Any) -> Any:
        out = x * 2
        ctx.mark_dirty(out)
        return out

    def untouched(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x, x)
        return x

    def without_gradient(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        ctx.mark_non_differentiable(x)
        return x.mul_(2)

    def with_another(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return x.mul_(2), x.clone()

    found = []
    for forward in (fresh, untouched, without_gradient, with_another, lambda ctx, x: x.mul_(2)):
        function = make(lib, forward, lambda ctx, *g: g[0])
        for given in (leaf(lib) * 1, leaf(lib).detach(), (leaf(lib) * 1)[:1]):

            def action(function: Any = function, given: Any = given) -> Any:
                out = function.apply(given)
                first = out[0] if isinstance(out, tuple) else out
                name = first.grad_fn and first.grad_fn.name()
                return first is given, first._version, first.requires_grad, name, given.requires_grad

            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found.append(refused(action))
            found.append([str(w.message).split(" (Triggered")[0] for w in caught])
    return found


@program
def views_written_by_a_function(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return x.mul_(2)

    def without_grad(base: Any) -> Any:
        with lib.no_grad():
            return base[1:]

    function = make(lib, forward, lambda ctx, g: g * 2)
    found = []
    for view in (
        lambda b: b[1:],
        lambda b: b.view(2, 2)[0],
        lambda b: b.unbind()[0],
        lambda b: b.split(2)[0],
        without_grad,
    ):
        x = leaf(lib, 1.0, 2.0, 3.0, 4.0)
        base = x * 1

        def action(view: Any = view, x: Any = x, base: Any = base) -> Any:
            part = view(base)
            out = function.apply(part)
            names = base.grad_fn.name(), part.grad_fn.name()
            (base * base).sum().backward()
            return out is part, names, base._version, base.tolist(), x.grad.tolist()

        found.append(refused(action))
    return found


@program
def results_with_a_history_of_their_own(lib: Any) -> Any:
    weight = leaf(lib)

    def recorded(ctx: Any, x: Any) -> Any:
        with lib.enable_grad():
            return x * weight

    def view(ctx: Any, x: Any) -> Any:
        return recorded(ctx, x)[:1]

    found = []
    for forward in (recorded, view, lambda ctx, x: weight):
        function = make(lib, forward, lambda ctx, g: g * 10)
        for given in (leaf(lib), leaf(lib).detach()):
            out = function.apply(given)
            found.append((out.requires_grad, out.grad_fn and out.grad_fn.name(), out is weight))
        with lib.no_grad():
            out = function.apply(leaf(lib))
        found.append((out.requires_grad, out.grad_fn and out.grad_fn.name()))
    return found, weight.is_leaf


@program
def undefined_gradients(lib: Any) -> Any:
    log: list[Any] = []
    none = make(lib, times_two, lambda ctx, g: None)
    noting = make(lib, times_two, lambda ctx, g: (log.append(numbers(g)), g * 2)[1])
    x = leaf(lib)
    none.apply(noting.apply(x)).sum().backward()
    log.append(numbers(x.grad))
    (noting.apply(x) + none.apply(x)).sum().backward()
    log.append(x.grad.tolist())
    for options in ({}, {"allow_unused": True}, {"materialize_grads": True}):
        x = leaf(lib)
        out = none.apply(x * 1).sum()
        log.append(refused(lambda o=out, x=x, k=options: numbers(lib.autograd.grad(o, x, **k))))
    return log


@program
def gradients_of_results_without_gradient(lib: Any) -> Any:
    log = []
    for materialize in (True, False):

        def forward(ctx: Any, x: Any, materialize: bool = materialize) -> Any:
            constant = x * 3
            ctx.mark_non_differentiable(constant)
            ctx._materialize_non_diff_grads = materialize
            return x * 2, constant, x.long(), x * 4

        def backward(ctx: Any, *grads: Any) -> Any:
            log.append([None if g is None else (g.tolist(), str(g.dtype)) for g in grads])
            return grads[0]

        make(lib, forward, backward).apply(leaf(lib))[0].sum().backward()
    return log


@program
def gradients_in_one_list(lib: Any) -> Any:
    log: list[Any] = []

    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return x * 2, y * 3

    def backward(ctx: Any, grads: Any) -> Any:
        log.append((type(grads).__name__, numbers(grads), len(ctx.saved_tensors)))
        log.append(refused(lambda: ctx.saved_tensors))
        return grads.pop(0) * 2, grads.pop() * 3

    function = make(lib, forward, backward)
    function.boxed_grads_call = function.clear_saved_tensors_on_access = True
    x, y = leaf(lib), leaf(lib)
    first, second = function.apply(x, y)
    (first + second).sum().backward(retain_graph=True)
    return log, x.grad.tolist(), y.grad.tolist()


@program
def the_context_before_and_after(lib: Any) -> Any:
    log: list[Any] = []
    contexts = []

    def forward(ctx: Any, x: Any) -> Any:
        contexts.append(ctx)
        log.append((ctx.saved_tensors, ctx.to_save, ctx.name(), type(ctx).__name__, ctx.metadata))
        ctx.save_for_backward(x)
        ctx.metadata["note"] = 1
        log.append((ctx.saved_tensors, len(ctx.to_save), ctx.dirty_tensors, ctx.non_differentiable))
        # names that mean nothing to PyTorch
        ctx.saved, ctx.function, ctx.edges, ctx.outputs, ctx.hooks, ctx.sequence = range(6)
        return x * 2

    def backward(ctx: Any, grad: Any) -> Any:
        log.append((ctx.saved, ctx.function, ctx.edges, ctx.outputs, ctx.hooks, ctx.sequence))
        log.append((ctx.to_save, len(ctx.saved_tensors)))
        return grad * 2

    function = make(lib, forward, backward)
    names = lib.autograd.function
    x = leaf(lib)
    node = function.apply(x).grad_fn
    log.append(
        (node.to_save, len(node.saved_tensors), node.metadata, node.requires_grad, node._forward_cls is function)
    )
    log.append([isinstance(node, kind) for kind in (names.FunctionCtx, names.BackwardCFunction)])
    log.append((isinstance(function, names.FunctionMeta), type(node) is function._backward_cls))
    function.apply(x).sum().backward()
    function.apply(x.detach())
    log.append((contexts[-1].saved_tensors, contexts[-1].needs_input_grad))
    return log


@program
def attributes_of_the_wrong_type(lib: Any) -> Any:
    found = []
    for name, value in (
        ("to_save", 3),
        ("dirty_tensors", 3),
        ("non_differentiable", 3),
        ("materialize_grads", False),
        ("needs_input_grad", (False,)),
    ):

        def forward(ctx: Any, x: Any, name: str = name, value: Any = value) -> Any:
            setattr(ctx, name, value)
            return x * 2

        x = leaf(lib)
        outcome = refused(lambda f=forward, x=x: make(lib, f, lambda ctx, g: g).apply(x).sum().backward())
        found.append((outcome[0], outcome[1].partition(" but is ")[0], x.grad is None or x.grad.tolist()))
    found.append(refused(lambda: make(lib, lambda ctx, x: ctx.set_materialize_grads(3), None).apply(leaf(lib)))[0])
    return found


@program
def saved_results(lib: Any) -> Any:
    log: list[Any] = []

    def forward(ctx: Any, x: Any, y: Any) -> Any:
        product, total, other = x * y, x + y, (x - y).long()
        ctx.save_for_backward(x, product, total, other, None)
        return product, total, other

    def backward(ctx: Any, a: Any, b: Any, c: Any) -> Any:
        log.append([
            t is None or (t.requires_grad, t.is_leaf, t.grad_fn and t.grad_fn.name(), t.output_nr)
            for t in ctx.saved_tensors
        ])  # fmt: skip
        return a + b, a * 2 + b

    x, y = leaf(lib), leaf(lib)
    product, total, _ = make(lib, forward, backward).apply(x, y)
    lib.autograd.grad((product + total).sum(), x, create_graph=True)
    (product + total).sum().backward()
    return log


@program
def hooks_on_what_is_saved(lib: Any) -> Any:
    log: list[Any] = []

    def forward(ctx: Any, x: Any) -> Any:
        out = x.exp()
        ctx.save_for_backward(x, out, None)
        return out

    x = leaf(lib)
    out = make(lib, forward, lambda ctx, g: (lambda x, out, _: g * out * x)(*ctx.saved_tensors)).apply(x)
    saved = out.grad_fn._raw_saved_tensors
    log.append(refused(lambda: saved[2].register_hooks(lambda t: t, lambda t: t)))
    for place, factor in ((0, 10), (1, 100)):
        saved[place].register_hooks(
            lambda t, k=factor: (log.append(("pack", t.tolist())), t * k)[1], lambda t: (log.append("unpack"), t)[1]
        )
    log.append(refused(lambda: saved[0].register_hooks(lambda t: t, lambda t: t)))
    log.append(numbers(out.grad_fn.saved_tensors))
    (first,) = lib.autograd.grad(out.sum(), x, create_graph=True)
    log.append(first.tolist())
    log.append(refused(lambda: lib.autograd.grad(first.sum(), x)[0].tolist()))
    return log, refused(lambda: out.grad_fn._raw_saved_tensors)


@program
def what_once_differentiable_gives(lib: Any) -> Any:
    found = []
    for returned in (lambda g: g * 2, lambda g: (g * 2,), lambda g: (g * 2, None), lambda g: None):
        backward = lib.autograd.function.once_differentiable(lambda ctx, g, r=returned: r(g))

        def action(backward: Any = backward) -> Any:
            x, weight = leaf(lib), leaf(lib)
            out = make(lib, times_two, backward).apply(x) * weight
            (grad,) = lib.autograd.grad(out.sum(), x, create_graph=True)
            node = grad.grad_fn
            return grad.tolist(), node.name(), len(node.next_functions), refused(grad.sum().backward)

        found.append(refused(action))
    return found


@program
def former_styles(lib: Any) -> Any:
    class Written(lib.autograd.function.InplaceFunction):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x.add_(1)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instance = Written(True)
    y = leaf(lib) * 1
    return instance.inplace, Written.apply(y) is y, y.grad_fn.name(), refused(lambda: instance(y))


@program
def shapes_of_gradients(lib: Any) -> Any:
    found = []
    for shape, given in (
        ((2, 3), (1, 3)),
        ((2, 3), (3,)),
        ((2, 3), ()),
        ((2, 3), (4, 2, 3)),
        ((1, 3), (2, 3)),
        ((), (2,)),
        ((2,), (2, 1)),
        ((0,), (1,)),
        ((2, 1), (2, 5)),
        ((1,), ()),
        ((2, 3), (3, 2)),
    ):
        x = lib.ones(shape, dtype=lib.float64, requires_grad=True)
        function = make(lib, times_two, lambda ctx, g, given=given: lib.ones(given, dtype=lib.float64))
        found.append(refused(lambda f=function, x=x: lib.autograd.grad(f.apply(x).sum(), x)[0].tolist()))
    return found


@program
def which_gradients_are_needed(lib: Any) -> Any:
    log: list[Any] = []
    function = make(
        lib,
        lambda ctx, x, y, factor: x * y * factor,
        lambda ctx, g: (log.append(ctx.needs_input_grad), g, lib.ones(7), None)[1:],
    )
    x, y = leaf(lib), leaf(lib)
    constant = y.detach()
    function.apply(x, constant, 2.0).sum().backward()
    log.append(x.grad.tolist())
    for source in (x, y):
        log.append(refused(lambda s=source: numbers(lib.autograd.grad(function.apply(x, y, 2.0).sum(), s))))
    return log


@program
def forward_mode(lib: Any) -> Any:
    log: list[Any] = []

    def forward(ctx: Any, x: Any, factor: Any, y: Any) -> Any:
        ctx.save_for_forward(x, y)
        ctx.factor = factor
        return x * y * factor, 3, x + y

    def jvp(ctx: Any, xt: Any, factor: Any, yt: Any) -> Any:
        x, y = ctx.saved_tensors
        log.append((factor, yt.tolist()))
        return (xt * y + x * yt) * ctx.factor, None, xt + yt

    function = with_jvp(lib, jvp, forward)
    with lib.autograd.forward_ad.dual_level():
        for other in (lib.ones(2, dtype=lib.float64) * 5, dual(lib)):
            product, number, total = function.apply(dual(lib), 3, other)
            log.append((parts_of(lib, product), number, parts_of(lib, total)))
        product, _, total = function.apply(lib.ones(2), 3, lib.ones(2))
        log.append((parts_of(lib, product), parts_of(lib, total)))
    return log


@program
def results_of_jvp(lib: Any) -> Any:
    def two(ctx: Any, x: Any) -> Any:
        constant = x * 3
        ctx.mark_non_differentiable(constant)
        return x * 2, constant

    found = []
    for forward, jvp in (
        (times_two, lambda ctx, t: 3),
        (times_two, lambda ctx, t: (t, t)),
        (times_two, lambda ctx, t: ()),
        (times_two, lambda ctx, t: [t]),
        (times_two, lambda ctx, t: t[:1]),
        (times_two, lambda ctx, t: t.sum()),
        (lambda ctx, x: (x * 2, 3), lambda ctx, t: (t, t)),
        (lambda ctx, x: (x * 2, x.long()), lambda ctx, t: (t, None)),
        (lambda ctx, x: (x * 2, x.long()), lambda ctx, t: (t, t)),
        (two, lambda ctx, t: (t, t)),
        (two, lambda ctx, t: (t, None)),
    ):
        function = with_jvp(lib, jvp, forward)
        with lib.autograd.forward_ad.dual_level():

            def action(function: Any = function) -> Any:
                out = function.apply(dual(lib))
                return parts_of(lib, out[0] if isinstance(out, tuple) else out)

            found.append(refused(action))
    with lib.autograd.forward_ad.dual_level():
        found.append(refused(lambda: make(lib, times_two).apply(dual(lib))))
    return found


@program
def jvp_of_what_is_written_and_of_views(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return x.mul_(2)

    found = []
    for jvp in (lambda ctx, t: t.mul_(2), lambda ctx, t: t * 2, lambda ctx, t: t, lambda ctx, t: None):
        with lib.autograd.forward_ad.dual_level():
            x = dual(lib)
            found.append(refused(lambda j=jvp, x=x: (with_jvp(lib, j, forward).apply(x) is x, parts_of(lib, x))))
    for forward_of_view in (lambda ctx, x: x.view_as(x), lambda ctx, x: x, lambda ctx, x: x[:1]):
        for jvp in (
            lambda ctx, t: t.view_as(t),
            lambda ctx, t: t,
            lambda ctx, t: t * 1,
            lambda ctx, t: t[:1],
            lambda ctx, t: (t * 1)[:1],
        ):
            function = with_jvp(lib, jvp, forward_of_view)
            with lib.autograd.forward_ad.dual_level():
                found.append(refused(lambda f=function: parts_of(lib, f.apply(dual(lib)))))
    return found


@program
def forward_over_reverse(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        out = x.exp()
        ctx.save_for_backward(out)
        ctx.save_for_forward(out)
        return out

    function = make(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    function.jvp = staticmethod(lambda ctx, t: t * ctx.saved_tensors[0])
    x = leaf(lib)
    with lib.autograd.forward_ad.dual_level():
        out = function.apply(dual(lib, x))
        (grad,) = lib.autograd.grad(out.sum(), x, create_graph=True)
        tangent = lib.autograd.forward_ad.unpack_dual(out).tangent
        return parts_of(lib, out), parts_of(lib, grad), numbers(lib.autograd.grad(tangent.sum(), x))


@program
def backward_within_backward(lib: Any) -> Any:
    x = leaf(lib)
    square = x * x

    def backward(ctx: Any, grad: Any) -> Any:
        with lib.enable_grad():
            inner = leaf(lib)
            (inner * inner).sum().backward()
            square.sum().backward(retain_graph=True)
        return grad * inner.grad

    make(lib, times_two, backward).apply(square).sum().backward()
    return x.grad.tolist()


@program
def gradients_of_some_results_and_inputs(lib: Any) -> Any:
    log: list[Any] = []
    function = make(
        lib, lambda ctx, x, y: (x * 2, y * 3), lambda ctx, a, b: (log.append(numbers((a, b))), (a * 2, b * 3))[1]
    )
    x, y = leaf(lib), leaf(lib)
    first, second = function.apply(x, y)
    total = (first * second).sum()
    log.append(numbers(lib.autograd.grad(first.sum(), x, retain_graph=True)))
    log.append(numbers(lib.autograd.grad(total, [second, x], retain_graph=True)))
    log.append(numbers(lib.autograd.grad(first.sum(), y, retain_graph=True, allow_unused=True)))
    second.sum().backward(inputs=[y])
    return log, x.grad, y.grad.tolist()


@program
def gradients_that_share_memory(lib: Any) -> Any:
    x, y, z = leaf(lib), leaf(lib), leaf(lib)
    make(lib, lambda ctx, x, y: x + y, lambda ctx, g: (g, g)).apply(x, y).sum().backward()

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * 1

    make(lib, forward, lambda ctx, g: ctx.saved_tensors[0]).apply(z).sum().backward()
    for tensor in (x, z):
        tensor.grad.add_(1)
    return [t.tolist() for t in (x.grad, y.grad, z.grad, z)], z.grad.requires_grad


@program
def parameters(lib: Any) -> Any:
    parameter = lib.nn.Parameter(lib.ones(2))
    out = make(lib, times_two, lambda ctx, g: g).apply(parameter)
    same = make(lib, lambda ctx, x: x, lambda ctx, g: g * 3).apply(parameter)
    same.sum().backward()
    return type(out).__name__, type(same).__name__, same is parameter, same._is_view(), parameter.grad.tolist()


@program
def the_methods_of_the_base_class(lib: Any) -> Any:
    base = lib.autograd.Function
    return [
        refused(action)
        for action in (
            lambda: base.forward(1),
            lambda: base.backward(1, 2),
            lambda: base.vjp(1, 2),
            lambda: base.jvp(1, 2),
            lambda: base.setup_context(1, 2, 3),
            lambda: base.vmap(1, 2, 3),
        )
    ]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(same_program: Callable[..., None], function: Callable[[Any], Any], backend: str) -> None:
    same_program(function, backend)
