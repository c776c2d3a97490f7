"""``vmap``: what happens inside it that is more than arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb
from pullback.func import grad, jacfwd, jacrev, vmap

BACKENDS = ["numpy", "jax"]


@pytest.fixture(params=BACKENDS)
def x(request: Any) -> Any:
    with pb.use_backend(request.param):
        yield pb.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])


def test_is_exported_twice() -> None:
    assert pb.vmap is pb.func.vmap


def test_the_function_runs_once(x: pb.Tensor) -> None:
    shapes = []

    def f(row: pb.Tensor) -> pb.Tensor:
        shapes.append(tuple(row.shape))
        return row.sum()

    assert vmap(f)(x).tolist() == [3.0, 12.0]
    assert shapes == [(3,)]


def test_chunks_run_one_after_the_other(x: pb.Tensor) -> None:
    sizes = []

    def f(row: pb.Tensor) -> pb.Tensor:
        sizes.append(pb.func.debug_unwrap(row).shape[1])
        return row.sum()

    assert vmap(f, in_dims=1, chunk_size=2)(x).tolist() == [3.0, 5.0, 7.0]
    assert sizes == [2, 1]


def test_the_function_keeps_its_name() -> None:
    def named(t: pb.Tensor) -> pb.Tensor:
        """Its text."""
        return t

    assert vmap(named).__name__ == "named"
    assert vmap(named).__doc__ == "Its text."


def test_a_method_and_a_module_can_be_mapped() -> None:
    layer = pb.nn.Linear(3, 2)
    rows = pb.ones(4, 3)
    pb.testing.assert_close(vmap(layer)(rows), layer(rows))


def test_unmapped_computations_run_on_one_example_only() -> None:
    seen = []

    def f(row: pb.Tensor, weight: pb.Tensor) -> pb.Tensor:
        doubled = weight * 2
        seen.append(doubled)
        return row * doubled

    vmap(f, in_dims=(0, None))(pb.ones(4, 3), pb.ones(3))
    assert tuple(pb.func.debug_unwrap(seen[0]).shape) == (3,)


def test_iteration_length_and_attributes_are_those_of_one_example(x: pb.Tensor) -> None:
    def f(row: pb.Tensor) -> pb.Tensor:
        assert len(row) == 3
        assert (row.ndim, row.numel(), row.dtype, row.shape) == (1, 3, pb.float32, (3,))
        assert row.backend.name == x.backend.name
        first, *others = row
        return first + sum(others)

    assert vmap(f)(x).tolist() == [3.0, 12.0]


# -- writing in place -------------------------------------------------------------------------------------------------


def written(row: pb.Tensor) -> pb.Tensor:
    y = row.clone()
    view = y[1:]
    y[0] = 5
    view.mul_(row[0] + 2)
    y += 1
    return y


def test_writing_reaches_the_base_through_a_view(x: pb.Tensor) -> None:
    assert vmap(written)(x).tolist() == [[6.0, 3.0, 5.0], [6.0, 21.0, 26.0]]
    assert x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_gradients_flow_through_writing_inside_and_outside(x: pb.Tensor) -> None:
    expected = [[3.0, 2.0, 2.0], [9.0, 5.0, 5.0]]
    assert vmap(grad(lambda row: written(row).sum()))(x).tolist() == expected
    assert grad(lambda rows: vmap(written)(rows).sum())(x).tolist() == expected


def test_forward_mode_flows_through_writing() -> None:
    rows = pb.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    pb.testing.assert_close(vmap(jacfwd(written))(rows), vmap(jacrev(written))(rows))


def test_writing_an_argument_writes_what_was_given(x: pb.Tensor) -> None:
    vmap(lambda row: row.mul_(2))(x)
    assert x.tolist() == [[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]


def test_new_tensors_like_a_mapped_one_can_be_written(x: pb.Tensor) -> None:
    def f(row: pb.Tensor) -> pb.Tensor:
        made = row.new_zeros(2)
        made[0] = row[0]
        made.add_(pb.zeros_like(row).add_(row)[:2])
        return made

    assert vmap(f)(x).tolist() == [[0.0, 1.0], [6.0, 4.0]]


def test_a_refused_write_changes_nothing(x: pb.Tensor) -> None:
    outside = pb.zeros(3)
    version = outside._version
    with pytest.raises(RuntimeError, match=r"output with shape \[3\] doesn't match the broadcast shape \[2, 3\]"):
        vmap(lambda row: outside.add_(row))(x)
    assert outside.tolist() == [0.0, 0.0, 0.0]
    assert outside._version == version


def test_a_write_that_is_the_same_for_each_example_is_allowed() -> None:
    outside = pb.zeros(3)
    vmap(lambda row: row + outside.add_(1))(pb.ones(2, 3))
    assert outside.tolist() == [1.0, 1.0, 1.0]


def test_a_saved_tensor_written_inside_is_noticed() -> None:
    def f(row: pb.Tensor) -> pb.Tensor:
        y = row * 1
        z = (y * y).sum()
        y.add_(1)
        return z

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        vmap(grad(f))(pb.ones(2, 3))


def test_an_argument_that_is_being_differentiated_outside_cannot_be_written() -> None:
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        grad(lambda rows: vmap(lambda row: row.mul_(2).sum())(rows).sum())(pb.ones(2, 3))
    leaf = pb.ones(2, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
        vmap(lambda row: row[0].mul_(2))(leaf)
    assert leaf.tolist() == pb.ones(2, 3).tolist()
    assert leaf._version == 0


def test_detaching_inside_detaches_from_what_is_differentiated_outside(x: pb.Tensor) -> None:
    kept = x.clone()
    for detached in (pb.Tensor.detach, lambda row: (row * 1).detach_()):
        found = grad(lambda rows, d=detached: vmap(lambda row: (d(row) * row).sum())(rows).sum())(x)
        assert found.tolist() == kept.tolist()
    nested = grad(lambda rows: vmap(vmap(lambda t: t.detach() * t))(rows).sum())(x)
    assert nested.tolist() == kept.tolist()
    tangent = pb.func.jvp(lambda rows: vmap(lambda row: row.detach() * row)(rows), (x,), (pb.ones(2, 3),))[1]
    assert tangent.tolist() == kept.tolist()
    assert not vmap(lambda row: row.detach() * 2)(x.clone().requires_grad_()).requires_grad


def test_what_is_detached_inside_shares_memory(x: pb.Tensor) -> None:
    def f(row: pb.Tensor) -> pb.Tensor:
        y = row * 1
        y.detach().mul_(2)
        return y

    assert vmap(f)(x).tolist() == (x * 2).tolist()


# -- random numbers ---------------------------------------------------------------------------------------------------

DRAWS = {
    "rand": lambda t: pb.rand(4),
    "randn": lambda t: pb.randn(4, dtype=pb.float64),
    "randint": lambda t: pb.randint(0, 1000, (4,)),
    "randperm": lambda t: pb.randperm(20),
    "rand_like": lambda t: pb.rand_like(t),
    "normal": lambda t: pb.normal(0.0, 1.0, (4,)),
    "uniform_": lambda t: pb.zeros_like(t).uniform_(),
    "bernoulli": lambda t: pb.full_like(t, 0.5).repeat(20).bernoulli(),
    "multinomial": lambda t: pb.multinomial(pb.ones(20), 8),
    "dropout": lambda t: pb.nn.functional.dropout(pb.ones_like(t).repeat(20)),
}


@pytest.mark.parametrize("name", list(DRAWS))
def test_different_draws_for_each_example(name: str) -> None:
    drawn = vmap(DRAWS[name], randomness="different")(pb.zeros(3, 4))
    assert drawn.shape[0] == 3
    assert not drawn[0].equal(drawn[1])


@pytest.mark.parametrize("name", [n for n in DRAWS if n != "bernoulli"])
def test_the_same_draw_for_all_examples(name: str) -> None:
    drawn = vmap(DRAWS[name], randomness="same")(pb.zeros(3, 4))
    assert drawn[0].equal(drawn[1])
    assert drawn[0].equal(drawn[2])


@pytest.mark.parametrize("name", list(DRAWS))
def test_no_draw_unless_told_how(name: str) -> None:
    state = pb.get_rng_state()
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        vmap(DRAWS[name])(pb.zeros(3, 4))
    assert pb.get_rng_state().equal(state)


@pytest.mark.parametrize("draw", [lambda: pb.zeros(4).uniform_(), lambda: pb.bernoulli(pb.full((64,), 0.5))])
def test_what_has_been_drawn_before_outside_is_not_drawn_as_there(draw: Any) -> None:
    draw()
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        vmap(lambda t: t.sum() + draw())(pb.zeros(3, 4))


def test_different_draws_cannot_go_where_examples_are_the_same() -> None:
    with pytest.raises(RuntimeError, match="Cannot ask for different inplace randomness on an unbatched tensor"):
        vmap(lambda t: pb.zeros(4).uniform_() + t, randomness="different")(pb.zeros(3, 4))


@pytest.mark.parametrize(
    ("outer", "inner", "equal"),
    [
        ("different", "different", [0, 1, 2, 3]),
        ("different", "same", [0, 0, 2, 2]),
        ("same", "different", [0, 1, 0, 1]),
        ("same", "same", [0, 0, 0, 0]),
    ],
)
def test_each_level_says_how_its_examples_draw(outer: str, inner: str, equal: list[int]) -> None:
    drawn = vmap(lambda t: vmap(lambda u: pb.rand(3), randomness=inner)(t), randomness=outer)(pb.zeros(2, 2))
    rows = [tuple(row) for row in drawn.reshape(4, 3).tolist()]
    assert [rows.index(row) for row in rows] == equal


@pytest.mark.parametrize(("outer", "inner"), [("error", "different"), ("error", "same"), ("different", "error")])
def test_one_level_that_was_not_told_how_refuses(outer: str, inner: str) -> None:
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        vmap(lambda t: vmap(lambda u: pb.rand(3), randomness=inner)(t), randomness=outer)(pb.zeros(2, 2))


def test_numbers_are_drawn_around_the_mean_of_each_example() -> None:
    means, deviations = pb.tensor([[0.0, 100.0], [1000.0, 5000.0]]), pb.tensor([1e-3, 2e-3])
    for drawn in (
        vmap(lambda m: pb.normal(m, 1e-3), randomness="different")(means),
        vmap(lambda m: pb.normal(m, deviations), randomness="different")(means),
        vmap(lambda m, d: pb.normal(m, d.expand(2)), randomness="different")(means, deviations),
    ):
        assert (drawn - means).abs().max().item() < 0.1


def test_a_permutation_of_each_example_is_one() -> None:
    orders = vmap(lambda t: pb.randperm(20), randomness="different")(pb.zeros(3))
    assert orders.sort().values.tolist() == [list(range(20))] * 3


def test_indices_are_drawn_by_the_weights_of_each_example() -> None:
    weights = pb.tensor([[[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]])
    drawn = vmap(lambda w: pb.multinomial(w, 3, replacement=True), randomness="different")(weights)
    assert drawn.tolist() == [[[1] * 3, [0] * 3], [[0] * 3, [0] * 3]]


def test_the_same_draw_cannot_depend_on_what_differs() -> None:
    with pytest.raises(RuntimeError, match="does not currently support same randomness with a batched tensor input"):
        vmap(lambda t: t.bernoulli(), randomness="same")(pb.rand(3, 4))


# -- what cannot be mapped --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [pb.Tensor.item, float, int, pb.Tensor.tolist, pb.Tensor.numpy])
def test_elements_cannot_be_read(read: Any) -> None:
    with pytest.raises(RuntimeError, match=r"vmap: It looks like you're calling .item\(\) on a Tensor"):
        vmap(lambda row: read(row.sum()))(pb.ones(2, 3))


def test_classes_of_each_example_become_vectors_where_their_number_is_told() -> None:
    classes = pb.tensor([[0, 2], [1, 1]])
    one_hot = pb.nn.functional.one_hot
    assert vmap(lambda row: one_hot(row, 3))(classes).tolist() == one_hot(classes, 3).tolist()
    with pytest.raises(RuntimeError, match="please provide an explicit positive num_classes argument"):
        vmap(one_hot)(classes)


def test_numbers_between_ends_of_each_example() -> None:
    ends = pb.tensor([[0.0, 1.0], [2.0, -3.0]])
    found = vmap(lambda row: pb.linspace(row[0], row[1], 5))(ends)
    pb.testing.assert_close(found, pb.stack([pb.linspace(0, 1, 5), pb.linspace(2, -3, 5)]))
    assert vmap(lambda row: pb.logspace(row[0], 2, 3, base=2))(ends).tolist() == [[1.0, 2.0, 4.0], [4.0, 4.0, 4.0]]


def test_a_mask_of_each_example_takes_elements_of_a_source() -> None:
    masks = pb.tensor([[True, False, True], [False, True, False]])
    found = vmap(lambda mask, source: pb.zeros(3).masked_scatter(mask, source))(masks, pb.arange(6.0).reshape(2, 3))
    assert found.tolist() == [[0.0, 0.0, 1.0], [0.0, 3.0, 0.0]]
    with pytest.raises(RuntimeError, match="Number of elements of source < number of ones in mask"):
        vmap(lambda mask: pb.zeros(3).masked_scatter(mask, pb.ones(1)))(masks)


def test_positions_out_of_bounds_are_told_as_of_one_example() -> None:
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 3"):
        vmap(lambda row, places: row[places])(pb.ones(2, 3), pb.tensor([[0, 5], [1, 1]]))


def test_gradients_flow_where_examples_have_no_positions() -> None:
    places = pb.zeros(2, 0, dtype=pb.int64)

    def total(x: pb.Tensor, values: pb.Tensor) -> pb.Tensor:
        return vmap(lambda k: x.index_put((k,), values, accumulate=True) + x[k].sum())(places).sum()

    found = grad(total, argnums=(0, 1))(pb.ones(4), pb.ones(0))
    assert [gradient.tolist() for gradient in found] == [[2.0] * 4, []]


def test_elements_that_are_the_same_for_each_example_can_be_read() -> None:
    weight = pb.tensor([1.0, 2.0])
    assert vmap(lambda row: row * float((weight * 2).sum()) if weight.sum() > 0 else row)(pb.ones(2)).tolist() == [6, 6]


def test_a_tensor_that_escaped_is_of_no_use() -> None:
    kept = []
    vmap(lambda row: kept.append(row) or row)(pb.ones(2, 3))
    with pytest.raises(RuntimeError, match="may have escaped from inside a function being vmapped"):
        kept[0] + 1


def test_a_tensor_that_escaped_is_not_taken_for_one_of_another_vmap() -> None:
    kept = []
    vmap(lambda row: kept.append(row) or row)(pb.ones(2, 3))
    with pytest.raises(RuntimeError, match="may have escaped"):
        vmap(lambda row: row + kept[0])(pb.zeros(2, 3))
    with pytest.raises(RuntimeError, match="may have escaped"):
        vmap(lambda row: kept[0])(pb.zeros(2, 3))


def test_draws_are_told_how_through_a_forward_pass_too() -> None:
    def f(row: pb.Tensor) -> pb.Tensor:
        def noisy(t: pb.Tensor) -> pb.Tensor:
            return t + pb.rand(3) + pb.zeros(3).uniform_()

        return pb.func.jvp(lambda t: pb.func.jvp(noisy, (t,), (t,))[0], (row,), (row,))[0]

    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        vmap(f)(pb.zeros(2, 3))
    drawn = vmap(f, randomness="same")(pb.zeros(2, 3))
    assert drawn[0].equal(drawn[1])


def test_an_error_leaves_no_level_behind() -> None:
    with pytest.raises(ZeroDivisionError):
        vmap(lambda row: 1 / 0)(pb.ones(2))
    assert grad(lambda t: t**2)(pb.tensor(3.0)).backend.level == 0
    assert vmap(lambda row: pb.func.debug_unwrap(row).ndim, out_dims=None)(pb.ones(2)) == 1


def test_an_error_names_the_shapes_of_one_example() -> None:
    with pytest.raises(RuntimeError, match=r"size of tensor a \(3\) must match the size of tensor b \(2\)"):
        vmap(lambda row: row + pb.ones(2))(pb.ones(4, 3))
    with pytest.raises(RuntimeError, match="inconsistent tensor size, expected tensor"):
        vmap(lambda row: row.dot(pb.ones(2)))(pb.ones(4, 3))


def test_an_operation_without_a_rule_warns_and_runs_one_by_one() -> None:
    from pullback.extend import op, registry

    try:
        exec(_DECLARATION, {"op": op})
        with pytest.warns(UserWarning, match="not yet implemented the batching rule for without_rule"):
            found = vmap(registry["without_rule"].call)(pb.tensor([[1.0, 2.0], [3.0, 4.0]]), pb.ones(2, 2))
        assert found.tolist() == [[2.0, 3.0], [4.0, 5.0]]
    finally:
        registry.pop("without_rule", None)


_DECLARATION = '''
@op(nondifferentiable="for the test", method=False)
def without_rule(backend, input: "Array", other: "Array"):
    """The sum."""
    return backend.add(input, other)
'''


# -- nesting and other features ---------------------------------------------------------------------------------------


def test_levels_nest_with_each_kind_of_argument() -> None:
    a, b = pb.tensor([1.0, 2.0]), pb.tensor([10.0, 20.0, 30.0])
    table = vmap(lambda s: vmap(lambda t: s * t + b.sum())(b))(a)
    assert table.tolist() == [[70.0, 80.0, 90.0], [80.0, 100.0, 120.0]]


def test_jax_traces_through() -> None:
    jax = pytest.importorskip("jax")
    with pb.use_backend("jax"):

        def f(array: Any) -> Any:
            t = pb.asarray(array)
            return vmap(grad(lambda row: (row**3).sum()))(t).array

        assert jax.jit(f)(jax.numpy.asarray([[1.0, 2.0]])).tolist() == [[3.0, 12.0]]


def test_a_tensor_subclass_comes_out_a_tensor() -> None:
    parameter = pb.nn.Parameter(pb.ones(2, 3))
    assert vmap(lambda row: row * 2)(parameter).requires_grad


def test_per_example_gradients_of_a_network_are_those_of_a_loop() -> None:
    pb.manual_seed(0)
    model = pb.nn.Sequential(pb.nn.Linear(20, 32), pb.nn.ReLU(), pb.nn.Linear(32, 10))
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    examples, targets = pb.randn(256, 20), pb.randint(0, 10, (256,))

    def loss(weights: Any, example: pb.Tensor, target: pb.Tensor) -> pb.Tensor:
        scores = pb.func.functional_call(model, weights, (example.unsqueeze(0),))
        return pb.nn.functional.cross_entropy(scores, target.unsqueeze(0))

    together = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, examples, targets)
    for number in (0, 100, 255):
        alone = grad(loss)(parameters, examples[number], targets[number])
        for name, gradient in alone.items():
            pb.testing.assert_close(together[name][number], gradient, rtol=1e-4, atol=1e-6)


def test_an_ensemble_runs_at_once() -> None:
    models = [pb.nn.Sequential(pb.nn.Linear(3, 4), pb.nn.Tanh(), pb.nn.Linear(4, 2)) for _ in range(3)]
    parameters, buffers = pb.func.stack_module_state(models)
    rows = pb.randn(5, 3)

    def call(weights: Any, state: Any, given: pb.Tensor) -> pb.Tensor:
        return pb.func.functional_call(models[0], (weights, state), (given,))

    together = vmap(call, in_dims=(0, 0, None))(parameters, buffers, rows)
    pb.testing.assert_close(together, pb.stack([model(rows) for model in models]))
    together.sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in parameters.values())


def test_a_batched_pass_leaves_retained_gradients_alone() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    tripled = x * 3
    tripled.retain_grad()
    (rows,) = pb.autograd.grad(tripled, x, pb.eye(2), is_grads_batched=True, retain_graph=True)
    assert rows.tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert tripled.grad is None
    tripled.sum().backward()
    assert tripled.grad is not None
    assert tripled.grad.tolist() == [1.0, 1.0]
