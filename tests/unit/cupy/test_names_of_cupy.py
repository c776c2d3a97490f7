"""What a machine without a GPU can know of the CuPy backend: that it says so, and that CuPy has all that it names."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FunctionType

import cupy
import cupyx.scipy.special
import pytest

from pullback.backend import indexing
from pullback.backend.array_api import BINARY, UNARY
from pullback.backend.selection import available_backends, backend_for_device, get_backend
from pullback.errors import BackendError, BackendUnavailableError
from pullback_cupy.backend import CuPyBackend

NO_GPU = CuPyBackend.unavailable_reason() is not None
without_gpu = pytest.mark.skipif(not NO_GPU, reason="this machine has a CUDA device")

#: How the sources spell CuPy's namespace.
ROOTS = {"xp": cupy, "self.xp": cupy, "backend.xp": cupy, "cupy": cupy, "cupyx": cupyx}


@without_gpu
def test_no_gpu_is_one_line_and_no_traceback():
    assert CuPyBackend.unavailable_reason() == "no CUDA device"
    assert "cupy" not in available_backends()
    with pytest.raises(BackendUnavailableError, match=r"^backend 'cupy' is not available: no CUDA device$"):
        get_backend("cupy")
    with pytest.raises(BackendError, match=r"no backend has device 'cuda:0' \(.*cupy: no CUDA device"):
        backend_for_device("cuda:0")


def reachable():
    """The functions the backend can run: its public methods and whatever of its own they call."""
    names = [name for name in dir(CuPyBackend) if not name.startswith("_")] + ["__init__"]
    functions: list[FunctionType] = []
    seen = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        for owner in CuPyBackend.__mro__:
            function = vars(owner).get(name)
            function = getattr(function, "__func__", function)
            if not isinstance(function, FunctionType):
                continue
            functions.append(function)
            source = parse(function)
            names += [
                node.attr
                for node in ast.walk(source)
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
            ]
            if "super()" not in ast.unparse(source):
                break
    return functions + [value for value in vars(indexing).values() if isinstance(value, FunctionType)]


def parse(function):
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def resolve(node):
    """The CuPy object that a dotted expression names, with its text; None for other expressions."""
    text = ast.unparse(node)
    for spelling, root in ROOTS.items():
        if text.startswith(spelling + ".") and text.replace(".", "").isidentifier():
            found = root
            for part in text[len(spelling) + 1 :].split("."):
                assert hasattr(found, part), f"CuPy {cupy.__version__} has no {text}"
                found = getattr(found, part)
            return text, found
    return None


def test_every_function_named_exists_and_takes_the_parameters_used():
    checked = set()
    for function in reachable():
        tree = parse(function)
        calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            resolved = resolve(node) if isinstance(node, ast.Attribute) else None
            if resolved is None:
                continue
            text, found = resolved
            checked.add(text)
            call = calls.get(id(node))
            if call is None or isinstance(found, cupy.ufunc):
                continue
            try:
                signature = inspect.signature(found)
            except (TypeError, ValueError):
                continue  # compiled without a signature
            positional = [None for argument in call.args if not isinstance(argument, ast.Starred)]
            keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg is not None}
            signature.bind_partial(*positional, **keywords)
    assert {"cupy.zeros", "self.xp.sum", "self.xp.add.at", "cupyx.scipy.special.erf", "xp.searchsorted"} <= checked
    assert len(checked) > 50


def test_every_array_attribute_used_exists():
    methods = {"astype", "copy", "reshape", "transpose", "squeeze", "take", "real", "imag", "base", "strides",
               "dtype", "ndim", "size", "shape", "data", "device", "any"}  # fmt: skip
    used = {
        node.attr
        for function in reachable()
        for node in ast.walk(parse(function))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("x", "array")
    }
    assert {"astype", "reshape", "copy", "take"} <= used
    for name in (methods & used) | (used - {"__module__"}):
        assert hasattr(cupy.ndarray, name), f"CuPy {cupy.__version__} has no ndarray.{name}"


def test_elementwise_kernels_are_cupys_own_and_take_out():
    backend = CuPyBackend()
    own = {"remainder", "floor_divide", "log1p", "expm1", "logical_and", "logical_or", "logical_xor", "logical_not"}
    for name in (*UNARY, *BINARY):
        kernel = getattr(backend, name)
        kernel = getattr(kernel, "__wrapped__", kernel)  # where there are several devices
        assert isinstance(kernel, cupy.ufunc) == (name not in own), name
        assert (name in backend.inplace_kernels) == (name not in own)
    assert backend.versions()["cupy"] == cupy.__version__
    if NO_GPU:
        assert backend.devices() == []


def test_limits_are_declared(monkeypatch):
    monkeypatch.delenv("PULLBACK_CUPY_CHECKS", raising=False)
    limitations = CuPyBackend().limitations
    assert any("wrap around" in limitation.reason for limitation in limitations)
    assert all(limitation.reason and "\n" not in limitation.reason for limitation in limitations)
