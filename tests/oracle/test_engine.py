"""Backward passes: the same program as on PyTorch."""

from __future__ import annotations

import warnings
from collections import OrderedDict
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


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    try:
        found = action()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    return "nothing refused", repr(found)


def listed(tensor: Any) -> Any:
    if isinstance(tensor, tuple | list):
        return [listed(t) for t in tensor]
    return None if tensor is None else tensor.tolist()


# -- what is differentiated -------------------------------------------------------------------------------------------


@program
def inputs_of_backward(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib, 5.0, 7.0)
    y = a * b
    z = y * a
    z.sum().backward(inputs=[a], retain_graph=True)
    first = listed([a.grad, b.grad])
    z.sum().backward(inputs=b, retain_graph=True)
    second = listed([a.grad, b.grad])
    z.sum().backward(inputs=[y, b], retain_graph=True)
    third = listed([a.grad, y.grad, b.grad]), y.retains_grad
    z.sum().backward(inputs=[b, b])
    return first, second, third, listed([a.grad, y.grad, b.grad])


@program
def inputs_of_backward_refused(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    y = (a * 2).sum()
    return (
        refused(lambda: y.backward(inputs=[])),
        refused(lambda: y.backward(inputs=[b])),
        b.grad,
        refused(lambda: (a * 2).sum().backward(inputs=[lib.ones(2)])),
        refused(lambda: lib.autograd.grad((a * 2).sum(), [])),
        refused(lambda: lib.autograd.grad((a * 2).sum(), [lib.ones(2)])),
        refused(lambda: lib.autograd.grad((a * 2).sum(), [b])),
        refused(lambda: lib.autograd.grad((a * 2).sum(), [a, b])),
        refused(lambda: lib.autograd.grad(lib.ones(()), [a])),
        refused(lambda: lib.autograd.backward([(a * 2).sum(), lib.ones(())])),
        refused(lambda: lib.autograd.backward([a * 2])),
        refused(lambda: lib.autograd.backward([a * 2], [lib.ones(3)])),
        refused(lambda: lib.autograd.backward([a * 2], ["no"])),
        refused(lambda: lib.autograd.backward([])),
        refused(lambda: lib.autograd.backward([a.sum()], grad_tensors=[None])),
    )


@program
def unused_inputs(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    grad = lib.autograd.grad
    y = (a * 2).sum()
    return (
        listed(grad(y, [a, b], retain_graph=True, allow_unused=True)),
        listed(grad(y, [a, b], retain_graph=True, materialize_grads=True)),
        listed(grad(y, [a, b], retain_graph=True, allow_unused=True, materialize_grads=True)),
        refused(lambda: grad(y, [a, b], retain_graph=True, allow_unused=False, materialize_grads=True)),
        refused(lambda: grad(y, [a, b], retain_graph=True, allow_unused=False)),
        listed(grad(lib.zeros(3).sum() + y * 0, [b], retain_graph=True, materialize_grads=True)),
    )


@program
def duplicate_inputs_and_roots(lib: Any) -> Any:
    a = leaf(lib)
    y = a * a
    grad = lib.autograd.grad
    twice = grad(y.sum(), [a, a, y], retain_graph=True)
    roots = grad([y, y], [a], [lib.ones(2), lib.tensor([10.0, 100.0])], retain_graph=True)
    nested = grad([y, (y * 3).sum(), a], [a, y], [lib.ones(2), None, lib.tensor([0.5, 0.25])], retain_graph=True)
    lib.autograd.backward([y.sum(), y.sum(), a], [None, None, lib.ones(2)])
    return listed(twice), twice[0] is twice[1], listed(roots), listed(nested), listed(a.grad)


@program
def roots_that_lead_to_one_another(lib: Any) -> Any:
    a = leaf(lib)
    b = a * 2
    c = b * b
    d = c.exp()
    lib.autograd.backward([d, c, b, a], [lib.ones(2)] * 4)
    return listed(a.grad)


@program
def gradients_of_the_root_itself(lib: Any) -> Any:
    a = leaf(lib)
    y = a * 2
    seed = lib.tensor([3.0, 4.0])
    (given,) = lib.autograd.grad(y, y, seed)
    (of_leaf,) = lib.autograd.grad(a, a, seed)
    return listed([given, of_leaf]), a.grad


@program
def edges_in_place_of_tensors(lib: Any) -> Any:
    a = leaf(lib)
    edge = lib.autograd.graph.get_gradient_edge
    y = a * 2
    z = y * y
    first = listed(lib.autograd.grad([edge(z)], [edge(y), edge(a)], [lib.ones(2)], retain_graph=True))
    z.sum().backward(inputs=[edge(a)], retain_graph=True)
    second = listed(a.grad)
    lib.autograd.backward(edge(z), lib.ones(2))
    return first, second, listed(a.grad)


@program
def edges_of_operations_with_several_results(lib: Any) -> Any:
    a = leaf(lib, 1.0, 2.0, 3.0, 4.0)
    x, y = (a * 1).split(2)
    edge = lib.autograd.graph.get_gradient_edge
    out = (x * y).sum()
    found = listed(lib.autograd.grad(out, [edge(y), x, edge(x)], retain_graph=True))
    out.backward(inputs=[a])
    return found, listed(a.grad), edge(y).output_nr


@program
def edges_made_by_hand(lib: Any) -> Any:
    a = leaf(lib, 1.0, 2.0, 3.0)
    first, second, third = a.split(1)
    node = first.grad_fn
    place = lib.autograd.graph.GradientEdge
    out = (first * second * 2 + third).sum()
    grad = lib.autograd.grad
    found = [listed(grad(out, [place(node, n) for n in range(3)], retain_graph=True))]
    del first, second, third
    found.append(listed(grad(out, [place(node, 1)], retain_graph=True)))
    found.append(listed(grad(place(node, 1), a, lib.ones(1), retain_graph=True)))
    found.append(listed(grad([place(node, 1), place(node, 2)], a, [lib.ones(1)] * 2, retain_graph=True)))
    edge = lib.autograd.graph.get_gradient_edge
    return (
        found,
        edge(a) == edge(a),
        refused(lambda: lib.autograd.backward([edge(a * 2)], [lib.ones(2)])),
        refused(lambda: grad(out, [edge(leaf(lib))], materialize_grads=True, retain_graph=True)),
        refused(lambda: grad(out, [edge(leaf(lib))], retain_graph=True)),
    )


@program
def inputs_in_a_dict(lib: Any) -> Any:
    a, b, unused = leaf(lib), leaf(lib, 5.0, 7.0), leaf(lib)
    grad = lib.autograd.grad

    def out() -> Any:
        return (a * b).sum()

    def named(**inputs: Any) -> Any:
        return [(name, listed(g)) for name, g in inputs.items()]

    found = named(**grad(out(), {"b": b, "a": a}))
    found += named(**grad(out(), {"a": a, "unused": unused}, allow_unused=True))
    found += named(**grad(out(), {"a": a, "unused": unused}, materialize_grads=True))
    found += named(**grad(a * 2, {"a": a}, lib.ones(3, 2), is_grads_batched=True))
    out().backward(inputs={"a": a})
    return (
        found,
        listed([a.grad, b.grad]),
        refused(lambda: grad(out(), {})),
        refused(lambda: grad(out(), OrderedDict(a=a))),
        refused(lambda: out().backward(inputs={})),
        refused(lambda: out().backward(inputs=OrderedDict(a=a))),
    )


@program
def arguments_by_position(lib: Any) -> Any:
    a, unused = leaf(lib), leaf(lib)
    found = lib.autograd.grad((a * a).sum(), [a, unused], None, False, True, True, True)
    zeros = lib.autograd.grad((a * a).sum(), [a, unused], None, False, True, False, None, False, True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lib.autograd.grad(a.sum(), a, only_inputs=False)
    return (
        listed(found),
        found[0].requires_grad,
        listed(zeros),
        zeros[1].requires_grad,
        [(w.category.__name__, str(w.message)) for w in caught],
        refused(lambda: lib.autograd.grad([a * 2, a.sum()], a, [lib.ones(3, 2), None], is_grads_batched=True))[0],
        refused(lambda: lib.autograd.grad(a * 2, a, is_grads_batched=True)),
        listed(lib.autograd.grad(a * 2, [a, unused], lib.ones(3, 2), is_grads_batched=True, materialize_grads=True)),
        refused(lambda: (a * 2).backward([1.0, 1.0])),
    )


@program
def gradients_given_and_kept(lib: Any) -> Any:
    a = leaf(lib)
    seed = lib.ones(2)
    (a * 1.0).backward(seed)
    before = listed(a.grad)
    seed.mul_(100)
    return before, listed(a.grad)


@program
def recorded_passes(lib: Any) -> Any:
    a = leaf(lib)
    (a**3).sum().backward(create_graph=True)
    first = a.grad
    kept = first.requires_grad, first.grad_fn is not None
    (a**2).sum().backward()
    same = a.grad is first
    a.grad = None
    first.sum().backward()
    second = listed(a.grad)
    a.grad = None
    return kept, same, second, listed(first)


@program
def second_gradient_passes_into_an_accumulated_one(lib: Any) -> Any:
    a = leaf(lib)
    a.grad = lib.ones(2)
    held = a.grad
    (a**2).sum().backward(create_graph=True)
    out = a.grad is held, a.grad.requires_grad, listed(held), listed(a.grad)
    a.grad = None
    return out


@program
def the_graph_is_freed(lib: Any) -> Any:
    a = leaf(lib)
    y = (a * a).sum()
    y.backward(retain_graph=True)
    y.backward()
    once_more = refused(y.backward)
    z = a.exp()
    lib.autograd.grad(z.sum(), a, create_graph=True, retain_graph=False)
    return once_more, refused(lambda: lib.autograd.grad(z.sum(), a)), listed(a.grad)


@program
def what_a_limited_pass_frees(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    x = a * a
    y = b * b
    out = (x * y).sum()
    out.backward(inputs=[a])
    return refused(lambda: x.sum().backward()), refused(lambda: y.sum().backward()), listed([a.grad, b.grad])


@program
def requires_grad_taken_away_before_backward(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    y = (a * b).sum()
    a.requires_grad_(False)
    y.backward()
    return listed([a.grad, b.grad])


# -- what runs --------------------------------------------------------------------------------------------------------


def watched(log: list[str], **tensors: Any) -> None:
    for name, tensor in tensors.items():
        tensor.register_hook(lambda g, name=name: log.append(f"tensor {name}"))
        if tensor.grad_fn is not None:
            tensor.grad_fn.register_prehook(lambda g, name=name: log.append(f"pre {name}"))
            tensor.grad_fn.register_hook(lambda i, o, name=name: log.append(f"post {name}"))


@program
def only_what_is_needed_runs(lib: Any) -> Any:
    logs = []
    for wanted in ("a", "b", "x", "y", "xa", "out"):
        log: list[str] = []
        a, b = leaf(lib), leaf(lib)
        x = a * 2
        y = b * 3
        z = x * y
        out = z.sum()
        watched(log, a=a, b=b, x=x, y=y, z=z, out=out)
        places = {"a": a, "b": b, "x": x, "y": y, "out": out}
        lib.autograd.grad(out, [places[name] for name in (wanted if wanted != "out" else ("out",))])
        logs.append(log)
    return logs


@program
def only_what_is_needed_accumulates(lib: Any) -> Any:
    logs = []
    for wanted in ("a", "x", "xb"):
        log: list[str] = []
        a, b = leaf(lib), leaf(lib)
        x = a * 2
        y = b * 3
        out = (x * y).sum()
        watched(log, a=a, b=b, x=x, y=y)
        a.register_post_accumulate_grad_hook(lambda t: log.append("post accumulate a"))  # noqa: B023
        b.register_post_accumulate_grad_hook(lambda t: log.append("post accumulate b"))  # noqa: B023
        out.backward(inputs=[{"a": a, "b": b, "x": x}[name] for name in wanted])
        logs.append((log, listed([a.grad, b.grad, x.grad])))
    return logs


@program
def a_root_that_leads_to_nothing_wanted(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    log: list[str] = []
    x, y = a * 2, b * 3
    watched(log, x=x, y=y, b=b)
    found = lib.autograd.grad([x.sum(), y.sum(), y], [a], [None, None, lib.ones(2)])
    return listed(found), log


@program
def what_is_captured_beside_hooks(lib: Any) -> Any:
    a = leaf(lib)
    x = a * 2
    y = x * x
    x.register_hook(lambda g: g * 10)
    x.retain_grad()
    x.grad_fn.register_prehook(lambda g: (g[0] * 100,))
    a.register_hook(lambda g: g + 1)
    found = [listed(lib.autograd.grad(y.sum(), places, retain_graph=True)) for places in ([x], [a], [x, a])]
    y.sum().backward()
    return found, listed([x.grad, a.grad])


@program
def the_latest_operation_runs_first(lib: Any) -> Any:
    a = leaf(lib)
    log: list[int] = []
    branches = [a * number for number in range(1, 6)]
    for number, branch in enumerate(branches):
        branch.register_hook(lambda g, number=number: log.append(number))
    (branches[3] + branches[0] + branches[4] + branches[2] + branches[1]).sum().backward()
    return log, listed(a.grad)


# -- accumulation -----------------------------------------------------------------------------------------------------


@program
def accumulation_keeps_the_tensor(lib: Any) -> Any:
    a = leaf(lib)
    a.grad = lib.tensor([10.0, 20.0])
    held = a.grad
    view = held[:1]
    (a * 2).sum().backward()
    (a * 3).sum().backward()
    return a.grad is held, listed([held, view]), held._version


@program
def the_users_gradient_is_not_taken_over(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    seed = lib.ones(2)
    lib.autograd.backward([a, b], [seed, seed])
    a.grad.add_(1)
    return listed([a.grad, b.grad, seed])


@program
def expanded_gradients_are_copied(lib: Any) -> Any:
    a = lib.zeros(3, 4).requires_grad_()
    a.sum().backward()
    strides = a.grad.stride(), a.grad.is_contiguous()
    a.grad[0, 0] = 5
    b = lib.zeros(3, 4).requires_grad_()
    b.backward(lib.ones(1).expand(3, 4))
    b.grad[0, 0] = 5
    return strides, listed(a.grad), b.grad.stride(), listed(b.grad)


@program
def layout_of_gradients(lib: Any) -> Any:
    found = []
    transposed = lib.zeros(3, 4).t().detach().requires_grad_()
    (transposed * 2).sum().backward()
    found.append(transposed.grad.stride())
    plain = lib.zeros(3, 4).requires_grad_()
    plain.t().backward(lib.ones(4, 3))
    found.append(plain.grad.stride())
    plain.grad = None
    (plain.t() * 2).backward(lib.ones(4, 3))
    found.append(plain.grad.stride())
    sparse = lib.zeros(6, 4)[::2].detach().requires_grad_()
    (sparse * lib.ones(3, 4)).sum().backward()
    found.append(sparse.grad.stride())
    turned = lib.zeros(2, 3, 4).permute(2, 0, 1).detach().requires_grad_()
    turned.backward(lib.ones(4, 2, 3))
    found.append(turned.grad.stride())
    turned.backward(lib.ones(4, 2, 3))
    found.append(turned.grad.stride())
    return found


@program
def shared_gradients_of_one_operation(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    (a + b).sum().backward()
    a.grad.mul_(7)
    return listed([a.grad, b.grad])


@program
def a_hook_keeps_the_gradient(lib: Any) -> Any:
    a = leaf(lib)
    kept: list[Any] = []
    a.register_hook(lambda g: kept.append(g))
    (a * 2).sum().backward()
    first = listed(kept)
    a.grad.zero_()
    (a * 3).sum().backward()
    return first, listed(kept), listed(a.grad)


@program
def retained_gradients_accumulate(lib: Any) -> Any:
    a = leaf(lib)
    y = a * 2
    y.retain_grad()
    z = (y * y).sum()
    z.backward(retain_graph=True)
    first = y.grad
    z.backward(retain_graph=True)
    return listed(y.grad), first is y.grad, listed(first), y.retains_grad, a.retains_grad


@program
def grad_of_wrong_kinds(lib: Any) -> Any:
    a = leaf(lib)

    def give(value: Any) -> Callable[[], None]:
        return lambda: setattr(a, "grad", value)

    return (
        refused(give(lib.ones(3))),
        refused(give(a)),
        refused(give(2.0))[0],
        refused(give(lib.ones(2, dtype=lib.float64)))[0],
        refused(give(lib.ones(2))),
    )


@program
def half_precision_leaves(lib: Any) -> Any:
    a = lib.tensor([1.0, 2.0], dtype=lib.float16, requires_grad=True)
    (a.to(lib.float32) * 3).sum().backward()
    (a * lib.tensor([2.0, 2.0])).sum().backward()
    return str(a.grad.dtype).split(".")[-1], listed(a.grad)


# -- hooks ------------------------------------------------------------------------------------------------------------


@program
def order_of_all_hooks(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    y = a * 2
    z = y * 3
    y.retain_grad()
    y.grad_fn.register_prehook(lambda g: log.append(("pre", listed(g), listed(y.grad))))
    y.register_hook(lambda g: log.append(("tensor 1", listed(g))) or g * 10)
    y.register_hook(lambda g: log.append(("tensor 2", listed(g), y.grad is None)) or g * 10)
    y.grad_fn.register_hook(lambda i, o: log.append(("post 1", listed(i), listed(o))) or (i[0] + 1, *i[1:]))
    y.grad_fn.register_hook(lambda i, o: log.append(("post 2", listed(i), listed(o))))
    a.register_hook(lambda g: log.append(("leaf", listed(g), a.grad is None)))
    a.register_post_accumulate_grad_hook(lambda t: log.append(("post accumulate", listed(t.grad), t is a)))
    z.sum().backward()
    return log, listed([y.grad, a.grad])


@program
def hooks_that_change_node_gradients(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib, 5.0, 7.0)
    y = a * b
    y.grad_fn.register_prehook(lambda g: (g[0] * 2,))
    y.grad_fn.register_hook(lambda i, o: (i[1], i[0]))
    y.sum().backward()
    return listed([a.grad, b.grad])


@program
def hooks_of_nodes_with_wrong_results(lib: Any) -> Any:
    found = []
    for pre, post in (
        (lambda g: (g[0], g[0]), None),
        (lambda g: "no", None),
        (lambda g: g[0] * 2, None),
        (lambda g: [g[0]], None),
        (lambda g: (None,), None),
        (lambda g: ("no",), None),
        (None, lambda i, o: (i[0],)),
        (None, lambda i, o: "no"),
        (None, lambda i, o: ("no", "no")),
        (None, lambda i, o: (None, i[1])),
        (None, lambda i, o: i[0]),
    ):
        a, b = leaf(lib), leaf(lib)
        y = a * b
        if pre is not None:
            y.grad_fn.register_prehook(pre)
        if post is not None:
            y.grad_fn.register_hook(post)
        found.append((refused(lambda: y.sum().backward())[0], listed([a.grad, b.grad])))  # noqa: B023
    return found


@program
def hooks_of_tensors_with_wrong_results(lib: Any) -> Any:
    found = []
    for hook in (lambda g: "no", lambda g: (g,), lambda g: g.sum(), lambda g: g.to(lib.float64), lambda g: None):
        a = leaf(lib)
        a.register_hook(hook)
        found.append((refused(lambda: a.sum().backward())[0], listed(a.grad)))  # noqa: B023
        b = leaf(lib)
        c = b * 2
        c.register_hook(hook)
        found.append((refused(lambda: c.sum().backward())[0], listed(b.grad)))  # noqa: B023
    return found


@program
def hooks_come_and_go_while_they_run(lib: Any) -> Any:
    log: list[str] = []
    a = leaf(lib)
    handles: list[Any] = []

    def first(grad: Any) -> None:
        log.append("first")
        for handle in handles:
            handle.remove()
        handles.clear()
        handles.append(a.register_hook(lambda g: log.append("added")))

    a.register_hook(first)
    handles.append(a.register_hook(lambda g: log.append("second")))
    (a * 2).sum().backward()
    log.append("|")
    (a * 2).sum().backward()
    return log


@program
def a_hook_registers_on_what_runs_later(lib: Any) -> Any:
    log: list[str] = []
    a = leaf(lib)
    x = a * 2
    y = x * 3

    def hook(grad: Any) -> None:
        log.append("y")
        x.register_hook(lambda g: log.append("x"))
        x.grad_fn.register_hook(lambda i, o: log.append("post x"))
        a.register_hook(lambda g: log.append("a"))
        a.register_post_accumulate_grad_hook(lambda t: log.append("accumulated"))

    y.register_hook(hook)
    y.sum().backward()
    return log


@program
def hooks_stay_with_the_value_before_a_write(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    y = a * 2
    y.register_hook(lambda g: log.append(("before", listed(g))))
    y.mul_(10)
    y.register_hook(lambda g: log.append(("after", listed(g))))
    y.sum().backward()
    return log, listed(a.grad)


@program
def retained_gradients_follow_a_write(lib: Any) -> Any:
    a = leaf(lib)
    y = a * 2
    y.retain_grad()
    y.mul_(10)
    y.sum().backward()
    b = leaf(lib)
    z = b * 2
    part = z[:1]
    z.retain_grad()
    part.retain_grad()
    part.mul_(5)
    (z * 3).sum().backward()
    return listed([y.grad, z.grad, part.grad, b.grad])


@program
def a_write_to_a_leaf_without_recording_keeps_its_hooks(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    a.register_hook(lambda g: log.append(listed(g)))
    with lib.no_grad():
        a.mul_(10)
    (a * a).sum().backward()
    return log, listed(a.grad)


@program
def a_hook_on_a_leaf_that_is_then_written(lib: Any) -> Any:
    log: list[Any] = []
    a = lib.zeros(2)
    a.add_(leaf(lib))
    a.register_hook(lambda g: log.append(listed(g)))
    (a * 3).sum().backward()
    return log


@program
def hooks_refused(lib: Any) -> Any:
    a = leaf(lib)
    plain = lib.ones(2)
    y = a * 2
    return (
        refused(lambda: plain.register_hook(print)),
        refused(lambda: plain.register_post_accumulate_grad_hook(print)),
        refused(lambda: y.register_post_accumulate_grad_hook(print)),
        refused(plain.retain_grad),
    )


@program
def hooks_of_a_node_with_several_outputs(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib, 1.0, 5.0, 3.0)
    values, _ = a.sort()
    values.grad_fn.register_prehook(lambda g: log.append(("pre", listed(g))))
    values.grad_fn.register_hook(lambda i, o: log.append(("post", listed(i), listed(o))))
    values.register_hook(lambda g: log.append(("values", listed(g))))
    (values * lib.tensor([1.0, 2.0, 3.0])).sum().backward()
    _, y = a.split(2)
    y.grad_fn.register_prehook(lambda g: log.append(("pre", listed(g))) or (g[0], g[1] * 10))
    y.register_hook(lambda g: log.append(("y", listed(g))))
    (y * 2).sum().backward()
    return log, listed(a.grad)


@program
def gradients_of_a_hook_that_records(lib: Any) -> Any:
    log: list[Any] = []
    a = leaf(lib)
    y = a**3
    y.register_hook(lambda g: log.append((lib.is_grad_enabled(), g.requires_grad)))
    lib.autograd.grad(y.sum(), a, create_graph=True)
    lib.autograd.grad((a**2 * y).sum(), a)
    return log


@program
def removed_handles(lib: Any) -> Any:
    log: list[str] = []
    a = leaf(lib)
    y = a * 2
    for handle in (
        a.register_hook(lambda g: log.append("leaf")),
        y.register_hook(lambda g: log.append("tensor")),
        y.grad_fn.register_hook(lambda i, o: log.append("post")),
        y.grad_fn.register_prehook(lambda g: log.append("pre")),
        a.register_post_accumulate_grad_hook(lambda t: log.append("accumulated")),
    ):
        handle.remove()
        handle.remove()
    y.sum().backward()
    return log


# -- errors and passes within passes ----------------------------------------------------------------------------------


@program
def errors_leave_everything_usable(lib: Any) -> Any:
    a = leaf(lib)
    y = a * a
    failing = [True]

    def hook(grad: Any) -> None:
        if failing[0]:
            raise ValueError("from a hook")

    x = y * 2
    x.register_hook(hook)
    error = refused(lambda: x.sum().backward())
    state = lib.is_grad_enabled(), listed(a.grad)
    failing[0] = False
    x.sum().backward()
    return error, state, listed(a.grad)


@program
def errors_in_a_functions_backward(lib: Any) -> Any:
    class Failing(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            raise KeyError("from backward")

    a, b = leaf(lib), leaf(lib)
    late = b * 3
    error = refused(lambda: (Failing.apply(a) + late).sum().backward())
    (a * 2).sum().backward()
    return error, lib.is_grad_enabled(), listed([a.grad, b.grad])


@program
def passes_within_hooks(lib: Any) -> Any:
    a, b = leaf(lib), leaf(lib)
    x = a * 2
    log: list[Any] = []

    def hook(grad: Any) -> None:
        with lib.enable_grad():
            (b * b).sum().backward()
        log.append((lib.is_grad_enabled(), listed(b.grad)))

    x.register_hook(hook)
    x.sum().backward()
    return log, listed([a.grad, b.grad])


@program
def passes_within_a_functions_backward_at_any_depth(lib: Any) -> Any:
    class Deeper(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, depth: int) -> Any:
            ctx.depth = depth
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            if ctx.depth:
                with lib.enable_grad():
                    inner = lib.ones(2, requires_grad=True)
                    (found,) = lib.autograd.grad(Deeper.apply(inner, ctx.depth - 1).sum(), inner)
                return grad + found, None
            return grad, None

    a = leaf(lib)
    Deeper.apply(a, 30).sum().backward()
    return listed(a.grad)


@program
def a_pass_through_the_graph_that_is_running(lib: Any) -> Any:
    a = leaf(lib)
    x = a * a
    y = x * 3
    log: list[Any] = []

    def hook(grad: Any) -> None:
        with lib.enable_grad():
            log.append(listed(lib.autograd.grad(x.sum(), a, retain_graph=True)))

    y.register_hook(hook)
    y.sum().backward()
    return log, listed(a.grad)


@program
def callbacks_after_the_pass(lib: Any) -> Any:
    queue = lib.autograd.Variable._execution_engine.queue_callback
    outside = refused(lambda: queue(lambda: None))
    a, b = leaf(lib), leaf(lib)
    log: list[Any] = []

    def last() -> None:
        log.append(("last", listed([a.grad, b.grad]), lib.is_grad_enabled()))

    def first() -> None:
        log.append(("first", listed(a.grad)))
        queue(last)

    def inner(grad: Any) -> None:
        log.append("inner hook")
        queue(lambda: log.append("of the inner pass"))

    def hook(grad: Any) -> None:
        queue(first)
        with lib.enable_grad():
            y = b * 2
            y.register_hook(inner)
            y.sum().backward()
        log.append("hook ends")

    x = a * 2
    x.register_hook(hook)
    x.sum().backward()
    return outside, log


@program
def callbacks_of_a_failing_pass(lib: Any) -> Any:
    queue = lib.autograd.Variable._execution_engine.queue_callback
    log: list[str] = []
    a = leaf(lib)
    x = a * 2

    def hook(grad: Any) -> None:
        queue(lambda: log.append("called"))
        raise ValueError("stop")

    handle = x.register_hook(hook)
    error = refused(lambda: (x * 1).sum().backward())
    handle.remove()

    def failing() -> None:
        raise KeyError("from a callback")

    y = a * 2
    y.register_hook(lambda g: queue(failing))
    other = refused(lambda: y.sum().backward())
    (a * 2).sum().backward()
    return error, other[0], log, lib.is_grad_enabled(), listed(a.grad)


@program
def undefined_gradients_reach_a_function_as_zeros(lib: Any) -> Any:
    log: list[Any] = []

    class Silent(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return None

    class Watching(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone(), x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any, other: Any) -> Any:
            log.append(listed([grad, other]))
            return grad + other

    class Unmaterialized(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            log.append(listed(grad))
            return grad

    a, b = leaf(lib), leaf(lib)
    Silent.apply(Watching.apply(a * 2)[1]).sum().backward()
    Silent.apply(Unmaterialized.apply(b)).sum().backward()
    return log, listed([a.grad, b.grad])


# -- modes ------------------------------------------------------------------------------------------------------------


@program
def modes_as_decorators(lib: Any) -> Any:
    a = leaf(lib)

    def one() -> bool:
        return (a * 2).requires_grad

    def several() -> Any:
        yield (a * 2).requires_grad
        yield (a * 2).requires_grad

    found = []
    for mode in (
        lib.no_grad(),
        lib.no_grad,
        lib.enable_grad(),
        lib.inference_mode(),
        lib.inference_mode,
        lib.set_grad_enabled(False),
    ):
        decorated, generator = mode(one), mode(several)
        found.append((decorated(), decorated(), lib.is_grad_enabled(), decorated.__name__))
        outside = []
        for value in generator():
            outside.append((value, lib.is_grad_enabled(), lib.is_inference_mode_enabled()))
        found.append(outside)
        with lib.no_grad():
            found.append((decorated(), [*generator()], lib.is_grad_enabled()))
    return found


@program
def modes_around_sending_and_throwing(lib: Any) -> Any:
    log: list[Any] = []

    @lib.no_grad()
    def generator() -> Any:
        try:
            while True:
                try:
                    log.append((yield lib.is_grad_enabled()))
                except ValueError:
                    log.append(("caught", lib.is_grad_enabled()))
        finally:
            log.append(("closed", lib.is_grad_enabled()))

    run = generator()
    log.append(next(run))
    log.append(run.send("sent"))
    log.append(run.throw(ValueError("thrown")))
    run.close()

    @lib.no_grad()
    def returning() -> Any:
        yield 1
        return "result"

    def delegating() -> Any:
        return (yield from returning())

    run = delegating()
    next(run)
    try:
        next(run)
    except StopIteration as end:
        log.append(end.value)
    return log, lib.is_grad_enabled()


@program
def classes_decorated(lib: Any) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        @lib.no_grad()
        class Thing:
            """A thing."""

            def __init__(self, value: int) -> None:
                self.enabled = lib.is_grad_enabled()
                self.value = value

            def method(self) -> bool:
                return bool(lib.is_grad_enabled())

    thing = Thing(3)
    return thing.enabled, thing.value, thing.method(), [(w.category.__name__, str(w.message)) for w in caught]


@program
def modes_nested(lib: Any) -> Any:
    log = []

    def now() -> None:
        log.append((lib.is_grad_enabled(), lib.is_inference_mode_enabled()))

    with lib.no_grad():
        now()
        with lib.enable_grad():
            now()
            with lib.set_grad_enabled(False):
                now()
            now()
        lib.set_grad_enabled(True)
        now()
    now()
    with lib.inference_mode():
        now()
        with lib.inference_mode(False):
            now()
        with lib.no_grad(), lib.inference_mode(False):
            now()
    now()
    mode = lib.no_grad()
    with mode:
        now()
    with mode:
        now()
    now()
    try:
        with lib.no_grad():
            raise ValueError
    except ValueError:
        now()
    setting = lib.set_grad_enabled(False)
    now()
    lib.set_grad_enabled(True)
    with setting:
        now()
    now()
    lib.set_grad_enabled(True)
    return log


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(same_program: Callable[..., None], function: Callable[[Any], Any], backend: str) -> None:
    same_program(function, backend)
