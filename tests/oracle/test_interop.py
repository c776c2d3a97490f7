"""Exchange with PyTorch: tensors through DLPack, files through safetensors; and NumPy's calls on both."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import pullback as pb

pytestmark = pytest.mark.oracle

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
safetensors_torch = pytest.importorskip("safetensors.torch", reason="it imports PyTorch")

BACKENDS = ("numpy", "jax")
DTYPES = [d.name for d in pb.get_backend("numpy").native_dtypes]


def pair(dtype: str) -> tuple[Any, Any]:
    """The same numbers as a tensor of PyTorch and one of pullback."""
    name = dtype
    numbers = [[0, 1, 1], [1, 0, 1]]
    return torch.tensor(numbers).to(getattr(torch, name)), pb.tensor(numbers).to(getattr(pb, name))


# -- DLPack -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_travel_both_ways(dtype: str, backend: str) -> None:
    theirs, ours = pair(dtype)
    received = pb.from_dlpack(theirs, backend=backend)
    assert (received.dtype, received.tolist()) == (ours.dtype, ours.tolist())
    returned = torch.from_dlpack(received)
    assert returned.dtype is theirs.dtype
    assert returned.tolist() == theirs.tolist()


def test_memory_is_shared_both_ways() -> None:
    theirs = torch.zeros(3)
    ours = pb.from_dlpack(theirs)
    theirs[0] = 1
    ours[1] = 2
    again = torch.from_dlpack(ours)
    again[2] = 3
    assert theirs.tolist() == ours.tolist() == again.tolist() == [1.0, 2.0, 3.0]
    assert ours.data_ptr() == theirs.data_ptr()


@pytest.mark.parametrize("view", ["t[:, 1]", "t.T", "t[:, ::2]", "t[0, 0]", "t[:0]", "t[0].expand(4, 3)"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_layouts_travel(view: str, dtype: str) -> None:
    theirs = eval(view, {"t": torch.arange(6.0).reshape(2, 3).to(getattr(torch, dtype))})
    ours = pb.from_dlpack(theirs)
    assert (tuple(ours.shape), ours.tolist()) == (tuple(theirs.shape), theirs.tolist())
    assert torch.from_dlpack(ours).tolist() == theirs.tolist()
    if theirs.numel() > 1:
        assert ours.stride() == theirs.stride()


def test_gradients_join_by_hand() -> None:
    theirs = torch.tensor([1.0, 2.0], requires_grad=True)
    ours = pb.from_dlpack(theirs.detach()).requires_grad_()
    (ours**2).sum().backward()
    theirs.backward(torch.from_dlpack(ours.grad))
    assert theirs.grad.tolist() == [2.0, 4.0]


def test_capsules_are_understood() -> None:
    assert torch.utils.dlpack.from_dlpack(pb.utils.dlpack.to_dlpack(pb.ones(2))).tolist() == [1.0, 1.0]
    assert pb.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(torch.ones(2))).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.ones(2, requires_grad=True).__dlpack__(),
        lambda lib: lib.from_dlpack(lib.ones(2, requires_grad=True)),
        lambda lib: lib.from_dlpack(3),
        lambda lib: lib.from_dlpack(np.arange(2), device="cpu", copy=True).tolist(),
        lambda lib: tuple(map(int, lib.ones(2).__dlpack_device__())),
        lambda lib: lib.ones(2).__cuda_array_interface__,
        lambda lib: hasattr(lib.ones(2), "__array_interface__"),
        lambda lib: memoryview(lib.ones(2)),
        lambda lib: lib.Tensor.__array_priority__,
    ],
)
def test_values_and_errors_are_those_of_pytorch(call: Callable[[Any], Any]) -> None:
    def outcome(lib: Any) -> Any:
        try:
            return call(lib)
        except Exception as error:
            return type(error), str(error)

    assert outcome(pb) == outcome(torch)


# -- files ------------------------------------------------------------------------------------------------------------


def state(lib: Any) -> dict[str, Any]:
    model = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Linear(4, 2))
    return dict(model.state_dict())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_state_dict_goes_to_pytorch(backend: str, tmp_path: Path) -> None:
    with pb.use_backend(backend):
        ours = state(pb)
    pb.save(ours, tmp_path / "model.safetensors")
    theirs = safetensors_torch.load_file(tmp_path / "model.safetensors")
    assert {name: t.tolist() for name, t in theirs.items()} == {name: t.tolist() for name, t in ours.items()}
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    assert not model.load_state_dict(theirs).missing_keys


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_state_dict_comes_from_pytorch(backend: str, tmp_path: Path) -> None:
    theirs = state(torch)
    safetensors_torch.save_file(theirs, tmp_path / "model.safetensors")
    ours = pb.load(tmp_path / "model.safetensors", backend=backend)
    assert {name: t.tolist() for name, t in ours.items()} == {name: t.tolist() for name, t in theirs.items()}
    with pb.use_backend(backend):
        model = pb.nn.Sequential(pb.nn.Linear(3, 4), pb.nn.Linear(4, 2))
    assert not model.load_state_dict(ours).missing_keys


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "complex128"])  # which the format has not
def test_every_dtype_is_read_by_the_library_and_from_it(dtype: str) -> None:
    theirs, ours = pair(dtype)
    file = io.BytesIO()
    pb.save({"x": ours, "scalar": ours[0, 1], "empty": ours[:0]}, file)
    read = safetensors_torch.load(file.getvalue())
    assert read["x"].dtype is theirs.dtype
    assert (read["x"].tolist(), read["scalar"].tolist(), read["empty"].tolist()) == (theirs.tolist(), 1, [])
    back = pb.load(io.BytesIO(safetensors_torch.save({"x": theirs})))
    assert (back["x"].dtype, back["x"].tolist()) == (ours.dtype, ours.tolist())


def test_the_library_reads_nested_objects_by_their_places() -> None:
    file = io.BytesIO()
    pb.save({"model": {"weight": pb.ones(2)}, "steps": [pb.tensor(3), 4]}, file)
    read = safetensors.numpy.load(file.getvalue())
    assert {name: array.tolist() for name, array in read.items()} == {"model.weight": [1.0, 1.0], "steps.0": 3}


def test_a_file_of_torch_save_is_recognized() -> None:
    for legacy in (False, True):
        file = io.BytesIO()
        torch.save({"x": torch.ones(1)}, file, _use_new_zipfile_serialization=not legacy)
        file.seek(0)
        with pytest.raises(RuntimeError, match="pullback never unpickles"):
            pb.load(file)


@pytest.mark.parametrize(
    "program",
    [
        "x = lib.zeros(4); r = again([x, x]); r[0].add_(1); result = r[0] is r[1], r[1].tolist()",
        "x = lib.zeros(4); r = again([x, x[1:], x[None]]); r[0].add_(1); result = r[1].tolist(), r[2].tolist()",
        "x = lib.zeros(2, 3); r = again([x.T, x]); r[1].add_(1); result = r[0].tolist(), r[0].stride()",
        "x = lib.zeros(4); r = again([x[:3], x[1:]]); r[0].add_(1); result = r[1].tolist()",
        "x = lib.nn.Parameter(lib.zeros(2)); r = again([x, {'b': x}]); result = r[0] is r[1]['b'], repr(r[0])",
        "x = lib.ones(2, requires_grad=True); result = [(t.requires_grad, t.is_leaf) for t in again([x, x * 2])]",
        "x = lib.ones(3); r = again([x, x[1:]]); result = r[1]._base, r[1]._is_view()",
    ],
)
def test_what_comes_back_is_what_pytorch_gives_back(program: str) -> None:
    def run(lib: Any) -> Any:
        def again(obj: Any) -> Any:
            file = io.BytesIO()
            lib.save(obj, file)
            file.seek(0)
            return lib.load(file, weights_only=False)

        names: dict[str, Any] = {"lib": lib, "again": again}
        exec(program, names)
        return names["result"]

    assert run(pb) == run(torch)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, path: lib.load(path / "missing"),
        lambda lib, path: lib.save(1, path / "nowhere" / "file"),
        lambda lib, path: lib.save(1, 3),
    ],
)
def test_errors_of_files_are_those_of_pytorch(call: Callable[[Any, Path], Any], tmp_path: Path) -> None:
    def outcome(lib: Any) -> Any:
        try:
            return call(lib, tmp_path)
        except Exception as error:
            return type(error), str(error)

    assert outcome(pb) == outcome(torch)


# -- NumPy's calls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "np.sin(x)", "np.add(x, 1)", "np.sqrt(np.abs(x))", "np.float64(2) * x", "x * np.float64(2)", "x + np.int64(2)",
        "np.float32(2.5) * i", "np.array([1., 2.]) == x", "np.array([1., 2.], dtype='f4') * np.array(x)",
        "np.asarray(x, dtype=np.int64)", "np.shape(x)", "np.ndim(x)", "np.isfinite(x)",
        "x * np.array([1., 2.])", "x @ np.array([1., 2.], dtype='f4')", "np.array(x, dtype=np.float16)",
    ],
)  # fmt: skip
def test_numpys_calls_give_what_they_give_with_pytorch(expression: str) -> None:
    def value(lib: Any) -> Any:
        names = {"np": np, "x": lib.tensor([1.5, 2.0]), "i": lib.tensor([1, 2])}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's own, about __array_wrap__
            result = eval(expression, names)
        if not hasattr(result, "tolist"):
            return result
        # Truth values and truth values as uint8, which PyTorch makes of them on its way through NumPy, are equal.
        dtype = str(result.dtype).replace("uint8", "bool") if hasattr(result, "requires_grad") else result.dtype
        return hasattr(result, "requires_grad"), dtype, result.tolist()

    assert value(pb) == value(torch)


@pytest.mark.parametrize("expression", ["np.asarray(x)", "np.array(x)", "np.array_repr(x)"])
def test_a_graph_is_refused_in_pytorchs_words(expression: str) -> None:
    with pytest.raises(RuntimeError) as theirs:
        torch.ones(2, requires_grad=True).numpy()
    with pytest.raises(RuntimeError) as ours:
        eval(expression, {"np": np, "x": pb.ones(2, requires_grad=True)})
    assert str(ours.value) == str(theirs.value)
