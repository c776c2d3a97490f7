"""A file is written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

import pullback as pb
from pullback.interop import replacing


def _interrupt(*args: object) -> None:
    raise KeyboardInterrupt


def test_an_object_that_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model"
    pb.save(pb.ones(2), path)
    with pytest.raises(TypeError):
        pb.save({"f": print}, path)
    assert pb.load(path).tolist() == [1.0, 1.0]


def test_whoever_is_interrupted_still_has_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model"
    pb.save(pb.ones(2), path)
    with monkeypatch.context() as patch:
        patch.setattr(replacing.os, "replace", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            pb.save(pb.zeros(2), path)
    assert pb.load(path).tolist() == [1.0, 1.0]
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no device that is always full")
def test_a_full_disk_is_an_error_and_a_device_is_written_where_it_is() -> None:
    with pytest.raises(OSError, match="No space left"):
        pb.save(pb.ones(2), "/dev/full")
    assert not stat.S_ISREG(os.stat("/dev/full").st_mode)
    pb.save(pb.ones(2), os.devnull)
    assert not stat.S_ISREG(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions and links are POSIX's")
def test_permissions_are_kept_and_links_followed(tmp_path: Path) -> None:
    path, link = tmp_path / "model", tmp_path / "link"
    pb.save(pb.ones(1), path)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    link.symlink_to("model")
    pb.save(pb.ones(3), link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert pb.load(path).shape == (3,)
    hanging = tmp_path / "hanging"
    hanging.symlink_to("later")
    pb.save(pb.ones(4), hanging)
    assert pb.load(tmp_path / "later").shape == (4,)
    assert sorted(os.listdir(tmp_path)) == ["hanging", "later", "link", "model"]


def test_names_of_other_kinds(tmp_path: Path) -> None:
    pb.save(pb.ones(1), str(tmp_path / "text"))
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist"):
        pb.save(pb.ones(1), tmp_path / "none" / "model")
    with pytest.raises(IsADirectoryError):
        pb.save(pb.ones(1), tmp_path)
    assert os.listdir(tmp_path) == ["text"]
