"""What operators and clients can see: counters, logs, access log, `Cache-Status`.

This room hears events and is imported by nobody but `web` and `assembly`; it decides nothing that another room acts on.
Rule for editors: nothing that is written here may hold a grant, a token or a path on the volume, hearing an event costs
microseconds, and no reader of a log can make the program wait.
"""
