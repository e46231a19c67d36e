"""Mutation testing of the rooms that must not fail. See __main__.py."""
