"""Where in the user's program something happens: the innermost frame outside of pullback and its tools."""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import Any, NamedTuple

_GENERATED = "<pullback"

#: Code in these folders, and code that pullback generates, is nobody's program.
_folders: tuple[str, ...] = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,)


def leave_out(file: str) -> None:
    """Take the code in the folder of ``file`` for a tool's, and not for the user's program."""
    global _folders
    _folders = (*_folders, os.path.dirname(os.path.abspath(file)) + os.sep)


class SourceLine(NamedTuple):
    """A line of a program.

    Attributes
    ----------
    file : str
    line : int
    function : str
    """

    file: str
    line: int
    function: str

    @property
    def text(self) -> str:
        """The line itself; empty where its file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


def users_line() -> SourceLine:
    """The innermost line that is being run outside of pullback."""
    frame: FrameType | None = sys._getframe(1)
    outermost = frame
    while frame is not None:
        if not _is_ours(frame):
            return _line_of(frame)
        outermost, frame = frame, frame.f_back
    assert outermost is not None
    return _line_of(outermost)


def node_in_backward() -> Any:
    """The graph node whose derivative is being computed; None outside of a backward pass."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        if frame.f_code.co_name == "apply" and frame.f_code.co_filename.startswith(_GENERATED):
            return frame.f_locals.get("_self")
        frame = frame.f_back
    return None


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith((_GENERATED, *_folders))


def _line_of(frame: FrameType) -> SourceLine:
    return SourceLine(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)
