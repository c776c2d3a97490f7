"""Blocks that set what holds in this thread and task, and leave it as it was however they end.

Ctrl-C raises KeyboardInterrupt between almost any two steps of a program: within a block, but also while one begins
and while one ends. What is set here is put back in those cases too. CPython looks for signals where a function begins,
where a loop goes back and after a call, so

- what is set is set inside the ``try`` that puts it back, never before it;
- what is put back is the value that was, which may be put back twice, and not the token of a context variable, which
  may not. So a block may also end in another context than it began in, as where another task resumes a generator;
- what must run at an end is the first thing called there, and begins at once.
"""

from __future__ import annotations

import opcode
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from types import CodeType, FunctionType, TracebackType
from typing import Any, TypeAlias, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

#: A context variable, and its value.
Setting: TypeAlias = tuple[ContextVar[Any], Any]


def begins_at_once(function: F) -> F:
    """Have a function begin without a look for signals: they interrupt its body, but not before that.

    A signal that came as ``__exit__`` began would leave everything as it is inside of the block. CPython looks where
    the function's ``RESUME`` instruction says that a caller enters or resumes it, and not where it says that an
    ``await`` does; so here it says the latter.
    """
    assert isinstance(function, FunctionType)
    function.__code__ = _without_look(function.__code__)
    return function


_AFTER_AWAIT = 3  # the argument of RESUME, as the module `dis` documents it


def _without_look(code: CodeType) -> CodeType:
    resume = opcode.opmap.get("RESUME")
    instructions = bytearray(code.co_code)
    for place in range(0, len(instructions), 2):
        if instructions[place] == resume:
            instructions[place + 1] = _AFTER_AWAIT
            break
    return code.replace(co_code=bytes(instructions))


@begins_at_once
def surely(function: Callable[..., Any], *arguments: Any) -> None:
    """Call a function that may be called twice; once more where an interrupt ends it."""
    try:
        function(*arguments)
    except BaseException:
        function(*arguments)
        raise


def put(settings: Iterable[Setting]) -> None:
    """Give context variables these values."""
    for variable, value in settings:
        variable.set(value)


class Block:
    """A context manager that gives context variables other values inside the block; subclasses say which.

    Blocks of one manager may nest. (Subclasses may be the user's: hence the long names.)
    """

    #: What was before each block that has begun and not ended.
    _begun: Sequence[Sequence[Setting]] = ()
    #: Whether the end of a block that has not begun ends another one.
    _ends_others = False

    def _settings_inside(self) -> Sequence[Setting]:
        """The variables and their values inside; raises where the block may not begin."""
        raise NotImplementedError

    def _value_inside(self) -> Any:
        """What ``with ... as`` gives."""
        return None

    def _end_block(self, before: Sequence[Setting]) -> None:
        """What happens at the end. Where it raises, all is put back as it was before the block."""
        self._put_back(before)

    def _put_back(self, before: Sequence[Setting]) -> None:
        """Leave everything as it was before the block; called again, it does no harm."""
        put(before)

    def __enter__(self) -> Any:
        inside, value = self._settings_inside(), self._value_inside()
        before = [(variable, variable.get()) for variable, _ in inside]
        begun: list[Sequence[Setting]] = self.__dict__.setdefault("_begun", [])
        depth = len(begun)
        try:
            begun.append(before)
            put(inside)
        except BaseException:
            surely(self._put_back, before)
            del begun[depth:]
            raise
        return value

    @begins_at_once
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        begun: Any = self._begun  # no call here: signals are looked for after one
        before = () if self._ends_others and not begun else begun[-1]
        try:
            self._end_block(before)
        except BaseException:
            surely(self._put_back, before)
            raise
        finally:
            if begun:
                del begun[-1]
