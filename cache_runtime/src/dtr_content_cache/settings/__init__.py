"""From a configuration file and the environment to frozen values, or to the list of every mistake in them.

This room owns the vendor's file format. It does not open sockets or storage; it does look whether the files that the
configuration names (certificates, CAs) exist and are what they should be. Rule for editors: a Settings that exists is
valid; units are in the names; no other room reads YAML or `os.environ`."""

from .loading import load

__all__ = ["load"]
