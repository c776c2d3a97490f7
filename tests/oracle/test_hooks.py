"""Hooks of tensors, nodes and leaves, and what they may do to gradients: the same program as on PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

pytestmark = pytest.mark.oracle

PROGRAMS: list[Callable[[Any], Any]] = []


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(list(values or (2.0, 3.0)), requires_grad=True)


def silent(lib: Any) -> Any:
    """A function whose backward gives no gradient."""

    class Silent(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return None

    return Silent.apply


def refused(action: Callable[[], Any]) -> Any:
    try:
        action()
    except Exception as error:
        return type(error).__name__, str(error).split(" (hook")[0].split("\n")[0]
    return "nothing refused"


def listed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [listed(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def log_of(tensor: Any, log: list[Any], name: str = "") -> Any:
    """Write down each call of each hook of a tensor and its node, which is returned."""
    tensor.register_hook(lambda g: log.append((f"{name} tensor", listed(g))))
    node = tensor.grad_fn
    if node is None:
        node = tensor.expand_as(tensor).grad_fn.next_functions[0][0]
        tensor.register_post_accumulate_grad_hook(lambda t: log.append((f"{name} accumulated", listed(t.grad))))
    node.register_prehook(lambda g: log.append((f"{name} before", listed(g))))
    node.register_hook(lambda i, o: log.append((f"{name} after", listed(i), listed(o))))
    return node  # PyTorch forgets a leaf's node, and its hooks, when nobody holds it


# -- undefined gradients ----------------------------------------------------------------------------------------------


@program
def hooks_on_the_way_of_no_gradient(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    y = a * 2
    z = y.exp()
    y.retain_grad()
    held = [log_of(tensor, log, name) for name, tensor in (("z", z), ("y", y), ("a", a))]
    silent(lib)(z).sum().backward()
    return log, y.grad, a.grad, refused(lambda: z.sum().backward()), len(held)


@program
def a_leaf_reached_without_a_gradient(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    held = log_of(a, log)
    silent(lib)(a).sum().backward()
    a.grad = lib.ones(2)
    silent(lib)(a).sum().backward()
    return log, listed(a.grad), held.name()


@program
def nothing_cannot_be_replaced(lib: Any) -> Any:
    found = []
    for where in ("tensor", "leaf", "before", "after", "accumulate", "unneeded"):
        a, b = leaf(lib), leaf(lib)
        y = a * (lib.ones(2) if where == "unneeded" else b)
        if where == "tensor":
            y.register_hook(lambda g: lib.ones(2))
        elif where == "leaf":
            a.register_hook(lambda g: lib.ones(2))
        elif where == "before":
            y.grad_fn.register_prehook(lambda g: (lib.ones(2),))
        elif where == "after":
            y.grad_fn.register_hook(lambda i, o: (lib.ones(2), None))
        elif where == "accumulate":
            node = y.grad_fn.next_functions[0][0]
            node.register_prehook(lambda g: (lib.ones(2),))
        else:
            y.grad_fn.register_hook(lambda i, o: (i[0], lib.ones(2)))
        out = y if where == "unneeded" else silent(lib)(y)
        found.append((where, refused(out.sum().backward), a.grad, b.grad))
    return found


@program
def hooks_that_take_gradients_away(lib: Any) -> Any:
    log: list[Any] = []
    a, b = leaf(lib), leaf(lib)
    y = a * b
    y.grad_fn.register_prehook(lambda g: (None,))
    held = log_of(y, log, "y"), log_of(a, log, "a")
    y.sum().backward()
    c = leaf(lib)
    node = (c * 1).grad_fn.next_functions[0][0]
    node.register_prehook(lambda g: (None,))
    (c * 2).sum().backward()
    return log, a.grad, b.grad, c.grad, len(held)


@program
def captured_without_a_gradient(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    y = a * 2
    y.register_hook(lambda g: log.append(("y", listed(g))))
    a.register_hook(lambda g: log.append(("a", listed(g))))
    z = silent(lib)(y).sum()
    found = lib.autograd.grad(z, [y, a], allow_unused=True, retain_graph=True)
    z.backward(inputs=[a, y])
    return found, log, a.grad, y.grad


@program
def gradients_that_only_some_operands_get(lib: Any) -> Any:
    log: list[Any] = []
    a, b, c = leaf(lib), leaf(lib), leaf(lib)
    product = a * b
    total = product + c
    joined = lib.cat([total, a])
    for name, tensor in (("mul", product), ("add", total), ("cat", joined)):
        tensor.grad_fn.register_hook(lambda i, o, name=name: log.append((name, [g is None for g in i])))
    out = joined.sum()
    found = [
        listed(lib.autograd.grad(out, places, retain_graph=True))
        for places in ([a], [b], [c], [a, c], [product], [total], [joined])
    ]
    return found, log


@program
def second_derivatives_of_some_operands(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    quotient = a / b
    power = lib.pow(a, b)
    out = (lib.maximum(quotient, a).sin() * power).sum()
    found = []
    for places in ([a], [b], [quotient], [power, b]):
        first = lib.autograd.grad(out, places, create_graph=True)
        total = sum(g.sum() for g in first)
        found.append(listed(lib.autograd.grad(total, [a, b, quotient, power], retain_graph=True, allow_unused=True)))
    return found


# -- nodes with several outputs ---------------------------------------------------------------------------------------


@program
def hooks_of_every_output(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib, 1.0, 2.0, 3.0, 4.0)
    x, y = a.split(2)
    y.register_hook(lambda g: log.append(("y", listed(g))))
    x.register_hook(lambda g: log.append(("x", listed(g))) or (None if g is None else g * 10))
    y.register_hook(lambda g: log.append(("y again", listed(g))))
    x.retain_grad()
    y.retain_grad()
    x.grad_fn.register_prehook(lambda g: log.append(("before", listed(g))))
    x.grad_fn.register_hook(lambda i, o: log.append(("after", listed(i), listed(o))))
    x.sum().backward(retain_graph=True)
    (x * y).sum().backward(retain_graph=True)
    silent(lib)(x).sum().backward()
    return log, listed([x.grad, y.grad, a.grad])


@program
def outputs_as_inputs_of_a_pass(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib, 1.0, 2.0, 3.0, 4.0)
    parts = a.unbind()
    parts[0].register_hook(lambda g: log.append(("0", listed(g))) or (None if g is None else g * 5))
    parts[3].register_hook(lambda g: log.append(("3", listed(g))))
    out = parts[0] * parts[1]
    grad = lib.autograd.grad
    found = [
        listed(grad(out, places, retain_graph=True, allow_unused=True))
        for places in ([parts[0], parts[1]], [parts[0], parts[1], a], [parts[1]], [parts[1], parts[3]])
    ]
    out.backward(inputs=[parts[1]], retain_graph=True)
    out.backward(inputs=[parts[0], parts[1]], retain_graph=True)
    lib.autograd.backward([parts[0], parts[2], parts[0]], retain_graph=True)
    return found, log, listed([parts[0].grad, parts[1].grad, a.grad])


@program
def before_hooks_of_several_outputs(lib: Any) -> Any:
    found = []
    for hook in (lambda g: (g[1], g[0]), lambda g: (None, g[1]), lambda g: (None, None)):
        log: list[Any] = []
        a = leaf(lib, 1.0, 2.0, 3.0, 4.0)
        x, y = a.split(2)
        x.grad_fn.register_prehook(hook)
        x.grad_fn.register_hook(lambda i, o: log.append((listed(i), listed(o))))  # noqa: B023
        (x + y * 10).sum().backward()
        found.append((log, listed(a.grad)))
    return found


@program
def a_functions_outputs(lib: Any) -> Any:
    log: list[Any] = []

    class Twice(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, first: Any, second: Any) -> Any:
            log.append(("backward", listed(first), listed(second)))
            return second

    a = leaf(lib)
    x, y = Twice.apply(a)
    x.register_hook(lambda g: log.append(("x", listed(g))))
    y.register_hook(lambda g: log.append(("y", listed(g))))
    y.grad_fn.register_hook(lambda i, o: log.append(("after", listed(i), listed(o))))
    y.sum().backward(retain_graph=True)
    (x + y).sum().backward()
    return log, listed(a.grad)


@program
def a_saved_output_is_the_output(lib: Any) -> Any:
    class Exponential(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            result = x.exp()
            ctx.save_for_backward(result)
            return result, x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any, other: Any) -> Any:
            (result,) = ctx.saved_tensors
            return grad * result + other * 2

    found = []
    for pack in (None, lambda t: t):
        a = leaf(lib, 0.5, 0.25)
        if pack is None:
            e, d = Exponential.apply(a)
            s, _ = lib.std_mean(a * a)
        else:
            with lib.autograd.graph.saved_tensors_hooks(pack, pack):
                e, d = Exponential.apply(a)
                s, _ = lib.std_mean(a * a)
        (g,) = lib.autograd.grad(e.sum(), a, create_graph=True)
        (h,) = lib.autograd.grad(s, a, create_graph=True)
        found.append(listed(lib.autograd.grad((g * e * d).sum(), [a, e, d], retain_graph=True)))
        found.append(listed(lib.autograd.grad(h[0] * s * 3, [a, s], retain_graph=True)))
    return found


@program
def a_packed_result_is_the_result(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    with lib.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = a.exp()
    z = a.exp()
    z.grad_fn._raw_saved_result.register_hooks(lambda t: t * 1, lambda t: t)
    found = []
    for result in (y, z):
        (first,) = lib.autograd.grad(result.sum(), a, create_graph=True)
        found.append(listed(lib.autograd.grad(first.sum(), [a, result], retain_graph=True)))
        result.register_hook(lambda g: log.append(listed(g)))
        first.sum().backward()
    return found, log, listed(a.grad)


# -- hooks over several tensors ---------------------------------------------------------------------------------------


@program
def several_tensors_and_no_gradient(lib: Any) -> Any:
    log: list[Any] = []
    hook = lib.autograd.graph.register_multi_grad_hook
    a, b = leaf(lib), leaf(lib)
    x = a * 1
    hook([a, b], lambda grads: log.append(("leaves", listed(grads))))
    hook([x, b], lambda grads: log.append(("mixed", listed(grads))))
    hook([x, b], lambda grad: log.append(("any", listed(grad))), mode="any")
    (silent(lib)(x) + b).sum().backward(retain_graph=True)
    parts = leaf(lib, 1.0, 2.0, 3.0, 4.0).split(2)
    hook(parts, lambda grads: log.append(("parts", listed(grads))))
    parts[0].sum().backward(retain_graph=True)
    (parts[0] + parts[1]).sum().backward()
    return log


@program
def several_tensors_some_of_which_require_nothing(lib: Any) -> Any:
    log: list[Any] = []
    hook = lib.autograd.graph.register_multi_grad_hook
    a = leaf(lib)
    hook([lib.ones(1), a], lambda grad: log.append(listed(grad)), mode="any")
    (a * 2).sum().backward()
    return log, refused(lambda: hook([lib.ones(1), a], print))


# -- leaves -----------------------------------------------------------------------------------------------------------


@program
def what_hooks_after_accumulation_return(lib: Any) -> Any:
    found = []
    for result in ("text", lib.ones(2), None):
        a = leaf(lib)
        a.register_post_accumulate_grad_hook(lambda t: result)  # noqa: B023
        error = refused((a * 2).sum().backward)
        found.append((error[0] if error != "nothing refused" else error, listed(a.grad)))
    return found


@program
def a_leaf_that_no_longer_requires_gradients(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    held = log_of(a, log)
    y = (a * 2).sum()
    a.requires_grad_(False)
    y.backward()
    return log, a.grad, held.variable is a


@program
def the_node_of_a_leaf(lib: Any) -> Any:
    a = leaf(lib)
    x, y = a * 2, a * 3
    node = x.grad_fn.next_functions[0][0]
    edge = lib.autograd.graph.get_gradient_edge
    return (
        node is y.grad_fn.next_functions[0][0],
        node is edge(a).node,
        edge(a) == edge(a),
        edge(x) == edge(x),
        edge(x) == edge(y),
        {node: 1}.get(edge(a).node),
        node.variable is a,
        node.next_functions,
    )


@program
def a_root_that_nothing_wanted_lies_behind(lib: Any) -> Any:
    log: list[Any] = []
    a, b = leaf(lib), leaf(lib)
    a.register_hook(lambda g: log.append(("a", listed(g))))
    s = a.sum()
    s.register_hook(lambda g: log.append(("s", listed(g))))
    a.backward(lib.ones(2), inputs=[b])
    s.backward(inputs=[b], retain_graph=True)
    first, second = a.split(1)
    second.register_hook(lambda g: log.append(("second", listed(g))))
    first.backward(inputs=[b], retain_graph=True)
    found = lib.autograd.grad([s, a, b.sum()], [b], [None, lib.ones(2), None])
    return log, listed(found), a.grad, b.grad


# -- what users keep is not written through ---------------------------------------------------------------------------


@program
def gradients_that_hooks_keep(lib: Any) -> Any:
    found = []
    for where in ("before", "after", "accumulate", "several", "any"):
        kept: list[Any] = []
        a = leaf(lib)
        y = a.clone()
        if where == "before":
            y.grad_fn.register_prehook(lambda g: kept.append(g))  # noqa: B023
        elif where == "after":
            y.grad_fn.register_hook(lambda i, o: kept.append((i, o)))  # noqa: B023
        elif where == "accumulate":
            node = y.grad_fn.next_functions[0][0]
            node.register_prehook(lambda g: kept.append(g))  # noqa: B023
        elif where == "several":
            lib.autograd.graph.register_multi_grad_hook([a, y], lambda g: kept.append(g))  # noqa: B023
        else:
            lib.autograd.graph.register_multi_grad_hook([y], lambda g: kept.append(g), mode="any")  # noqa: B023
        (y * 2).sum().backward()
        a.grad.add_(7)
        found.append((where, listed(kept), listed(a.grad)))
    return found


@program
def gradients_that_a_function_keeps(lib: Any) -> Any:
    kept: list[Any] = []

    class Keeping(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1, x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any, other: Any) -> Any:
            kept.append((grad, other))
            return grad * 2

    for turned in (False, True):
        a, b = leaf(lib), leaf(lib)
        x, _ = Keeping.apply(b)
        ((x + a if turned else a + x) * 2).sum().backward()
        a.grad.add_(7)
    return listed(kept)


@program
def a_leafs_gradient_is_written_while_others_are_pending(lib: Any) -> Any:
    found = []
    for form in (lambda a, b: a + b * 2, lambda a, b: b * 2 + a, lambda a, b: a + b, lambda a, b: a + b + a):
        a, b = leaf(lib), leaf(lib)
        for one in (a, b):
            one.register_post_accumulate_grad_hook(lambda t: setattr(t, "grad", t.grad.mul_(10)))
        (form(a, b) * 3).sum().backward()
        found.append(listed([a.grad, b.grad]))
    return found


@program
def retained_gradients_are_contiguous_copies(lib: Any) -> Any:
    a = lib.ones(3, 2, requires_grad=True)
    y = a * 2
    z = y.t()
    y.retain_grad()
    z.retain_grad()
    seed = lib.ones(2, 3)
    z.backward(seed)
    strides = y.grad.stride(), z.grad.stride(), a.grad.stride()
    z.grad.add_(1)
    y.grad.add_(1)
    recorded = a * a
    recorded.retain_grad()
    (recorded * recorded).sum().backward(create_graph=True)
    names = recorded.grad.grad_fn.name(), a.grad.grad_fn.name()
    a.grad = None
    return strides, listed([seed, a.grad]), names


@program
def recorded_gradients_lie_as_their_leaf(lib: Any) -> Any:
    found = []
    for source in (lib.ones(3, 2).t(), lib.ones(2, 3), lib.ones(4, 3)[::2]):
        a = source.detach().requires_grad_()
        (a * a).backward(lib.ones(2, 3), create_graph=True)
        found.append((a.grad.stride(), a.grad.grad_fn.name()))
        a.grad = None
    return found


# -- writes in place --------------------------------------------------------------------------------------------------


@program
def hooks_of_a_view_before_it_was_written(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib, 1.0, 2.0, 3.0)
    base = a.clone()
    view = base[:2]
    for name, tensor in (("view", view), ("base", base)):
        tensor.register_hook(lambda g, name=name: log.append((name, listed(g))))
    view.grad_fn.register_hook(lambda i, o: log.append("node of the view"))
    view.mul_(2)
    base.register_hook(lambda g: log.append(("base again", listed(g))))
    (base * 3).sum().backward()
    return log, listed(a.grad)


@program
def hooks_before_detaching(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    y = a * 2
    y.register_hook(lambda g: log.append(("before", listed(g))))
    y.retain_grad()
    y.detach_()
    kept = y.retains_grad
    y.requires_grad_()
    y.register_hook(lambda g: log.append(("after", listed(g))))
    (y * 3).sum().backward()
    saved = (a * 1).exp()
    product = saved * a
    saved.detach_()
    return log, kept, listed(y.grad), refused(product.sum().backward)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(same_program: Callable[..., None], function: Callable[[Any], Any], backend: str) -> None:
    same_program(function, backend)
