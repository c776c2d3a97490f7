"""DLPack: tensors to and from other libraries, without copies where that can be."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import pullback as pb
from pullback.backend.array_api import ArrayAPIBackend
from pullback.meta.dtypes import ALL

BACKENDS = ("numpy", "jax")


class Producer:
    """Somebody else's array: an object of which nothing is known but DLPack."""

    def __init__(self, array: Any, device: tuple[int, int] | None = None) -> None:
        self.array = array
        self.device = device or tuple(array.__dlpack_device__())

    def __dlpack__(self, **asked: Any) -> Any:
        return self.array.__dlpack__(**asked)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device


def of_dtype(dtype: Any, backend: str) -> pb.Tensor:
    return pb.tensor([[0, 1, 1], [1, 0, 1]], backend=backend).to(dtype)


# -- memory -----------------------------------------------------------------------------------------------------------


def test_a_tensor_of_an_array_shares_its_memory() -> None:
    array = np.zeros(3)
    tensor = pb.from_dlpack(Producer(array))
    array[0] = 1
    tensor[1] = 2
    assert tensor.tolist() == array.tolist() == [1.0, 2.0, 0.0]


def test_an_array_of_a_tensor_shares_its_memory() -> None:
    tensor = pb.zeros(3)
    array = np.from_dlpack(tensor)
    array[0] = 1
    tensor[1] = 2
    assert tensor.tolist() == array.tolist() == [1.0, 2.0, 0.0]


def test_jax_gets_the_memory_of_a_tensor() -> None:
    tensor = pb.ones(64)
    array = jnp.from_dlpack(tensor)
    aligned = tensor.data_ptr() % 64 == 0  # else JAX copies
    assert (array.unsafe_buffer_pointer() == tensor.data_ptr()) is aligned


def test_memory_of_an_immutable_array_is_read_only() -> None:
    array = jnp.ones(3)
    tensor = pb.from_dlpack(array, backend="numpy")
    assert tensor.data_ptr() == array.unsafe_buffer_pointer()
    with pytest.raises(RuntimeError, match="the tensor's memory is read-only"):
        tensor.add_(1)
    assert tensor.clone().add_(1).tolist() == [2.0, 2.0, 2.0]


def test_a_read_only_array_gives_a_read_only_tensor() -> None:
    array = np.arange(3)
    array.flags.writeable = False
    with pytest.raises(RuntimeError, match="the tensor's memory is read-only"):
        pb.from_dlpack(array).add_(1)
    assert pb.from_dlpack(array, backend="jax").tolist() == [0, 1, 2]


@pytest.mark.parametrize("backend", BACKENDS)
def test_copy_shares_nothing(backend: str) -> None:
    arrays = [np.zeros(64 + n) for n in range(8)]  # at addresses that a library may like to share, or not
    tensors = [pb.from_dlpack(array, copy=True, backend=backend) for array in arrays]
    for array in arrays:
        array[0] = 1
    assert [tensor[0].item() for tensor in tensors] == [0.0] * 8


def test_copy_false_refuses_where_a_copy_is_needed() -> None:
    with pytest.raises(BufferError, match="backend 'jax' cannot share this memory"):
        pb.from_dlpack(np.zeros((4, 2))[:, 0], copy=False, backend="jax")


def test_versions_count_apart() -> None:
    base = pb.zeros(3)
    again = pb.from_dlpack(base)
    again.add_(1)
    assert base.tolist() == [1.0, 1.0, 1.0]
    assert (base._version, again._version) == (0, 1)


# -- what travels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", BACKENDS)
@pytest.mark.parametrize("target", BACKENDS)
@pytest.mark.parametrize("dtype", ALL, ids=lambda dtype: dtype.name)
def test_every_dtype_travels(dtype: Any, source: str, target: str) -> None:
    tensor = of_dtype(dtype, source)
    received = pb.from_dlpack(tensor, backend=target)
    assert (received.backend.name, received.dtype) == (target, dtype)
    assert received.tolist() == tensor.tolist()
    sent = pb.from_dlpack(tensor.__dlpack__() and Producer(tensor), backend=target)
    assert sent.tolist() == tensor.tolist()


def test_bfloat16_reaches_other_libraries() -> None:
    tensor = pb.tensor([1.5, -2.0], dtype=pb.bfloat16)
    assert jnp.from_dlpack(tensor).dtype == jnp.bfloat16
    assert jnp.from_dlpack(tensor).tolist() == [1.5, -2.0]
    array = np.array([1.5, -2.0], dtype=ml_dtypes.bfloat16)
    assert pb.from_dlpack(jnp.asarray(array), backend="numpy").array.dtype == array.dtype


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.reshape(()) if t.numel() == 1 else t[0, 0],
        lambda t: t[:0],
        lambda t: t.T,
        lambda t: t[:, 1],
        lambda t: t[1:, ::2],
        lambda t: t[0].expand(4, 3),
    ],
    ids=["0-d", "empty", "transposed", "column", "strided", "expanded"],
)
def test_every_layout_travels(view: Any, backend: str) -> None:
    tensor = view(pb.arange(6.0).reshape(2, 3))
    received = pb.from_dlpack(tensor, backend=backend)
    assert received.shape == tensor.shape
    assert received.tolist() == tensor.tolist()
    np.testing.assert_array_equal(np.from_dlpack(tensor), tensor.numpy())


def test_a_conjugate_travels() -> None:
    assert np.from_dlpack(pb.tensor([1 + 2j]).conj()).tolist() == [1 - 2j]


def test_a_tensor_that_requires_grad_stays() -> None:
    leaf = pb.ones(2, requires_grad=True)
    for tensor in (leaf, leaf * 2, pb.nn.Parameter(pb.ones(2))):
        for export in (np.from_dlpack, jnp.from_dlpack, pb.from_dlpack, pb.utils.dlpack.to_dlpack):
            with pytest.raises(
                BufferError, match=r"Can't export tensors that require gradient, use tensor\.detach\(\)"
            ):
                export(tensor)
    assert np.from_dlpack(leaf.detach()).tolist() == [1.0, 1.0]


def test_a_dtype_that_pullback_lacks_is_named() -> None:
    with pytest.raises(TypeError, match="float8"):
        pb.from_dlpack(jnp.ones(2, jnp.float8_e4m3fn))


# -- capsules ---------------------------------------------------------------------------------------------------------


def test_a_capsule_is_consumed_once() -> None:
    capsule = pb.utils.dlpack.to_dlpack(pb.tensor([1.0, 2.0]))
    assert pb.utils.dlpack.from_dlpack(capsule).tolist() == [1.0, 2.0]
    with pytest.raises(RuntimeError, match="from_dlpack received an invalid capsule"):
        pb.utils.dlpack.from_dlpack(capsule)


def test_an_unused_capsule_keeps_its_memory_no_longer_than_itself() -> None:
    import gc
    import weakref

    tensor = pb.zeros(3)
    alive = weakref.ref(tensor.array)
    capsule = tensor.__dlpack__()
    del tensor
    gc.collect()
    assert alive() is not None
    del capsule
    gc.collect()
    assert alive() is None


def test_versioned_capsules_are_made_for_those_who_know_them() -> None:
    tensor = pb.zeros(3)
    assert '"dltensor"' in repr(tensor.__dlpack__())
    assert '"dltensor_versioned"' in repr(tensor.__dlpack__(max_version=(1, 0)))
    assert '"dltensor_versioned"' in repr(tensor.bfloat16().__dlpack__(max_version=(1, 0)))


@pytest.mark.parametrize("stranger", [3, [1.0], None, object()])
def test_what_is_no_array_is_refused(stranger: Any) -> None:
    with pytest.raises(RuntimeError, match="from_dlpack received an invalid capsule"):
        pb.from_dlpack(stranger)


def test_to_dlpack_takes_tensors() -> None:
    with pytest.raises(TypeError, match=r"to_dlpack\(\): argument 'tensor' \(position 1\) must be Tensor, not list"):
        pb.utils.dlpack.to_dlpack([1.0])  # type: ignore[arg-type]


# -- who receives -----------------------------------------------------------------------------------------------------


def test_the_selected_backend_receives_an_unknown_array() -> None:
    producer = Producer(np.ones(2))
    assert pb.from_dlpack(producer).backend.name == "numpy"
    with pb.use_backend("jax"):
        assert pb.from_dlpack(producer).backend.name == "jax"
        assert pb.from_dlpack(np.ones(2)).backend.name == "jax"
        assert pb.from_dlpack(producer, backend="numpy").backend.name == "numpy"


def test_an_array_or_a_tensor_stays_with_its_backend() -> None:
    assert pb.from_dlpack(jnp.ones(2)).backend.name == "jax"
    assert pb.from_dlpack(pb.ones(2, backend="jax")).backend.name == "jax"
    with pb.use_backend("jax"):
        assert pb.from_dlpack(pb.ones(2, backend="numpy")).backend.name == "numpy"


def test_a_device_that_no_backend_has() -> None:
    with pytest.raises(pb.BackendError, match="no backend has device 'cuda:0'"):
        pb.from_dlpack(Producer(np.ones(2), (2, 0)))
    with pytest.raises(BufferError, match="no backend has DLPack's device type 7"):
        pb.from_dlpack(Producer(np.ones(2), (7, 0)))


def test_the_device_asked_for() -> None:
    assert pb.from_dlpack(np.ones(2), device="cpu").device == pb.device("cpu")
    with pytest.raises(ValueError, match=r"cannot move DLPack tensor from device \(1, 0\) to \(2, 0\) without copying"):
        pb.from_dlpack(np.ones(2), device="cuda", copy=False)
    with pytest.raises(pb.BackendError, match="no backend has device 'cuda'"):
        pb.from_dlpack(np.ones(2), device="cuda")


# -- the protocol -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_device_of_a_tensor(backend: str) -> None:
    assert pb.ones(2, backend=backend).__dlpack_device__() == (1, 0)


def test_streams_are_those_of_a_device() -> None:
    tensor = pb.ones(2)
    assert np.from_dlpack(Producer(tensor)).tolist() == [1.0, 1.0]
    assert tensor.__dlpack__(stream=-1) is not None  # no synchronization: nothing to do on a CPU
    with pytest.raises(RuntimeError, match="stream"):
        tensor.__dlpack__(stream=1)


def test_export_to_another_device_is_refused() -> None:
    with pytest.raises((BufferError, ValueError)):
        pb.ones(2).__dlpack__(dl_device=(2, 0))


class OldArray:
    """An array of a library from before DLPack's first version: it knows no argument but ``stream``."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, stream: Any = None) -> Any:
        return self.array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


class OldBackend(ArrayAPIBackend):
    def __init__(self) -> None:
        super().__init__("old", np)

    def copy(self, array: OldArray) -> OldArray:  # type: ignore[override]
        return OldArray(array.array.copy())


def test_a_library_that_knows_less_of_the_protocol_is_asked_for_less() -> None:
    backend, array = OldBackend(), OldArray(np.zeros(3))
    shared = np.from_dlpack(Producer(pb.from_dlpack(_Bare(backend.to_dlpack(array, max_version=(1, 0))))))
    array.array[0] = 5
    assert shared.tolist() == [5.0, 0.0, 0.0]
    copied = pb.from_dlpack(_Bare(backend.to_dlpack(array, copy=True, dl_device=(1, 0))))
    array.array[0] = 7
    assert copied.tolist() == [5.0, 0.0, 0.0]
    with pytest.raises(BufferError, match="backend 'old' cannot export an array to the DLPack device"):
        backend.to_dlpack(array, dl_device=(2, 0))


class _Bare(Producer):
    def __init__(self, capsule: Any) -> None:
        self.capsule, self.device = capsule, (1, 0)

    def __dlpack__(self, **asked: Any) -> Any:
        return self.capsule


def test_cuda_arrays_alone_have_their_interface() -> None:
    tensor = pb.ones(2)
    assert not hasattr(tensor, "__cuda_array_interface__")
    with pytest.raises(
        AttributeError, match=r"Can't get __cuda_array_interface__ on non-CUDA tensor type: torch\.FloatTensor"
    ):
        tensor.__cuda_array_interface__  # noqa: B018
