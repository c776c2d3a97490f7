"""Reading and writing the elements that indices or masks name."""
