"""``python -m pullback_conformance.selftest``."""

from pullback_conformance.selftest.command import selftest

selftest()
