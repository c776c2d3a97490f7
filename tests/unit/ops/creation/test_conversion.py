"""Casts and moves: between backends, forms of ``to``, PyTorch's older tensor types, what completion shows."""

from __future__ import annotations

import pytest

import pullback as pb


@pytest.mark.parametrize("there", ["numpy", "jax"])
@pytest.mark.parametrize("here", ["numpy", "jax"])
def test_a_move_between_backends_carries_gradients(here, there):
    x = pb.tensor([1.0, 2.0], requires_grad=True, backend=here)
    y = x.to(there, pb.float64)
    assert (y.backend.name, y.dtype) == (there, pb.float64)
    (y * y).sum().backward()
    assert x.grad.backend.name == here
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_tensor_is_itself_where_nothing_changes():
    x = pb.ones(2)
    other = pb.zeros(3)
    assert all(
        y is x
        for y in (
            x.to(),
            x.to("numpy"),
            x.to(x.backend),
            x.to("cpu"),
            x.to(other),
            x.to(tensor=other),
            x.to(pb.float32, non_blocking=True),
            x.to("numpy", device="cpu"),
            x.to(memory_format=pb.preserve_format),
            x.float(),
            x.cpu(),
            x.type_as(other),
            x.type(pb.FloatTensor),
        )
    )


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_copy_is_a_copy_where_nothing_changes(backend):
    x = pb.zeros(2, backend=backend)
    for y in (x.to(x, copy=True), x.to("cpu", copy=True), x.to(backend, copy=True), x.to(pb.float32, False, True)):
        y.add_(1)
        assert x.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "arguments",
    [
        (pb.float32, pb.float64),
        (pb.float32, "cpu"),
        ("cpu", "numpy"),
        ("numpy", True, True, True),
        (pb.float32, 1),
        (object(),),
        ("cpu", None, 3),
    ],
)
def test_other_arguments_are_refused(arguments):
    with pytest.raises(TypeError, match=r"^to\(\) received an invalid combination of arguments - got \(") as error:
        pb.ones(2).to(*arguments)
    assert "backend's name or Backend" in str(error.value)


def test_a_device_that_is_not_there_is_named():
    for call in (lambda: pb.ones(1).cuda(), lambda: pb.ones(1).to("cuda"), lambda: pb.ones(1).to(0)):
        with pytest.raises(pb.BackendError, match="no backend has device 'cuda"):
            call()
    with pytest.raises(RuntimeError, match="Invalid device, must be cuda device"):
        pb.ones(1).cuda("cpu")
    with pytest.raises(pb.UnknownBackendError, match="unknown backend 'nonsense'"):
        pb.ones(1).to("nonsense")


def test_casts_keep_the_order_in_memory_unless_told_otherwise():
    x = pb.ones(2, 3).T
    assert x.double().stride() == (1, 3)
    assert x.double(memory_format=pb.contiguous_format).stride() == (2, 1)


def test_older_tensor_types():
    assert pb.LongTensor([1.5, 2]).tolist() == [1, 2]
    assert pb.DoubleTensor(2, 3).shape == (2, 3)
    assert pb.IntTensor().shape == (0,)
    assert isinstance(pb.nn.Parameter(pb.ones(1)), pb.FloatTensor)
    assert not isinstance([1.0], pb.FloatTensor)
    with pytest.raises(TypeError, match=r"expected a tensor of torch\.int64 \(got one of torch\.float32\)"):
        pb.LongTensor(pb.ones(1))
    shared = pb.ones(1)
    pb.FloatTensor(shared).add_(1)
    assert shared.item() == 2.0


def test_hooks_of_a_tensor_as_an_attribute():
    x = pb.ones(1, requires_grad=True)
    assert x._backward_hooks is None
    handle = x.register_hook(lambda grad: grad * 2)
    assert len(x._backward_hooks) == 1
    handle.remove()
    y = x * 1
    y.register_hook(lambda grad: grad * 3)
    assert len(y._backward_hooks) == 1
    y._backward_hooks = None
    y.backward()
    assert x.grad.item() == 1.0


def test_volatile_warns():
    x = pb.ones(1)
    with pytest.warns(UserWarning, match=r"volatile was removed \(Variable.volatile is always False\)"):
        assert x.volatile is False
    with pytest.warns(UserWarning, match="volatile was removed and now has no effect"):
        x.volatile = True


def test_completion_shows_what_works():
    x = pb.ones(2, 2)
    x.note = 1
    names = dir(x)
    assert {"note", "add", "add_", "__add__", "shape", "backward", "_base"} <= set(names)
    private = [n for n in names if n.startswith("_") and not n.endswith("__")]
    assert private == ["_backward_hooks", "_base", "_is_view", "_make_subclass", "_version"]
    assert not {"edge", "alias", "fast_backend", "volatile"} & set(names)
    refused = []
    for name in names:
        try:
            getattr(x, name)
        except RuntimeError:
            refused.append(name)
    assert refused == ["imag"]


def test_completion_of_the_package_shows_what_is_public():
    assert "add" in dir(pb)
    assert [n for n in dir(pb) if n.startswith("_")] == ["__version__"]
    assert all(hasattr(pb, name) for name in dir(pb))
