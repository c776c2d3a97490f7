"""Device memory."""

from stand_in.memory import BaseMemory, Memory, MemoryPointer, MemoryPool, OutOfMemoryError
