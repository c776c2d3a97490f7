"""Pickles and copies: elements, dtype, backend, strides, what shares memory, and what is left out."""

from __future__ import annotations

import copy
import importlib
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import pullback as pb

BACKENDS = ("numpy", "jax")


@pytest.fixture(params=BACKENDS)
def backend(request):
    with pb.use_backend(request.param):
        yield request.param


def pickled(value, protocol=pickle.DEFAULT_PROTOCOL):
    return pickle.loads(pickle.dumps(value, protocol))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol):
    x = pb.tensor([[1.5, 2.0], [3.0, 4.0]], requires_grad=True)
    again = pickled(x, protocol)
    assert again.tolist() == x.tolist()
    assert (again.dtype, again.requires_grad, again.is_leaf) == (pb.float32, True, True)


@pytest.mark.parametrize(
    "dtype", [pb.bool, pb.uint8, pb.int64, pb.float16, pb.bfloat16, pb.float64, pb.complex64], ids=str
)
@pytest.mark.parametrize("duplicate", [pickled, copy.copy, copy.deepcopy])
def test_every_dtype(dtype, duplicate):
    x = pb.tensor([0, 1], dtype=dtype)
    again = duplicate(x)
    assert again is not x
    assert again.dtype is dtype
    assert again.tolist() == x.tolist()


@pytest.mark.parametrize("duplicate", [pickled, copy.copy, copy.deepcopy])
def test_shapes_and_strides(backend, duplicate):
    for x in (
        pb.tensor(2.0),
        pb.zeros(0, 3),
        pb.arange(6.0).reshape(2, 3).T,
        pb.arange(6.0)[::2],
        pb.ones(1).expand(3),
    ):
        again = duplicate(x)
        assert (again.shape, again.stride()) == (x.shape, x.stride())
        assert again.tolist() == x.tolist()
        assert again.backend.name == backend
        assert not again._is_view()


@pytest.mark.parametrize("duplicate", [pickled, copy.deepcopy])
def test_what_shares_memory_shares_it_again(backend, duplicate):
    base = pb.arange(6.0)
    new_base, part, matrix, detached = duplicate([base, base[1:3], base.reshape(2, 3).T, base.detach()])
    part.fill_(7)
    assert new_base.tolist() == detached.tolist() == [0.0, 7.0, 7.0, 3.0, 4.0, 5.0]
    assert matrix.tolist() == [[0.0, 3.0], [7.0, 4.0], [7.0, 5.0]]
    assert base.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert (part.storage_offset(), matrix.stride()) == (1, (1, 3))


def test_separate_pickles_share_nothing(backend):
    base = pb.zeros(2)
    view = base[:]
    first, second = pickled(base), pickled(view)
    first.add_(1)
    assert second.tolist() == base.tolist() == [0.0, 0.0]


def test_a_pickle_shows_the_elements_of_its_moment(backend):
    base = pb.zeros(2)
    view = base[:1]
    before = pickle.dumps([base, view])
    view.add_(1)
    assert [t.tolist() for t in pickle.loads(before)] == [[0.0, 0.0], [0.0]]
    assert [t.tolist() for t in pickled([base, view])] == [[1.0, 0.0], [1.0]]


@pytest.mark.parametrize("duplicate", [pickled, copy.deepcopy])
def test_one_tensor_twice_is_one_tensor_twice(duplicate):
    x = pb.ones(2)
    first, second = duplicate((x, x))
    assert first is second


def test_a_shallow_copy_shares_memory(backend):
    x = pb.zeros(2)
    again = copy.copy(x)
    again.add_(1)
    assert x.tolist() == [1.0, 1.0]
    leaf = copy.copy(pb.ones(1, requires_grad=True) * 2)
    assert (leaf.is_leaf, leaf.requires_grad) == (True, True)


def test_a_deep_copy_has_its_own_gradient_and_no_hooks(backend):
    x = pb.ones(2, requires_grad=True)
    x.grad = pb.ones(2)
    x.register_hook(print)
    again = copy.deepcopy(x)
    again.grad.add_(1)
    assert x.grad.tolist() == [1.0, 1.0]
    assert again.grad.tolist() == [2.0, 2.0]
    assert again._backward_hooks is None
    assert len(x._backward_hooks) == 1


def test_only_leaves_are_deep_copied():
    with pytest.raises(RuntimeError) as error:
        copy.deepcopy(pb.ones(1, requires_grad=True) * 2)
    assert str(error.value) == (
        "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If"
        " you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see"
        " https://github.com/pytorch/pytorch/pull/103001"
    )


def test_gradients_and_hooks_are_not_pickled():
    x = pb.ones(2, requires_grad=True)
    x.grad = pb.ones(2)
    x.note = "kept"
    x.register_hook(print)
    with pytest.warns(UserWarning, match="backward hook <built-in function print> on tensor will not be serialized"):
        again = pickled(x)
    assert (again.grad, again.note, again._backward_hooks) == (None, "kept", None)


def test_attributes_are_copied():
    x = pb.ones(1)
    x.tags = ["a"]
    assert copy.copy(x).tags is x.tags
    assert copy.deepcopy(x).tags == ["a"]
    assert copy.deepcopy(x).tags is not x.tags


def test_parameters_and_modules(backend):
    parameter = pb.nn.Parameter(pb.ones(2))
    parameter.grad = pb.ones(2)
    for duplicate in (pickled, copy.copy, copy.deepcopy):
        again = duplicate(parameter)
        assert repr(again) == repr(parameter)
        assert again.grad is None
    linear = pb.nn.Linear(2, 3)
    x = pb.ones(1, 2)
    assert pickled(linear)(x).tolist() == copy.deepcopy(linear)(x).tolist() == linear(x).tolist()


def test_dtypes_devices_and_formats_are_themselves_again():
    for value in (pb.bool, pb.float32, pb.complex128):
        assert pickled(value) is value
    assert pickled(pb.device("cuda:1")) == pb.device("cuda:1")
    assert pickled(pb.Size([2, 3])) == pb.Size([2, 3])


def test_a_backend_that_is_not_there_is_named():
    with pb.use_backend("jax"):
        data = pickle.dumps(pb.ones(1))
    assert data.count(b"\x8c\x03jax") == 1
    with pytest.raises(pb.UnknownBackendError, match="unknown backend 'jux'"):
        pickle.loads(data.replace(b"\x8c\x03jax", b"\x8c\x03jux"))


def test_tensors_go_to_another_process_and_back(tmp_path, monkeypatch):
    # The other process imports the function it runs: it gets our path, and these tests are no package on it.
    (tmp_path / "elsewhere.py").write_text("def written(x, view):\n    view.add_(1)\n    return x.sum(), x\n")
    monkeypatch.syspath_prepend(tmp_path)
    written = importlib.import_module("elsewhere").written
    x = pb.arange(3.0)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        total, seen = pool.submit(written, x, x[:1]).result(timeout=60)
    assert total.item() == 4.0
    assert seen.tolist() == [1.0, 1.0, 2.0]
    assert x.tolist() == [0.0, 1.0, 2.0]
