"""What other code in the process notices of pullback: nothing, but JAX's 64-bit types once its backend is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

UNTOUCHED = """
import logging, os, signal, sys, warnings
import jax, jax.numpy, jax.scipy.special, ml_dtypes, scipy.sparse
import numpy as np
jax.devices()  # what these change is theirs

def state():
    return (
        list(warnings.filters), dict(os.environ), np.geterr(), np.get_printoptions(), sys.getrecursionlimit(),
        sys.getswitchinterval(), [signal.getsignal(s) for s in signal.valid_signals()], logging.root.handlers[:],
        logging.root.level, sys.excepthook, sys.displayhook, sys.gettrace(), sys.getprofile(), os.getcwd(),
    )

before = state()
import pullback as pb
pb.available_backends()
x = pb.ones(3, requires_grad=True)
(x * float("nan")).exp().sum().backward()
pb.tensor([0.0]).log_().reciprocal().mean()
with pb.use_backend("jax"):
    (pb.ones(3) / 0).sum()
after = state()
assert after == before, [(a, b) for a, b in zip(after, before) if a != b]
"""

#: Every method of Tensor, with what overflows and what is undefined among the elements.
EVERYTHING = """
import sys
import numpy as np
import pullback as pb
sys.argv = SETUP
if "raise" in sys.argv:
    np.seterr(all="raise")
values = [float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 3e38, 1e-38, 300.0]
heard = []
for dtype, shape in ((pb.float32, (8,)), (pb.float64, (2, 4)), (pb.float16, (8,))):
    x = pb.tensor([v for v in values]).to(dtype).reshape(shape) * (1e270 if dtype is pb.float64 else 1)
    for name in dir(pb.Tensor):
        if name.startswith("_") or not callable(getattr(pb.Tensor, name)):
            continue
        for args in ((), (x,), (2.5,), (0,)):
            for _ in range(2):  # the first call of an operation takes another path than the next
                own = x.clone().requires_grad_(not name.endswith("_"))
                try:
                    result = getattr(own, name)(*args)
                    if isinstance(result, pb.Tensor) and result.requires_grad:
                        result.sum().backward()
                except (FloatingPointError, RuntimeWarning) as error:
                    heard.append((name, dtype, args, error))
                except Exception:
                    pass  # not an operation of such operands
print(heard)
assert not heard
overflowing = pb.tensor([3e38, 1.0])
for _ in range(3):
    y = overflowing.clone()
    y.mul_(2.0)
    y += y
    with pb.no_grad():
        y.mul_(pb.tensor([10.0, 10.0]))
    assert y.tolist() == [float("inf"), 40.0], y
    assert y._version == 3, y._version
optimizer = pb.optim.Adam([weight := pb.zeros(2, requires_grad=True)])
weight.grad = pb.tensor([float("inf"), 1e30])
optimizer.step()
assert pb.full((2,), 1e300, dtype=pb.float64).float().tolist() == [float("inf")] * 2
assert np.geterr()["over"] == ("raise" if "raise" in sys.argv else "warn")
"""

#: What the program's own NumPy code hears is what it would hear.
STILL_HEARD = """
import warnings
import numpy as np
import pullback as pb
pb.ones(2) * 3
for function in (lambda x: np.log(x), lambda x: np.mean(x[:0]), lambda x: x / x):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        function(np.zeros(2))
    assert caught and caught[0].category is RuntimeWarning
"""


def run(program: str, *options: str) -> None:
    done = subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_the_process_is_changed() -> None:
    run(UNTOUCHED)


@pytest.mark.parametrize(
    ("options", "setup"), [((), ""), (("-W", "error"), ""), ((), "raise"), (("-W", "error"), "raise")]
)
def test_no_operation_warns_whatever_the_program_has_asked_numpy_for(options: tuple[str, ...], setup: str) -> None:
    program = EVERYTHING.replace("SETUP", repr(["program", setup]))
    if not options:
        options = ("-W", "error::RuntimeWarning", "-W", "ignore::UserWarning", "-W", "ignore::FutureWarning")
    run(program, *options)


def test_the_programs_own_numpy_warns_as_ever() -> None:
    run(STILL_HEARD)


NARROW = "jnp.arange(3).dtype == 'int32' and jnp.ones(2).dtype == 'float32' and not jax.config.jax_enable_x64"
WIDE = "jnp.arange(3).dtype == 'int64' and jnp.ones(2).dtype == 'float64' and jax.config.jax_enable_x64"


def test_looking_for_devices_leaves_jax_as_it_is() -> None:
    run(f"""
import jax, jax.numpy as jnp
import pullback as pb
assert {NARROW}
try:
    pb.ones(2, device="cuda:7")
except pb.BackendError:
    pass
pb.available_backends()
assert "jax" in [b.name for b in __import__("pullback.backend.registry", fromlist=["_"]).loaded_backends()]
pb.get_backend("jax").devices()
with pb.use_backend("jax"):
    pass
assert {NARROW}
""")


@pytest.mark.parametrize("use", ["pb.ones(2, backend='jax')", "pb.asarray(jnp.ones(2)).argmax()"])
def test_jax_code_before_and_after_the_first_use_of_its_backend(use: str) -> None:
    run(f"""
import jax, jax.numpy as jnp
import pullback as pb
assert {NARROW}
before, step = jnp.ones(2), jax.jit(lambda x: x * 2)
assert step(before).dtype == 'float32'
y = {use}
assert y.dtype is (pb.float32 if y.ndim else pb.int64), y.dtype
assert {WIDE}
assert before.dtype == step(before).dtype == (before + 1).dtype == 'float32'  # what is there stays
with jax.enable_x64(False):  # a part of the program that wants JAX as it was
    assert jnp.ones(2).dtype == 'float32'
""")
    run(f"""
import pullback as pb
pb.ones(2, backend='jax')
import jax, jax.numpy as jnp
assert {WIDE}
jax.config.update('jax_enable_x64', False)
assert {NARROW}
assert pb.ones(2, backend='jax').tolist() == [1.0, 1.0]
try:
    pb.ones(2, backend='jax', dtype=pb.float64)
except pb.BackendError as error:
    assert 'jax_enable_x64' in str(error)
else:
    raise AssertionError
""")
