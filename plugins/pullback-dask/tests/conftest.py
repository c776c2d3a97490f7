"""The backend, for all tests of this folder, and dask's plainest scheduler."""

from collections.abc import Iterator

import dask
import pytest

import pullback as pb


@pytest.fixture(autouse=True)
def on_dask() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"), pb.use_backend("dask"):
        yield
