"""Processes that fork while another thread computes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
import pullback as pb

leaf = pb.ones(500, requires_grad=True)
generator = pb.Generator().manual_seed(0)
stop = False

def loop():
    while not stop:
        result = (leaf * 2).exp()
        result.detach()[1:].sum()
        pb.rand(3, generator=generator)
        result.sum().backward()
        pb.rand(3)

threads = [threading.Thread(target=loop) for _ in range(3)]
for thread in threads:
    thread.start()
hung = 0
for _ in range(25):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        x = pb.rand(3, requires_grad=True)
        (x * x).sum().backward()
        assert pb.equal(x.grad, x.detach() * 2)
        leaf.grad = None
        (leaf * 3).sum().backward()
        assert leaf.grad.tolist() == [3.0] * 500
        pb.rand(3, generator=generator)
        pb.use_backend("numpy")
        os._exit(0)
    hung += os.waitpid(child, 0)[1] != 0
stop = True
for thread in threads:
    thread.join()
print(hung)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_children_of_a_fork_wait_for_no_lock_of_a_thread_that_they_lack() -> None:
    # The first children are forked while the threads still import what they need.
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=500)
        assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)
