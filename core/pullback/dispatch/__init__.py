"""What becomes of a call: declarations, the code generated from them, and the general path beneath."""
