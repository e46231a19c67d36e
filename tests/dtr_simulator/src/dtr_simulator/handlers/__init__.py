"""HTTP in and out, one file for each part of DTR's surface.

Owns: routes, authentication of a request, answers. Does not own: the values behind them (the files one level up).
Rule: a handler raises `Failure` and never writes an error itself.
"""
