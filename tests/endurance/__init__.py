"""Looks for faults of the cache runtime by doing its worst to the real program, again and again."""
