"""The one way in which the benchmark stops early: with a sentence for the person who started it."""


class Refused(Exception):
    """The text says what was found and what is wanted."""
