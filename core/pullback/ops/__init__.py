"""The operations, a file a family. Importing this package declares them all."""
