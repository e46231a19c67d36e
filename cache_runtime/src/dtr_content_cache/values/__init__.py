"""Values every room speaks in. This room owns no behaviour beyond parsing and arithmetic, and imports only the
standard library. Rule for editors: a value that exists is valid; whatever can be wrong is refused while parsing."""
