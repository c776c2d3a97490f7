"""Which backend is chosen, and what is said when there is none."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from contextvars import copy_context

import array_api_strict
import jax.numpy as jnp
import numpy as np
import pytest

import pullback as pb
from pullback.backend.array_api import ArrayAPIBackend
from pullback.backend.records import BackendSpec
from pullback.backend.registry import known_backends, register_backend, unavailable_reason, unregister_backend
from pullback.backend.selection import (
    available_backends,
    backend_for_device,
    backend_of_array,
    current_backend,
    get_backend,
    set_default_backend,
    use_backend,
)
from pullback.errors import BackendError, BackendUnavailableError, UnknownBackendError


@pytest.fixture(autouse=True)
def initial(monkeypatch):
    monkeypatch.delenv("PULLBACK_BACKEND", raising=False)
    set_default_backend(None)
    yield
    monkeypatch.undo()
    set_default_backend(None)


def test_order(monkeypatch):
    assert current_backend().name == "numpy"
    monkeypatch.setenv("PULLBACK_BACKEND", "jax")
    assert current_backend().name == "numpy"  # the environment is read once
    set_default_backend(None)
    assert current_backend().name == "jax"
    set_default_backend("numpy")
    assert current_backend().name == "numpy"
    with use_backend("jax") as chosen:
        assert current_backend() is chosen is get_backend("jax")
        with use_backend("numpy"):
            assert current_backend().name == "numpy"
        assert current_backend().name == "jax"
    assert current_backend().name == "numpy"
    set_default_backend(None)
    assert current_backend().name == "jax"
    monkeypatch.setenv("PULLBACK_BACKEND", " ")
    set_default_backend(None)
    assert current_backend().name == "numpy"


def test_use_backend_unwinds_on_errors_and_nests_with_itself():
    chosen = use_backend("jax")
    with pytest.raises(KeyError), chosen, chosen:
        raise KeyError
    assert current_backend().name == "numpy"


def test_use_backend_decorates():
    @use_backend("jax")
    def name() -> str:
        """Which one."""
        return current_backend().name

    assert (name(), name.__doc__, current_backend().name) == ("jax", "Which one.", "numpy")


def test_use_backend_is_local_to_its_thread_and_task():
    seen = []
    with use_backend("jax"):
        thread = threading.Thread(target=lambda: seen.append(current_backend().name))
        thread.start()
        thread.join()
        seen.append(copy_context().run(lambda: current_backend().name))
    assert seen == ["numpy", "jax"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nunpy", r"unknown backend 'nunpy'; did you mean 'numpy'\? known backends: 'numpy', .*'jax'"),
        ("torch9", r"unknown backend 'torch9'; known backends: 'numpy'"),
    ],
)
def test_unknown_names(name, message):
    for use in (get_backend, use_backend, set_default_backend, unavailable_reason):
        with pytest.raises(UnknownBackendError, match=message):
            use(name)
    with pytest.raises(ValueError, match="unknown backend"):
        get_backend(name)


def test_an_unknown_name_in_the_environment_says_where_it_came_from(monkeypatch):
    monkeypatch.setenv("PULLBACK_BACKEND", "jaxx")
    set_default_backend(None)
    with pytest.raises(
        UnknownBackendError, match=r"unknown backend 'jaxx' \(from PULLBACK_BACKEND\); did you mean 'jax'"
    ):
        current_backend()


def test_backends_of_arrays():
    assert backend_of_array(np.zeros(2)).name == "numpy"
    assert backend_of_array(jnp.zeros(2)).name == "jax"
    assert backend_of_array([1.0]) is None
    assert backend_of_array(array_api_strict.zeros(2)) is None


def test_backends_for_devices():
    assert backend_for_device("cpu").name == "numpy"
    with use_backend("jax"):
        assert backend_for_device("cpu").name == "jax"
    with pytest.raises(
        BackendError, match="Expected one of cpu, cuda, tpu device type at start of device string: abacus"
    ):
        backend_for_device("abacus:3")
    with pytest.raises(
        BackendError, match=r"no backend has device 'cpu:3' \(numpy: no such device; jax: no such device"
    ):
        backend_for_device("cpu:3")


def test_available():
    assert {"numpy", "jax"} <= set(available_backends()) <= set(known_backends())
    assert get_backend(get_backend("jax")) is get_backend("jax")


def test_registering_a_namespace_at_run_time():
    strict = ArrayAPIBackend("strict", array_api_strict)
    register_backend(strict)
    try:
        assert get_backend("strict") is strict
        assert backend_of_array(array_api_strict.zeros(2)) is strict
        with pytest.raises(BackendError, match="a backend named 'strict' is registered already"):
            register_backend(strict)
        register_backend(strict, replace=True)
    finally:
        unregister_backend("strict")
    with pytest.raises(UnknownBackendError):
        get_backend("strict")
    with pytest.raises(UnknownBackendError):
        unregister_backend("strict")


SLOW = """
import time
from pullback.backend.base import Backend
made = []
class Slow(Backend):
    array_type, dtypes, native_dtypes = object, {}, {}
    def __init__(self):
        time.sleep(0.05)
        made.append(self)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of that source; the backends it registers are forgotten afterwards."""
    before = set(known_backends())

    def write(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        return name

    yield write
    for name in set(known_backends()) - before:
        unregister_backend(name)


def test_a_backend_is_created_once_whatever_the_threads(module):
    register_backend(BackendSpec("slow", f"{module('slow_backend', SLOW)}:Slow"))
    found = []
    threads = [threading.Thread(target=lambda: found.append(get_backend("slow"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert found[0].name == "slow"


@pytest.mark.parametrize(
    ("source", "loader", "reason"),
    [
        ("import absent_array_library", "Any", r"absent_array_library is not installed: pip install absent$"),
        ("import json.absent", "Any", r"broken_backend:Any does not load: ModuleNotFoundError: No module named 'json"),
        ("1 / 0", "Any", r"broken_backend:Any does not load: ZeroDivisionError: division by zero"),
        ("", "Absent", r"does not load: AttributeError: module 'broken_backend' has no attribute 'Absent'"),
        ("Any = int", "Any", r"broken_backend:Any is not a subclass of pullback.extend.Backend"),
    ],
)
def test_backends_that_do_not_load(module, monkeypatch, source, loader, reason):
    monkeypatch.delitem(__import__("sys").modules, "broken_backend", raising=False)
    name = module("broken_backend", source)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    register_backend(
        BackendSpec("broken", f"{name}:{loader}", array_modules=("absent_array_library",), install="pip install absent")
    )
    import re

    assert re.search(reason, unavailable_reason("broken"))
    assert "broken" not in available_backends()
    with pytest.raises(BackendError, match=reason) as caught:
        get_backend("broken")
    assert isinstance(caught.value, BackendUnavailableError) or "not a subclass" in str(caught.value)


NO_NAMES = [
    "",
    " ",
    "*",
    "my backend",
    "a/b",
    "a\\b",
    "..",
    ".hidden",
    "-x",
    "a--b",
    "n\n",
    "\x00",
    "[ab]",
    "x?",
    "é",
    3,
    None,
    ["l"],
]


@pytest.mark.parametrize("name", NO_NAMES, ids=repr)
def test_names_that_no_backend_may_have(name):
    before = known_backends()
    strict = ArrayAPIBackend("strict", array_api_strict)
    strict.name = name
    for backend in (strict, BackendSpec(name, "module:Class")):
        with pytest.raises(BackendError, match=r"register_backend\(\): a backend's name is made of letters, digits"):
            register_backend(backend)
    assert known_backends() == before


@pytest.mark.parametrize("name", ["a", "cupy-13", "jax_metal", "torch.mps", "2", "My_Backend-2.0"])
def test_names_that_a_backend_may_have(name):
    register_backend(BackendSpec(name, "module:Class"))
    try:
        assert name in known_backends()
    finally:
        unregister_backend(name)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"loader": None}, "loader must be 'module:Class', not an object of type NoneType"),
        ({"loader": "module"}, "loader must be 'module:Class', not 'module'"),
        ({"loader": "module.py:Class"}, None),
        ({"loader": "a b:Class"}, "loader must be 'module:Class', not 'a b:Class'"),
        ({"array_modules": "torch"}, r"array_modules must be a tuple of str, not 'torch'; did you mean \('torch',\)"),
        ({"device_types": (1,)}, r"device_types must be a tuple of str, not \(1,\)"),
        ({"description": None}, "description must be a str, not an object of type NoneType"),
        ({"distribution": 1}, "distribution must be a str, not an object of type int"),
    ],
)
def test_descriptions_that_make_no_sense(fields, message):
    spec = BackendSpec("described", "module:Class")._replace(**fields)
    if message is None:
        register_backend(spec)
        unregister_backend("described")
        return
    with pytest.raises(BackendError, match=message):
        register_backend(spec)
    assert "described" not in known_backends()


@pytest.mark.parametrize(
    ("name", "kinds", "message"),
    [
        ("cpu", ("cpu",), "'cpu' is a kind of device of backend 'cpu', and cannot be a backend's name too"),
        ("cuda", ("cpu",), "'cuda' is a kind of device of backend 'cupy', and cannot be a backend's name too"),
        ("described", ("jax",), "'jax' is a backend, and cannot be a kind of device of backend 'described' too"),
    ],
)
def test_a_name_is_a_backends_or_a_devices(name, kinds, message):
    with pytest.raises(BackendError, match=message):
        register_backend(BackendSpec(name, "module:Class", device_types=kinds))
    assert name not in known_backends()


def test_an_unavailable_default_says_where_it_came_from(monkeypatch):
    register_backend(BackendSpec("absent", "absent_library:Any", array_modules=("absent_library",)))
    monkeypatch.setenv("PULLBACK_BACKEND", "absent")
    set_default_backend(None)
    try:
        with pytest.raises(BackendUnavailableError, match=r"is not installed \(from PULLBACK_BACKEND\)$"):
            current_backend()
    finally:
        unregister_backend("absent")


def test_what_is_no_backend_is_not_registered():
    class Half(ArrayAPIBackend):
        def __init__(self):
            self.name = "half"

    with pytest.raises(BackendError, match=r"Half does not define array_type, dtypes, native_dtypes: is super\(\)"):
        register_backend(Half())
    with pytest.raises(TypeError, match=r"must be Backend or BackendSpec, not type; did you mean Half\(\)\?"):
        register_backend(Half)
    with pytest.raises(TypeError, match=r"register_backend\(\): argument 'backend' must be .*, not module"):
        register_backend(array_api_strict)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np, "not as module; did you mean 'numpy'?"),
        (jnp, "not as module"),
        (3, "not as int"),
        (["numpy"], "not as list"),
        (type(get_backend("numpy")), "not as type"),
    ],
)
def test_what_is_neither_a_backend_nor_a_name(given, said):
    import pullback as pb

    uses = (
        get_backend,
        use_backend,
        set_default_backend,
        unavailable_reason,
        lambda backend: pb.ones(2, backend=backend),
        lambda backend: pb.ones(2).to(backend=backend),
    )
    for use in uses:
        with pytest.raises(TypeError) as caught:
            use(given)
        assert str(caught.value) == f"a backend is given by its name or as a Backend, {said}"


def test_names_in_another_case(monkeypatch):
    monkeypatch.setenv("PULLBACK_BACKEND", "JAX")
    set_default_backend(None)
    with pytest.raises(UnknownBackendError, match=r"'JAX' \(from PULLBACK_BACKEND\); did you mean 'jax'\?"):
        current_backend()


def test_errors_survive_a_pickle():
    for error in (
        UnknownBackendError("nunpy", ["numpy"], "PULLBACK_BACKEND", ["plugin 'x' is left out"]),
        BackendUnavailableError("cupy", "no CUDA device"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.__dict__) == (type(error), str(error), error.__dict__)


def test_a_backend_that_needs_itself_while_it_is_created(module):
    source = """
from pullback.backend.selection import get_backend
from pullback.backend.base import Backend
class Circular(Backend):
    def __init__(self):
        get_backend("circular")
"""
    register_backend(BackendSpec("circular", f"{module('circular_backend', source)}:Circular"))
    with pytest.raises(BackendError, match="backend 'circular' needs itself while it is created"):
        get_backend("circular")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_backend_that_is_unregistered_or_replaced_is_freed(replaced: bool) -> None:
    from pullback_numpy.backend import NumPyBackend

    def use_and_forget() -> weakref.ref[NumPyBackend]:
        backend = NumPyBackend()
        backend.name = "short-lived"
        register_backend(backend)
        x = pb.ones(2, 2, backend=backend, requires_grad=True)
        (x.exp() @ x + x[0]).sum().backward()
        if replaced:
            other = NumPyBackend()
            other.name = "short-lived"
            register_backend(other, replace=True)
        unregister_backend("short-lived")
        (x * 2 + 1).sum().backward()  # tensors that are left work on
        with pb.no_grad():
            x.fill_(3.0)
        assert x.tolist() == [[3.0, 3.0]] * 2
        return weakref.ref(backend)

    reference = use_and_forget()
    gc.collect()
    assert reference() is None
