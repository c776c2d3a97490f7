"""Grad modes, behaviour by behaviour: the same program as on PyTorch."""

from __future__ import annotations

import asyncio
import inspect
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch")

import pullback as pb  # noqa: E402

PROGRAMS: list[Callable[[Any], Any]] = []


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def refused(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except (Exception, GeneratorExit) as error:
        return type(error).__name__, str(error)


def state(lib: Any) -> tuple[bool, bool]:
    return lib.is_grad_enabled(), lib.is_inference_mode_enabled()


@program
def nested_blocks(lib: Any) -> Any:
    found = []
    makers = (lib.no_grad, lib.enable_grad, lambda: lib.set_grad_enabled(False), lambda: lib.set_grad_enabled(True))
    for outer in makers:
        for inner in makers:
            with outer():
                found.append(lib.is_grad_enabled())
                with inner():
                    found.append(lib.is_grad_enabled())
                found.append(lib.is_grad_enabled())
            found.append(lib.is_grad_enabled())
    return found


@program
def blocks_used_again(lib: Any) -> Any:
    found = []
    for manager in (lib.no_grad(), lib.inference_mode(), lib.set_grad_enabled(False)):
        for _ in range(2):
            found.append(state(lib))
            with manager:
                found.append(state(lib))
        found.append(state(lib))
        lib.set_grad_enabled(True)
    return found


@program
def arguments_that_are_no_bool(lib: Any) -> Any:
    found = []
    for value in (1, 0, None, "text"):
        found += [
            refused(lambda v=value: lib.set_grad_enabled(v)),
            refused(lambda v=value: lib.autograd.set_multithreading_enabled(v)),
            refused(lambda v=value: lib.autograd.set_detect_anomaly(v)),
            refused(lambda v=value: lib.autograd.set_detect_anomaly(True, v)),
            refused(lambda v=value: lib.set_anomaly_enabled(v)),
        ]
    found.append((state(lib), lib.is_anomaly_enabled(), lib.autograd.is_multithreading_enabled()))
    found.append(str(lib.set_grad_enabled(True)).split(".autograd.")[1])
    return found


@program
def multithreading(lib: Any) -> Any:
    enabled = lib.autograd.is_multithreading_enabled
    found = [enabled()]
    with lib.autograd.set_multithreading_enabled(False):
        found.append(enabled())
        with lib.autograd.set_multithreading_enabled(True):
            found.append(enabled())
        found.append(enabled())
        thread = threading.Thread(target=lambda: found.append(enabled()))
        thread.start()
        thread.join()
    found.append(enabled())
    lib.autograd.set_multithreading_enabled(False)
    found.append(enabled())
    lib.autograd.set_multithreading_enabled(True)
    return found, enabled()


@program
def leaving_inference_mode(lib: Any) -> Any:
    found = []
    with lib.no_grad():
        with lib.inference_mode(False):
            found.append((state(lib), (lib.ones(1, requires_grad=True) * 2).requires_grad))
        found.append(state(lib))
        with lib.inference_mode():
            found.append(state(lib))
        found.append(state(lib))
    with lib.inference_mode():
        with lib.inference_mode(False):
            found.append(state(lib))
            with lib.no_grad():
                found.append(state(lib))
            with lib.inference_mode():
                found.append(state(lib))
        found.append(state(lib))
        found.append(lib.inference_mode(mode=False)(lambda: state(lib))())
    found.append(lib.inference_mode(lambda: state(lib))())
    return found, state(lib)


@program
def generators(lib: Any) -> Any:
    log: list[Any] = []
    enabled = lib.is_grad_enabled

    def steps() -> Any:
        try:
            log.append((yield enabled()))
            with lib.set_grad_enabled(not enabled()):
                yield enabled()
            try:
                yield enabled()
            except ValueError as error:
                log.append((str(error), enabled()))
            yield enabled()
        finally:
            log.append(("finally", enabled()))

    for decorator in (lib.no_grad, lib.no_grad(), lib.set_grad_enabled(False), lib.enable_grad()):
        lib.set_grad_enabled(True)
        decorated = decorator(steps)
        for outside in (True, False):
            with lib.set_grad_enabled(outside):
                running = decorated()
                for step in (
                    lambda r: next(r),
                    lambda r: r.send("sent"),
                    lambda r: next(r),
                    lambda r: r.throw(ValueError("thrown")),
                    lambda r: r.close(),
                    lambda r: next(r),
                ):
                    log.append((refused(lambda s=step, r=running: s(r)), enabled()))
    return log, inspect.isgeneratorfunction(decorated), decorated.__name__


@program
def generators_that_end(lib: Any) -> Any:
    log: list[Any] = []

    @lib.no_grad()
    def returning() -> Any:
        yield 1
        return lib.is_grad_enabled()

    def delegating() -> Any:
        log.append((yield from returning()))

    @lib.no_grad()
    def recursive(depth: int) -> Any:
        yield lib.is_grad_enabled()
        if depth:
            with lib.enable_grad():
                yield from recursive(depth - 1)
            yield lib.is_grad_enabled()

    @lib.no_grad()
    def failing() -> Any:
        yield 1
        raise KeyError("inside")

    @lib.no_grad()
    def stopping() -> Any:
        yield 1
        raise StopIteration("inside")

    @lib.no_grad()
    def unwilling() -> Any:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    @lib.no_grad()
    def chaining() -> Any:
        try:
            yield 1
        except ValueError as error:
            raise KeyError("new") from error

    log.append(list(delegating()))
    log.append([(inside, lib.is_grad_enabled()) for inside in recursive(2)])
    for function in (failing, stopping):
        running = function()
        log.append((next(running), refused(lambda r=running: next(r)), lib.is_grad_enabled()))
    running = failing()
    log.append((refused(lambda: running.throw(IndexError("too early"))), refused(lambda: next(running))))
    unfinished = unwilling()
    log.append((next(unfinished), refused(unfinished.close), lib.is_grad_enabled()))
    chained = chaining()
    next(chained)
    try:
        chained.throw(ValueError("cause"))
    except KeyError as error:
        log.append((repr(error.__cause__), repr(error.__context__)))
    return log


@program
def functions_methods_and_classes(lib: Any) -> Any:
    enabled = lib.is_grad_enabled

    @lib.no_grad()
    def function(a: Any, *b: Any, c: int = 3, **d: Any) -> Any:
        """Documented."""
        return a, b, c, d, enabled()

    @lib.no_grad()
    def without(depth: int) -> Any:
        return (enabled(), *(recording(depth - 1) if depth else ()))

    @lib.enable_grad()
    def recording(depth: int) -> Any:
        return (enabled(), *(without(depth - 1) if depth else ()))

    class Methods:
        @lib.no_grad()
        def method(self) -> bool:
            return enabled()

        @staticmethod
        @lib.no_grad()
        def static() -> bool:
            return enabled()

        @classmethod
        @lib.no_grad()
        def of_class(cls) -> bool:
            return enabled()

        @property
        @lib.no_grad()
        def attribute(self) -> bool:
            return enabled()

    found = [function(1, 2, c=4, e=5), function.__name__, function.__doc__, without(4)]
    found.append((Methods().method(), Methods.static(), Methods.of_class(), Methods().attribute))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        @lib.no_grad()
        class Decorated:
            def __init__(self, value: int) -> None:
                self.made = value, enabled()

            def method(self) -> bool:
                return enabled()

    found.append([(w.category.__name__, str(w.message), w.filename == __file__) for w in caught])
    instance = Decorated(3)
    found.append((instance.made, instance.method(), type(instance).__name__))
    with lib.no_grad():
        found.append((lib.set_grad_enabled(True)(enabled)(), enabled()))
    found.append((lib.set_grad_enabled(False)(enabled)(), enabled()))
    return found


@program
def blocks_that_end_out_of_order(lib: Any) -> Any:
    found: list[Any] = []

    def enabled() -> Any:
        return lib.is_grad_enabled(), lib.is_anomaly_enabled(), lib.is_anomaly_check_nan_enabled()

    def block(make: Any) -> Any:
        with make():
            yield enabled()
        yield enabled()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for first, second in (
            (lib.no_grad, lib.enable_grad),
            (lib.no_grad, lib.no_grad),
            (lib.autograd.detect_anomaly, lambda: lib.autograd.set_detect_anomaly(True, False)),
            (lambda: lib.autograd.set_detect_anomaly(True, False), lib.autograd.detect_anomaly),
        ):
            a, b = block(first), block(second)
            found.append([next(a), next(b), next(a), next(b), enabled()])
            lib.set_grad_enabled(True)
            lib.set_anomaly_enabled(False)
    return found


@program
def tasks(lib: Any) -> Any:
    log: list[Any] = []

    async def waiting() -> None:
        with lib.no_grad():
            await asyncio.sleep(0)
            log.append(lib.is_grad_enabled())

    async def main() -> None:
        await waiting()
        log.append(lib.is_grad_enabled())
        with lib.no_grad():
            await waiting()
            log.append(lib.is_grad_enabled())

    asyncio.run(main())
    return log, lib.is_grad_enabled()


@program
def new_threads(lib: Any) -> Any:
    log: list[Any] = []

    def inside() -> None:
        log.append(state(lib))
        lib.set_grad_enabled(False)
        log.append(state(lib))

    for mode in (lib.no_grad, lib.inference_mode):
        with mode():
            thread = threading.Thread(target=inside)
            thread.start()
            thread.join()
            log.append(state(lib))
    return log, state(lib)


@program
def what_is_made_without_gradients(lib: Any) -> Any:
    with lib.no_grad():
        x = lib.ones(2, requires_grad=True)
        copied, view = x.clone(), x[0]
        found: list[Any] = [(t.requires_grad, t.is_leaf, t._is_view()) for t in (x, x * 2, copied, view)]
        found.append(lib.ones(2).requires_grad_().requires_grad)
        x.add_(1)
    found.append((x._version, refused(lambda: x.add_(1)), refused(lambda: view.add_(1))))
    z = (x * x).sum()
    with lib.no_grad():
        x.mul_(2)
    found.append(refused(z.backward))
    return found


@program
def backward_in_other_modes(lib: Any) -> Any:
    x = lib.ones(2, requires_grad=True)
    log: list[Any] = []
    outputs = [(x * x).sum() for _ in range(3)]
    x.register_hook(lambda g: log.append((lib.is_grad_enabled(), g.requires_grad)))
    with lib.no_grad():
        outputs[0].backward()
        (grad,) = lib.autograd.grad(outputs[1], x, create_graph=True)
        log.append(grad.requires_grad)
    with lib.inference_mode():
        outputs[2].backward()
    return log, x.grad.tolist()


@program
def the_layout_of_gradients(lib: Any) -> Any:
    found = []
    for enable in (True, False):
        x = lib.ones(2, 3, 4).permute(2, 0, 1).detach().requires_grad_()
        with lib.autograd.enforce_grad_layout_policy(enable):
            for out, grad in ((x * 2, lib.ones(4, 2, 3)), ((x * 2).sum(), None), (x * 1, lib.ones_like(x))):
                x.grad = None
                out.backward(grad)
                found.append(x.grad.stride())
    found.append(refused(lambda: lib.autograd.enforce_grad_layout_policy(3)))
    return found


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree(function: Callable[[Any], Any]) -> None:
    assert function(pb) == function(torch)
