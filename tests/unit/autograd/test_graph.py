"""The graph as it can be looked at: nodes, their names, edges, leaves, versions."""

from __future__ import annotations

import gc
import weakref

import pytest

import pullback as pb


def test_nodes_are_named_as_pytorch_names_them() -> None:
    x = pb.ones(2, 2, requires_grad=True)
    assert (x + 1).grad_fn.name() == "AddBackward0"
    assert (2 * x).grad_fn.name() == "MulBackward0"
    assert (1 - x).grad_fn.name() == "RsubBackward1"
    assert x.mean().grad_fn.name() == "MeanBackward0"
    assert x.sum(0).grad_fn.name() == "SumBackward1"
    assert repr((x * 2).grad_fn).startswith("<MulBackward0 object at 0x")


def test_next_functions_lead_to_the_leaves() -> None:
    x = pb.ones(2, requires_grad=True)
    c = pb.ones(2)
    y = x * c
    z = y + x
    (first, number), (second, _) = z.grad_fn.next_functions
    assert first is y.grad_fn
    assert number == 0
    assert second.name() == "torch::autograd::AccumulateGrad"
    assert second.variable is x
    assert y.grad_fn.next_functions[1] == (None, 0)


def test_the_node_of_a_leaf_is_one_object_while_somebody_holds_it() -> None:
    x = pb.ones(2, requires_grad=True)
    first, second = x * 2, x * 3
    node = first.grad_fn.next_functions[0][0]
    assert second.grad_fn.next_functions[0][0] is node
    assert pb.autograd.graph.get_gradient_edge(x).node is node
    called = []
    node.register_prehook(lambda grads: called.append(grads))
    gone = weakref.ref(node)
    gc.disable()
    try:
        del node
        assert gone() is None
        leaf = weakref.ref(x)
        first.sum().backward()
        assert len(called) == 1
        del x, first, second
        assert leaf() is None
    finally:
        gc.enable()


def test_an_output_is_the_same_edge_for_all_who_ask() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    deviation, mean = pb.std_mean(x)
    (first,) = pb.autograd.grad(deviation, x, create_graph=True)
    gone = weakref.ref(deviation)
    gc.disable()
    try:
        assert len(pb.autograd.grad(first.sum(), [x, deviation], retain_graph=True)) == 2
        del deviation
        assert gone() is None
        assert pb.autograd.grad(first[0] * mean, [x, mean], retain_graph=True)[1] is not None
        node = weakref.ref(mean.grad_fn)
        del first, mean
        assert node() is None
    finally:
        gc.enable()


def test_leaves() -> None:
    x = pb.ones(2, requires_grad=True)
    assert x.is_leaf
    assert x.grad_fn is None
    assert pb.ones(2).is_leaf
    assert not (x * 2).is_leaf
    assert (x * 2).detach().is_leaf


def test_only_floating_and_complex_tensors_require_gradients() -> None:
    with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"):
        pb.ones(2, dtype=pb.int64, requires_grad=True)
    with pytest.raises(RuntimeError, match="only Tensors of floating point dtype can require gradients"):
        pb.ones(2, dtype=pb.int64).requires_grad_()


def test_the_flag_of_a_computed_tensor_cannot_be_cleared() -> None:
    y = pb.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        y.requires_grad = False
    assert y.requires_grad


def test_only_what_a_formula_needs_is_kept_alive() -> None:
    x = pb.ones(2, requires_grad=True)
    intermediate = x * 2
    alive = weakref.ref(intermediate)
    y = intermediate + 1  # the sum's gradient needs no operand
    del intermediate
    assert alive() is None
    assert y.requires_grad


def test_the_graph_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = pb.ones(2, requires_grad=True)
        y = x.exp()
        node = weakref.ref(y.grad_fn)
        (y * y).sum().backward()
        del y
        assert node() is None
    finally:
        gc.enable()


def test_writing_a_saved_tensor_is_noticed() -> None:
    x = pb.ones(2, 2, requires_grad=True)
    w = x * 1
    y = w * w
    w.add_(1)
    with pytest.raises(
        RuntimeError,
        match=r"modified by an inplace operation: \[torch.FloatTensor \[2, 2\]\], which is output 0 of Add,"
        r" is at version 1; expected version 0 instead",
    ):
        y.sum().backward()


def test_writing_a_saved_result_is_noticed() -> None:
    y = pb.ones(2, 2, requires_grad=True).exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0 instead"):
        y.sum().backward()


def test_writing_a_leaf_that_requires_gradients_is_refused() -> None:
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x.add_(1)
    assert x.tolist() == [1.0, 1.0]
    assert x._version == 0
    with pb.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 2.0]


def test_integers_made_from_a_tensor_with_gradient_have_none() -> None:
    x = pb.ones(2, requires_grad=True)
    for _ in range(2):  # the first call of an operation takes another path than later ones
        assert not x.long().requires_grad
        with pytest.raises(RuntimeError, match="Autograd not support dtype: Long"):
            x.sum(dtype=pb.int64)
        assert x.double().requires_grad


def test_edges_to_one_place_are_equal() -> None:
    edge_of, edge = pb.autograd.graph.get_gradient_edge, pb.autograd.graph.GradientEdge
    x = pb.ones(2, 3, requires_grad=True)
    first, second = x.unbind(0)
    assert edge_of(first) == edge_of(first) == edge(first.grad_fn, 0)
    assert edge_of(first) != edge_of(second)
    assert edge_of(second) == edge(first.grad_fn, 1)
    assert len({edge_of(first), edge_of(first), edge(first.grad_fn, 0), edge_of(second)}) == 2
    assert edge_of(x) == edge_of(x)
    one = edge_of(first)
    assert one == tuple(one)
