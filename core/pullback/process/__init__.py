"""What a thread, a task and a signal have to do with each other: blocks that set and restore, locks, interrupts."""
