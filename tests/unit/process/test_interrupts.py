"""Ctrl-C at any point: the state of the thread, and versions, elements and gradients of tensors, stay consistent.

CPython raises KeyboardInterrupt where it looks for signals: where a function begins or is resumed, where a loop goes
back, and after a call of something that is not written in Python. The tests raise it there themselves, at one place in
each run, in pullback's own code; signals that come at random do so too.
"""

from __future__ import annotations

import contextvars
import dis
import functools
import gc
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import pullback as pb
import pullback.autograd.forward_ad as fwd
from pullback.dispatch.interception import intercept_kernels
from pullback.extend import intercept, registry
from pullback.overrides import PullbackFunctionMode
from pullback.process.blocks import begins_at_once
from pullback.utils.checkpoint import checkpoint, set_checkpoint_debug_enabled, set_checkpoint_early_stop

HOME = str(Path(pb.__file__).parent)
AFTER_AWAIT = 2  # from there on, the argument of RESUME says that no signals are looked for


def places_of(code: CodeType, known: dict[CodeType, dict[int, bool]] = {}) -> dict[int, bool]:  # noqa: B006
    """The instructions before which an interrupt may be raised, and whether only if no Python code has been called."""
    if code not in known:
        found = {}
        before = None
        entries = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
        for instruction in dis.get_instructions(code):
            if before is not None:
                calls = before.opname.startswith("CALL")
                resumes = before.opname == "RESUME" and (before.arg or 0) < AFTER_AWAIT
                # It counts as one of the call: the same handler must take that and the next instruction
                handlers = [
                    next((e.target for e in reversed(entries) if e.start <= i.offset < e.end), None)
                    for i in (before, instruction)
                ]
                if (calls or resumes) and handlers[0] == handlers[1]:
                    found[instruction.offset] = calls
                if instruction.opname.startswith("JUMP_BACKWARD"):
                    found[instruction.offset] = False
            before = instruction
        known[code] = found
    return known[code]


class Interrupting:
    """Inside, KeyboardInterrupt is raised at the place of that number; ``count`` is how many have been passed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0
        self.callers: set[FrameType] = set()  # whose present instruction has called Python code

    def begun(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_back is not None and frame.f_code.co_name != "__init__":
            self.callers.add(frame.f_back)
        if not frame.f_code.co_filename.startswith((HOME, "<pullback ")):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self.instruction

    def instruction(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            after_call = places_of(frame.f_code).get(frame.f_lasti)
            if after_call is False or (after_call and frame not in self.callers):
                self.count += 1
                if self.count == self.number:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            self.callers.discard(frame)
        return self.instruction

    def run(self, program: Callable[[], Any]) -> bool:
        """Whether the program was interrupted."""
        before = sys.gettrace()
        try:
            sys.settrace(self.begun)
            program()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


def state() -> dict[str, Any]:
    """What holds in this thread: pullback's context variables."""
    return {v.name: value for v, value in contextvars.copy_context().items() if v.name.startswith("pullback")}


def each_place(program: Callable[[], Any], most: int) -> list[int]:
    """Numbers of places in the program: all, or that many of them."""
    counting = Interrupting(0)
    assert not counting.run(program)
    numbers = range(1, counting.count + 1)
    return list(numbers) if len(numbers) <= most else sorted(random.Random(0).sample(numbers, most))


class Mode(PullbackFunctionMode):
    def __pullback_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


BLOCKS: dict[str, Callable[[], Any]] = {
    "no_grad": pb.no_grad,
    "enable_grad": pb.enable_grad,
    "inference_mode": pb.inference_mode,
    "saved_tensors_hooks": lambda: pb.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x),
    "disable_saved_tensors_hooks": lambda: pb.autograd.graph.disable_saved_tensors_hooks("no"),
    "allow_mutation": pb.autograd.graph.allow_mutation_on_saved_tensors,
    "use_backend": lambda: pb.use_backend("numpy"),
    "intercept": lambda: intercept(lambda operation, operands, attributes, proceed: proceed()),
    "intercept_kernels": lambda: intercept_kernels(lambda operation, operands, attributes, proceed: proceed()),
    "function mode": Mode,
    "DisablePullbackFunction": pb.overrides.DisablePullbackFunction,
    "DisablePullbackFunctionSubclass": pb.overrides.DisablePullbackFunctionSubclass,
    "dual_level": fwd.dual_level,
    "checkpoint early stop": lambda: set_checkpoint_early_stop(False),
    "checkpoint debug": lambda: set_checkpoint_debug_enabled(True),
    "printoptions": lambda: pb.printoptions(precision=2),
    "fork_rng": pb.random.fork_rng,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_that_are_interrupted_leave_what_was(name: str) -> None:
    x = pb.ones(2, requires_grad=True)

    def program() -> None:
        with BLOCKS[name]():
            x * 2

    program()
    before, options = state(), pb.get_printoptions()
    hits = 0
    for number in each_place(program, 100):
        hits += Interrupting(number).run(program)
        assert state() == before, number
        assert pb.get_printoptions() == options
    assert hits


def test_blocks_nest_out_of_order_and_across_contexts() -> None:
    options = pb.get_printoptions()
    for make in BLOCKS.values():

        def generator(make: Callable[[], Any] = make) -> Any:
            with make():
                yield
            yield

        steps = generator()
        contextvars.copy_context().run(next, steps)
        contextvars.copy_context().run(next, steps)
        if make is BLOCKS["allow_mutation"] or make is BLOCKS["dual_level"]:
            continue  # these do not nest
        first, second = make(), make()

        def out_of_order(first: Any = first, second: Any = second) -> None:
            first.__enter__()
            second.__enter__()
            first.__exit__(None, None, None)
            second.__exit__(None, None, None)

        contextvars.copy_context().run(out_of_order)
    pb.set_printoptions(**options)  # they hold in every context


def transforms() -> dict[str, Callable[[], Any]]:
    weight = pb.ones(3, 3, dtype=pb.float64, requires_grad=True)
    x = pb.ones(2, 3, dtype=pb.float64)

    def loss(w: Any) -> Any:
        return (x @ w).sin().sum()

    class Twice(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            ctx.save_for_backward(t)
            return t * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2 + ctx.saved_tensors[0] * 0

    def hooked() -> None:
        y = weight * 2
        y.register_hook(lambda grad: grad * 2)
        y.sum().backward()

    def dual() -> None:
        with fwd.dual_level():
            fwd.unpack_dual(loss(fwd.make_dual(weight, weight)))

    model = pb.nn.Linear(3, 1).double()
    parameters = {name: p.detach().clone() for name, p in model.named_parameters()}
    return {
        "backward": lambda: loss(weight).backward(),
        "create_graph": lambda: pb.autograd.grad(loss(weight), weight, create_graph=True)[0].sum().backward(),
        "hooks": hooked,
        "Function": lambda: Twice.apply(weight).sum().backward(),
        "checkpoint": lambda: checkpoint(loss, weight, use_reentrant=False).backward(),
        "checkpoint with reentry": lambda: checkpoint(loss, weight, use_reentrant=True).backward(),
        "dual numbers": dual,
        "grad": lambda: pb.func.grad(loss)(weight),
        "jvp": lambda: pb.func.jvp(loss, (weight,), (weight,)),
        "vmap": lambda: pb.vmap(pb.func.grad(lambda r: (r * r).sum()))(x),
        "hessian": lambda: pb.func.hessian(lambda r: (r**3).sum())(x[0]),
        "functional_call": lambda: pb.func.functional_call(model, parameters, (x,)),
    }


@pytest.mark.parametrize("name", list(transforms()))
def test_programs_that_are_interrupted_leave_what_was(name: str) -> None:
    program = transforms()[name]
    program()
    before = state()
    hits = 0
    for number in each_place(program, 70):
        hits += Interrupting(number).run(program)
        assert state() == before, number
    assert hits
    program()


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("view", [True, False])
@pytest.mark.parametrize("write", ["mul_", "fill_", "setitem", "out"])
def test_a_write_in_place_is_done_with_its_version_and_history_or_not_at_all(
    backend: str, recorded: bool, view: bool, write: str
) -> None:
    if write == "out" and recorded:
        pytest.skip("out= takes no gradients")

    def make() -> tuple[Any, ...]:
        leaf = pb.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=recorded)
        base = leaf * 1
        return leaf, base, base[1:3] if view else base, base[2:]

    def apply(target: Any) -> None:
        if write == "mul_":
            target.mul_(5.0)
        elif write == "fill_":
            target.fill_(7.0)
        elif write == "setitem":
            target[...] = 7.0
        else:
            pb.mul(target, 5.0, out=target)

    with pb.use_backend(backend):
        leaf, base, target, other = make()
        before, old_version = base.tolist(), base._version
        apply(target)
        after = base.tolist()
        numbers = each_place(lambda: apply(make()[2]), 60 if backend == "numpy" else 25)
        for number in numbers:
            leaf, base, target, other = make()
            Interrupting(number).run(lambda target=target: apply(target))
            assert base.tolist() in (before, after)
            assert target.tolist() == (base[1:3] if view else base).tolist()
            assert other.tolist() == base[2:].tolist()
            assert base._version == target._version
            if base.tolist() == after:
                assert base._version > old_version
            if recorded:
                try:
                    base.sum().backward()
                except RuntimeError as error:
                    if "interrupted" not in str(error):
                        raise
                else:
                    factor = {"mul_": 5.0}.get(write, 0.0) if base.tolist() == after else 1.0
                    changed = range(1, 3) if view else range(4)
                    assert leaf.grad.tolist() == [factor if i in changed else 1.0 for i in range(4)]


def test_an_optimizer_step_that_is_interrupted_counts_what_it_has_written() -> None:
    for make in (pb.optim.SGD, pb.optim.Adam):
        parameters = [pb.ones(2, requires_grad=True) for _ in range(2)]
        optimizer = make(parameters, lr=0.1)
        for parameter in parameters:
            parameter.grad = pb.ones(2)
        optimizer.step()
        before = state()
        for number in each_place(optimizer.step, 100):
            values = [(p.tolist(), p._version) for p in parameters]
            Interrupting(number).run(optimizer.step)
            assert state() == before
            for parameter, (elements, version) in zip(parameters, values, strict=True):
                assert parameter.tolist() == elements or parameter._version > version


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no timers that interrupt")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals are for the main thread")
def test_signals_at_random_leave_what_was() -> None:
    programs = list(transforms().values())
    x = pb.ones(2)

    def block() -> None:
        with pb.no_grad(), pb.use_backend("numpy"), Mode():
            x.mul_(1.0)

    programs += [block] * 4
    for program in programs:
        program()
    before = state()
    chosen = random.Random(0)
    hits = 0
    # Python only reports what an interrupt raises where it calls code by itself: a finalizer, or what JAX has the
    # collector call.
    gc.collect()
    gc.disable()
    reported: list[Any] = []

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    previous, previous_hook = signal.signal(signal.SIGALRM, interrupt), sys.unraisablehook
    sys.unraisablehook = lambda unraisable: reported.append(unraisable.exc_type)
    try:
        for _ in range(700):
            program = chosen.choice(programs)
            began = time.perf_counter()
            program()
            takes = time.perf_counter() - began
            before_this = len(reported)
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-6 + chosen.random() * takes)
                    while len(reported) == before_this:
                        program()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hits += 1
            assert state() == before
    finally:
        signal.signal(signal.SIGALRM, previous)
        sys.unraisablehook = previous_hook
        gc.enable()
    assert set(reported) <= {KeyboardInterrupt}
    assert hits + len(reported) == 700
    assert hits > 600


def test_a_function_that_begins_at_once_still_works_as_before() -> None:
    @begins_at_once
    def function(a: int, *rest: int, key: str = "k") -> tuple[Any, ...]:
        return a, rest, key

    assert function(1, 2, key="x") == (1, (2,), "x")
    assert 1 not in places_of(function.__code__)


class Limit(TimeoutError):
    """What the handlers below raise: an exception as any other, by its class."""


class _Handlers:
    """Handlers of each form that Python takes."""

    def method(self, number: int, frame: Any) -> None:
        raise Limit

    def __call__(self, number: int, frame: Any) -> None:
        raise Limit

    def nested(self, *given: Any) -> None:
        self.method(*given)


def _report(number: int, frame: Any) -> None:
    raise FloatingPointError


HANDLERS: dict[str, Callable[..., Any]] = {
    "method": _Handlers().method,
    "object": _Handlers(),
    "nested": _Handlers().nested,
    "partial": functools.partial(_Handlers.method, _Handlers()),
    "of a class that libraries raise": _report,
}


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="the platform raises no signals")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals are for the main thread")
@pytest.mark.parametrize("name", HANDLERS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["function", "operator", "in place", "in place with one operand", "recorded", "out"])
def test_what_a_handler_raises_ends_the_operation_and_no_write_is_done_twice(name: str, when: str, call: str) -> None:
    """The signal comes just before or after the kernel has written, while its operation's callable runs."""
    x = pb.tensor([1.0, 2.0], requires_grad=call == "recorded")
    factor = pb.tensor([3.0, 3.0])
    base = x * 1 if call == "recorded" else x
    target = pb.zeros(2)
    programs: dict[str, tuple[str, Callable[[], Any]]] = {
        "function": ("mul", lambda: pb.mul(x, factor)),
        "operator": ("mul", lambda: x * factor),
        "in place": ("mul", lambda: base.mul_(factor)),
        "in place with one operand": ("neg", lambda: base.neg_()),
        "recorded": ("mul", lambda: base.mul_(factor)),
        "out": ("mul", lambda: pb.mul(x, factor, out=target)),
    }
    operation, program = programs[call]
    program()  # so that it has been compiled
    entries = registry[operation].tables[base.backend]
    native = base.array.dtype
    kernel, *rest = entries[native]
    values, version = base.tolist(), base._version
    armed = [True]

    def signalling(*arrays: Any, **options: Any) -> Any:
        if armed and when == "before":
            armed.clear()
            signal.raise_signal(signal.SIGINT)
        result = kernel(*arrays, **options)
        if armed:
            armed.clear()
            signal.raise_signal(signal.SIGINT)
        return result

    previous = signal.signal(signal.SIGINT, HANDLERS[name])
    try:
        entries[native] = (signalling, *rest)
        with pytest.raises(FloatingPointError if HANDLERS[name] is _report else Limit):
            program()
    finally:
        entries[native] = (kernel, *rest)
        signal.signal(signal.SIGINT, previous)
    assert not armed
    once = [-v for v in values] if operation == "neg" else [3 * v for v in values]
    assert base.tolist() in (values, once)
    if base.tolist() == once:
        assert base._version > version
    program()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no timers that interrupt")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals are for the main thread")
def test_a_time_limit_by_a_signal_always_comes() -> None:
    """On NumPy, whose code is all compiled: what is raised inside of JAX's own Python code is in JAX's hands."""
    with pb.use_backend("numpy"):
        x, count = pb.ones(2), pb.zeros(2)
    x.sin() * x
    chosen = random.Random(0)
    done = 0
    hits = 0
    previous = signal.signal(signal.SIGALRM, HANDLERS["method"])
    try:
        for _ in range(300):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-5 + chosen.random() * 2e-4)
                    while True:
                        x.sin() * x
                        before = count._version
                        count.add_(1.0)
                        done += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except Limit:
                hits += 1
                if count.tolist()[0] != done:  # the last write, which its version tells of
                    assert count.tolist() == [done + 1.0] * 2
                    assert count._version > before
                    done += 1
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert hits == 300


def test_an_operation_that_fails_while_a_time_limit_is_dealt_with_says_what_is_wrong() -> None:
    def handler(number: int, frame: Any) -> None:
        raise Limit

    try:
        handler(0, sys._getframe())
    except Limit:
        with pytest.raises(TypeError, match=r"must be Tensor"):
            pb.mul("a", pb.ones(2))  # type: ignore[arg-type]
        assert (pb.ones(2) * pb.ones(2, dtype=pb.float64)).dtype is pb.float64
