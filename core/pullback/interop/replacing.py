"""Writing a file so that whoever is interrupted, or runs out of space, still has the old one."""

from __future__ import annotations

import os
import stat
from contextlib import suppress


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file beside the one of that name, then put it in its place.

    A link stays a link, to a file with the new content and the old permissions. What is no ordinary file, and a file in
    a folder that takes no other, is written where it is.
    """
    target = os.path.realpath(os.fsdecode(os.fspath(path)))
    try:
        old = os.stat(target)
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        _write_in_place(target, content)
        return
    if old is not None and not os.access(target, os.W_OK):
        raise PermissionError(13, os.strerror(13), os.fspath(path))
    beside = os.path.join(os.path.dirname(target), f".pullback-{os.urandom(8).hex()}.tmp")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except PermissionError:
        if old is None:
            raise PermissionError(13, os.strerror(13), os.fspath(path)) from None
        _write_in_place(target, content)
        return
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        if old is not None:
            with suppress(OSError):  # another user's file becomes one's own, as far as the system allows no more
                os.chown(beside, old.st_uid, old.st_gid)  # type: ignore[attr-defined,unused-ignore]
            os.chmod(beside, stat.S_IMODE(old.st_mode))
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _write_in_place(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
