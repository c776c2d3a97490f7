"""Making tensors, and making one of another."""
