"""Looking into the graph, hooks over several tensors, saved tensors and modes: the same program as on PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

pytestmark = pytest.mark.oracle

PROGRAMS: list[Callable[[Any], Any]] = []


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def leaf(lib: Any) -> Any:
    return lib.tensor([2.0, 3.0], requires_grad=True)


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    try:
        found = action()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    return "nothing refused", repr(found)


@program
def packed_as_lists(lib: Any) -> Any:
    a = leaf(lib)
    log = []

    def pack(x: Any) -> Any:
        log.append(("pack", [round(v, 2) for v in x.flatten().tolist()]))
        return x.tolist()

    def unpack(packed: Any) -> Any:
        log.append(("unpack", None))
        return lib.tensor(packed)

    with lib.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = (a * a).exp() * a.sum()
    y.sum().backward()
    return a.grad.tolist(), sorted(map(str, log))


@program
def innermost_hooks(lib: Any) -> Any:
    a = leaf(lib)
    hooks = lib.autograd.graph.saved_tensors_hooks
    with hooks(lambda x: x * 10, lambda x: x), hooks(lambda x: x * 2, lambda x: x):
        y = (a**2).sum()
    y.backward()
    return a.grad.tolist()


@program
def second_order_through_packed_tensors(lib: Any) -> Any:
    a = leaf(lib)
    with lib.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
        y = (a**3 * a.exp()).sum()
    (first,) = lib.autograd.grad(y, a, create_graph=True)
    (second,) = lib.autograd.grad(first.sum(), a)
    return [round(v, 3) for v in second.tolist()]


@program
def modes_that_hooks_run_in(lib: Any) -> Any:
    a = leaf(lib)
    log = []

    def noted(tensor: Any) -> Any:
        log.append(lib.is_grad_enabled())
        return tensor

    with lib.autograd.graph.saved_tensors_hooks(noted, noted):
        y = (a * a.exp()).sum()
    (first,) = lib.autograd.grad(y, a, create_graph=True)
    lib.autograd.grad(y, a)
    return log, first.tolist(), lib.is_grad_enabled()


@program
def saved_on_the_host(lib: Any) -> Any:
    a = leaf(lib)
    with lib.autograd.graph.save_on_cpu():
        y = (a * a.exp()).sum()
    y.backward()
    return a.grad.tolist()


@program
def saved_values_of_nodes(lib: Any) -> Any:
    a = leaf(lib)
    y = a * a
    z = y.exp()
    w = a.pow(3.0)
    found = [
        y.grad_fn._saved_self.tolist(),
        y.grad_fn._saved_self is a,
        z.grad_fn._saved_result.tolist(),
        z.grad_fn._saved_result is z,
        w.grad_fn._saved_exponent,
        refused(lambda: y.grad_fn._saved_nothing)[0],
    ]
    z.sum().backward()
    return found, refused(lambda: y.grad_fn._saved_self)


@program
def hooks_of_one_saved_tensor(lib: Any) -> Any:
    a = leaf(lib)
    y = a**2
    y.grad_fn._raw_saved_self.register_hooks(lambda x: 2 * x, lambda x: x / 4)
    again = refused(lambda: y.grad_fn._raw_saved_self.register_hooks(lambda x: x, lambda x: x))
    y.sum().backward()
    return a.grad.tolist(), again


@program
def hooks_of_a_custom_functions_tensors(lib: Any) -> Any:
    class Cube(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            out = x**3
            ctx.save_for_backward(x, out)
            ctx.note = "kept"
            return out

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x, out = ctx.saved_tensors
            return 3 * out / x * grad

    a = leaf(lib)
    counts = [0, 0]

    def pack(x: Any) -> Any:
        counts[0] += 1
        return x.tolist()

    def unpack(packed: Any) -> Any:
        counts[1] += 1
        return lib.tensor(packed)

    with lib.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = Cube.apply(a)
    note = y.grad_fn.note
    y.sum().backward()
    return a.grad.tolist(), counts, note


@program
def refused_hooks(lib: Any) -> Any:
    a = leaf(lib)
    graph = lib.autograd.graph

    def forbidden() -> None:
        with graph.disable_saved_tensors_hooks("not here"), graph.save_on_cpu():
            pass

    def writes(x: Any) -> Any:
        return x.mul_(2)

    def packed_in_place() -> None:
        b = a * 1
        with graph.saved_tensors_hooks(writes, lambda x: x):
            b * b

    def unpacked_to_a_number() -> None:
        with graph.saved_tensors_hooks(lambda x: 1, lambda x: 1):
            y = a * a
        y.sum().backward()

    return refused(forbidden), refused(packed_in_place), refused(unpacked_to_a_number)


@program
def hooks_left_out_of_order(lib: Any) -> Any:
    a = leaf(lib)
    log: list[Any] = []
    graph = lib.autograd.graph

    def hooks(number: int) -> Any:
        return graph.saved_tensors_hooks(lambda t: log.append(number) or t, lambda t: t)

    first, second = hooks(1), hooks(2)

    def save() -> None:
        a.exp()
        log.append("|")

    for step in (first, second, None, None, first, first, None, None):
        save()
        if step is None:
            first.__exit__()
        else:
            step.__enter__()
    save()
    messages = [graph.disable_saved_tensors_hooks(text) for text in ("one", "two")]
    with messages[0]:
        with messages[1]:
            inner = refused(lambda: first.__enter__())
        outer = refused(lambda: first.__enter__())
        (a * a).grad_fn._raw_saved_self.register_hooks(lambda t: log.append("registered") or t, lambda t: t)
    with first:
        save()
    return log, inner, outer


@program
def what_is_no_hook(lib: Any) -> Any:
    a = leaf(lib)
    y = a * a
    raw = y.grad_fn._raw_saved_self
    y.sum().backward()
    return (
        refused(lambda: lib.autograd.graph.saved_tensors_hooks(1, 2).__enter__())[0],
        refused(lambda: a * a)[0],
        refused(lambda: (a * a).grad_fn._raw_saved_self.register_hooks(1, 2))[0],
        refused(lambda: raw.register_hooks(lambda t: t, lambda t: t)),
        refused(lambda: y.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)),
        refused(lambda: y.grad_fn._saved_self),
    )


@program
def more_saved_values_of_nodes(lib: Any) -> Any:
    x = lib.tensor([[2.0, 3.0], [4.0, 5.0]], requires_grad=True)
    v = lib.tensor([1.0, 2.0], requires_grad=True)

    def saved(tensor: Any, *names: str) -> Any:
        values = [getattr(tensor.grad_fn, f"_saved_{name}") for name in names]
        return [v.tolist() if hasattr(v, "tolist") else v for v in values]

    return (
        saved(x @ x, "self", "mat2"),
        saved(x @ v, "self", "vec"),
        saved(v @ v, "self", "tensor"),
        saved(x.sum(1), "dim", "keepdim"),
        saved(x.mean((0, 1), keepdim=True), "dim", "keepdim"),
        saved(x.var(0), "dim", "correction"),
        saved(x.roll(1, 0), "shifts", "dims"),
        saved(x * 3, "self", "other"),
        saved(x.pow(3), "exponent"),
        [i.tolist() for i in x[lib.tensor([0])].grad_fn._saved_indices],
        saved(lib.nn.functional.mse_loss(x, x.detach()), "reduction"),
    )


@program
def writes_to_what_several_nodes_saved(lib: Any) -> Any:
    found = []

    def again(b: Any) -> Any:
        first = (b**2).sum()
        b.sin_()
        second = (b**3).sum()
        b.cos_()
        return first + second + b.sum()

    def out_argument(b: Any) -> Any:
        constant = b.detach().clone()
        product = b * constant
        lib.add(constant, constant, out=constant)
        return product.sum()

    def drawn(b: Any) -> Any:
        constant = b.detach().clone()
        product = b * constant
        constant.uniform_()
        return product.sum()

    def of_a_function(b: Any) -> Any:
        total = (b * b).sum()
        lib.nn.functional.relu(b, inplace=True)
        return total

    for write in (again, out_argument, drawn, of_a_function):
        a = leaf(lib)
        with lib.autograd.graph.allow_mutation_on_saved_tensors():
            write(a.clone()).backward()
        found.append(a.grad.tolist())
    return found


@program
def writes_to_saved_tensors(lib: Any) -> Any:
    x = lib.ones(2, requires_grad=True)
    with lib.autograd.graph.allow_mutation_on_saved_tensors() as saved:
        b = x.clone()
        square = (b**2).sum()
        e = b.exp()
        total = e.sum()
        part = b[0]
        b.sin_()
        e.mul_(3)
        part.zero_()
        square.backward()
        total.backward()
        again = (x * x).sum()
        saved.clear()
        cleared = refused(again.backward)
        nested = refused(lambda: lib.autograd.graph.allow_mutation_on_saved_tensors().__enter__())
        outside = (x * x).sum()
    return x.grad.tolist(), cleared[0], nested, refused(outside.backward)


@program
def hooks_over_several_tensors(lib: Any) -> Any:
    graph = lib.autograd.graph
    p = [lib.tensor(float(i + 1), requires_grad=True) for i in range(4)]
    calls: list[Any] = []
    handle = graph.register_multi_grad_hook(
        p, lambda grads: calls.append([g if g is None else g.item() for g in grads])
    )
    c, d = p[0] * p[1], p[1] * p[2]
    c.backward(retain_graph=True)
    (c + d).backward(inputs=p[:2])
    handle.remove()
    (p[0] * 2).backward()
    seen = list(calls)
    calls.clear()
    first = graph.register_multi_grad_hook(p, lambda grad: calls.append(grad.item()), mode="any")
    (p[0] * p[1]).backward()
    (p[2] * 2).backward()
    first.remove()
    return seen, len(calls), refused(lambda: graph.register_multi_grad_hook(p, print, mode="some"))


@program
def gradient_edges(lib: Any) -> Any:
    graph = lib.autograd.graph
    x = lib.ones(3, requires_grad=True)
    y = x * 2
    z = y.exp()
    _, middle, _ = z.split(1)
    edge, last = graph.get_gradient_edge(y), graph.get_gradient_edge(middle)
    total = (middle * 5).sum()
    node, number = total.grad_fn.next_functions[0][0].next_functions[0]
    return (
        (edge.node.name(), edge.output_nr, last.node.name(), last.output_nr),
        [g.tolist() for g in lib.autograd.grad(total, [edge, last], retain_graph=True)],
        lib.autograd.grad(total, graph.GradientEdge(node, number), retain_graph=True)[0].tolist(),
        lib.autograd.grad(graph.get_gradient_edge(total), x, retain_graph=True)[0].tolist(),
        lib.autograd.grad(graph.get_gradient_edge(z), x, lib.ones(3), retain_graph=True)[0].tolist(),
        isinstance(z.grad_fn, graph.Node),
        isinstance(graph.get_gradient_edge(x).node, graph.Node),
        refused(lambda: graph.get_gradient_edge(lib.ones(1))),
        refused(lambda: lib.autograd.grad(graph.get_gradient_edge(z), x)),
        refused(lambda: lib.autograd.grad(total, "x")),
    )


@program
def versions_counted_by_hand(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    z = y * y
    lib.autograd.graph.increment_version([y])
    increment = lib.autograd.graph.increment_version
    before = y._version
    wrong = refused(lambda: increment(1)), refused(lambda: increment([1])), y._version == before
    return y._version, refused(z.sum().backward), wrong


@program
def inference_tensors(lib: Any) -> Any:
    x = leaf(lib)
    plain = lib.ones(2)
    with lib.inference_mode():
        y = x * 2
        made = lib.zeros(2)
        view = plain[0]
        own = y[1:]
        y.add_(1)
        plain.mul_(3)
        with lib.enable_grad():
            still = (x * 2).requires_grad
        with lib.inference_mode(False):
            left = (x * 2).requires_grad
        state = lib.is_inference_mode_enabled(), lib.is_grad_enabled()
        flags = [t.is_inference() for t in (y, made, view, own, x, plain, lib.cat([x, x]), x[0], y.clone(), x.detach())]
    product = (x * y.clone()).tolist(), (x + y).tolist()
    return (
        flags,
        (still, left, state, y.tolist(), plain.tolist(), plain._version),
        (y.requires_grad, y.grad_fn, (y + 1).is_inference(), y.clone().is_inference(), y[0].is_inference()),
        refused(lambda: y.add_(1)),
        refused(lambda: own.zero_()),
        refused(lambda: x * y),
        refused(lambda: y._version),
        refused(lambda: y.requires_grad_()),
        product,
        lib.is_inference(y),
    )


@program
def inference_as_a_decorator(lib: Any) -> Any:
    x = leaf(lib)

    @lib.inference_mode()
    def called(value: Any) -> Any:
        return value * 2

    @lib.inference_mode
    def bare(value: Any) -> Any:
        return value * 2

    @lib.inference_mode(False)
    def recorded(value: Any) -> Any:
        return value * 2

    return [f(x).is_inference() for f in (called, bare, recorded)], recorded(x).requires_grad


@program
def anomalies(lib: Any) -> Any:
    x = lib.tensor(-1.0, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with lib.autograd.detect_anomaly():
            y = x.sqrt() * 2
            error = refused(y.backward)
            enabled = lib.is_anomaly_enabled(), lib.is_anomaly_check_nan_enabled()
        with lib.autograd.set_detect_anomaly(True, check_nan=False):
            x.sqrt().backward()
            checked = lib.is_anomaly_check_nan_enabled()
        late = x.sqrt()
        with lib.autograd.set_detect_anomaly(True):
            refused(late.backward)
    caught = [w for w in caught if w.category is UserWarning]
    texts = [str(w.message).split("Traceback")[0].split("(Triggered")[0].strip() for w in caught]
    shown = [("x.sqrt() * 2" in str(w.message)) for w in caught]
    return error, enabled, checked, texts, shown, lib.is_anomaly_enabled()


@program
def callbacks_and_order(lib: Any) -> Any:
    x = leaf(lib)
    log: list[str] = []
    y = x * 2
    z = y * 3
    y.register_hook(lambda g: log.append("tensor hook of y"))
    y.grad_fn.register_prehook(lambda g: log.append("prehook of y's node"))
    y.grad_fn.register_hook(lambda i, o: log.append("hook of y's node"))
    x.register_hook(lambda g: log.append("tensor hook of x"))
    x.register_post_accumulate_grad_hook(lambda t: log.append("post accumulate"))
    accumulate = y.grad_fn.next_functions[0][0]
    accumulate.register_prehook(lambda g: log.append("prehook of accumulate"))
    accumulate.register_hook(lambda i, o: log.append(f"hook of accumulate {len(i)} {len(o)}"))
    y.retain_grad()
    z.sum().backward()
    return log, y.grad.tolist(), accumulate.variable is x, accumulate.name()


@program
def nodes_that_are_called(lib: Any) -> Any:
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = lib.tensor([3.0], requires_grad=True)
    g = lib.ones(2)
    product, largest, parts = x * y, x.max(0).values, x.split(1)

    def shown(found: Any) -> Any:
        if isinstance(found, tuple):
            return [shown(f) for f in found]
        return found if found is None else (found.tolist(), found.requires_grad)

    def refused(action: Callable[[], Any]) -> Any:
        try:
            return shown(action())
        except (TypeError, RuntimeError) as error:
            return type(error).__name__, str(error)

    found = [shown(node(g)) for node in (product.grad_fn, (x * 2).grad_fn, x.exp().grad_fn, (x + y).grad_fn)]
    found += [shown(largest.grad_fn(lib.tensor(1.0))), shown(parts[0].grad_fn(lib.ones(1), None))]
    found += [shown(product.grad_fn(None)), refused(lambda: product.grad_fn(g, g)), refused(lambda: product.grad_fn(3))]
    accumulate = product.grad_fn.next_functions[0][0]
    found += [accumulate(g), x.grad.tolist()]
    product.sum().backward()
    return [*found, refused(lambda: product.grad_fn(g))]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(same_program: Callable[..., None], function: Callable[[Any], Any], backend: str) -> None:
    same_program(function, backend)
