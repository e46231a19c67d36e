"""HTTP in and out: strict request heads, routes, blobs, health, metrics, one table from failure to status.

This room owns every byte that a client sends or sees. It decides nothing about grants, files or upstreams: it asks the
rooms that do. Rule for editors: what RFC 9112 calls malformed is refused, never guessed at, and no answer carries a
failure's own words.
"""
