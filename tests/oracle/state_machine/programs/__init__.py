"""Programs that run the same on PyTorch and on pullback, and what tells when they do not."""
