"""No view operation is a copy in silence: on every kind of backend a write through a view shows in its base."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.backend.registry import unregister_backend
from pullback.backend.selection import get_backend
from pullback.backend.view_kernels import copying_views
from pullback.extend import ArrayAPIBackend, register_backend
from pullback_numpy.backend import NumPyBackend

KERNELS = (
    *("getitem", "reshape", "permute_dims", "expand_dims", "squeeze", "broadcast_to", "diagonal", "unfold"),
    *("as_strided", "real", "imag", "view_as_real", "view_as_complex", "reinterpret"),
)
#: Every operation that gives a view, as a function of a (2, 2, 2) tensor of floats or, marked, of complex numbers.
VIEWS: dict[str, Callable[[Any], Any]] = {
    "select": lambda x: x[1],
    "an element": lambda x: x[1, 0, 1],
    "slice": lambda x: x[:, ::2],
    "None": lambda x: x[None, ..., 0],
    "narrow": lambda x: x.narrow(1, 1, 1),
    "transpose": lambda x: x.transpose(0, 2),
    "permute": lambda x: x.permute(2, 0, 1),
    "movedim": lambda x: x.movedim(0, 2),
    "mT": lambda x: x.mT,
    "view": lambda x: x.view(4, 2),
    "reshape": lambda x: x.reshape(8),
    "flatten": lambda x: x.flatten(1),
    "unflatten": lambda x: x.unflatten(0, (2, 1)),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x[:, :1].squeeze(1),
    "diagonal": lambda x: x.diagonal(),
    "another diagonal": lambda x: x.diagonal(1, 0, 2),
    "unfold": lambda x: x.view(8).unfold(0, 2, 3),
    "as_strided": lambda x: x.as_strided((2, 2), (4, 1), 1),
    "split": lambda x: x.split(1)[1],
    "unbind": lambda x: x.unbind(1)[1],
    "chunk": lambda x: x.chunk(2, 2)[0],
    "detach": lambda x: x.detach()[0],
    "data": lambda x: x.data[0],
    "view(dtype)": lambda x: x.view(pb.int32),
    "view_as_complex": lambda x: pb.view_as_complex(x),
    "real": lambda x: pb.view_as_complex(x).real,
    "imag": lambda x: pb.view_as_complex(x).imag,
    "view_as_real": lambda x: pb.view_as_real(pb.view_as_complex(x)),
    "a view of views": lambda x: x.permute(2, 0, 1)[1].diagonal(),
}


class LikePyTorch:
    """A namespace over NumPy with what PyTorch's has in common with it, whose arrays are of another class."""

    __name__ = "like_pytorch"
    __array_api_version__ = "2022.12"

    def __getattr__(self, name: str) -> Any:
        if name in ("__array_namespace_info__", "vecdot", "permuted"):
            raise AttributeError(name)
        return getattr(np, name)

    @staticmethod
    def asarray(obj: Any, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(obj, dtype=dtype, copy=copy)


def _copied(kernel: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return np.array(kernel(*args, **kwargs))

    return call


def _missing(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise pb.errors.MissingKernelError(name, name, None, get_backend("numpy"))

    return call


def _backends() -> Iterator[Any]:
    yield pytest.param(lambda: get_backend("numpy"), id="numpy")
    yield pytest.param(lambda: get_backend("jax"), id="jax")
    for mutable in (True, False):
        word = "mutable" if mutable else "immutable"
        yield pytest.param(lambda m=mutable: ArrayAPIBackend("tried", array_api_strict, mutable=m), id=f"strict {word}")
        yield pytest.param(lambda m=mutable: ArrayAPIBackend("tried", np, mutable=m), id=f"NumPy's namespace, {word}")
    yield pytest.param(lambda: ArrayAPIBackend("tried", LikePyTorch(), mutable=True), id="like PyTorch")


def _use(made: Any) -> Iterator[str]:
    if made.name != "tried":
        yield made.name
        return
    register_backend(made)
    try:
        yield made.name
    finally:
        unregister_backend("tried")


@pytest.fixture(params=_backends())
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    yield from _use(request.param())


def _numbers(nested: Any) -> list[Any]:
    return [v for part in nested for v in _numbers(part)] if isinstance(nested, list) else [nested]


def _check(view: Callable[[Any], Any], backend: str) -> None:
    """Write through a view and look at its base, and the other way round."""
    x = pb.zeros(2, 2, 2, backend=backend)
    part = view(x)
    part.fill_(1)
    assert _numbers(part.tolist()) == [1] * part.numel()
    assert sum(v != 0 for v in _numbers(x.tolist())) == part.numel()
    x.fill_(2)
    assert part.tolist() == view(x).tolist()


@pytest.mark.parametrize("name", VIEWS)
def test_a_write_through_a_view_shows_in_its_base(name: str, backend: str) -> None:
    _check(VIEWS[name], backend)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("defect", ["copies", "missing"])
def test_a_backend_that_copies_is_treated_as_immutable(kernel: str, defect: str) -> None:
    made = NumPyBackend()
    made.name = "tried"
    wrong = _copied(getattr(made, kernel)) if defect == "copies" else _missing(kernel)
    setattr(made, kernel, wrong)
    if defect == "missing" and kernel in KERNELS[:6]:
        assert kernel in copying_views(made)
        return  # nothing works without
    with pytest.warns(UserWarning, match=f"declares mutable arrays, but its kernels {kernel} give no views"):
        register_backend(made)
    try:
        assert not made.mutable
        for view in VIEWS.values():
            try:
                _check(view, "tried")
            except pb.errors.MissingKernelError:
                assert defect == "missing"
        x = pb.zeros(3, backend="tried")
        part = x[1:]
        x.add_(1)
        x[0] = 5
        assert (x.tolist(), part.tolist()) == ([5, 1, 1], [1, 1])
    finally:
        unregister_backend("tried")


def test_the_backends_that_come_along_need_no_such_treatment() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert copying_views(get_backend("numpy")) == []
        assert copying_views(ArrayAPIBackend("strict", array_api_strict, mutable=True)) == []


def test_kernels_that_write_do_so_where_arrays_are_treated_as_immutable() -> None:
    class Copying(NumPyBackend):
        """NumPy, but that squeezing copies: what is written goes into a copy that the kernel makes."""

        def __init__(self) -> None:
            super().__init__()
            self.name = "copying_writes"

        def squeeze(self, x: Any, axis: Any) -> Any:
            return x.squeeze(axis).copy()

    with pytest.warns(UserWarning, match="its kernels squeeze give no views"):
        register_backend(Copying())
    try:
        with pb.use_backend("copying_writes"):
            x = pb.zeros(3)
            x[pb.tensor([True, False, True])] = 5.0
            assert x.tolist() == [5.0, 0.0, 5.0]
            assert pb.tensor(1.0).scatter(0, pb.tensor(0), pb.tensor(3.0)).tolist() == 3.0
    finally:
        unregister_backend("copying_writes")
