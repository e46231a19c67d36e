"""The load: a process of its own, on processors of its own, that does as little as a client can.

It never copies a plain body (MSG_TRUNC drops it in the kernel) and never decrypts one (it walks the TLS records'
headers), so that one processor of it outruns any server on another. Each sample says how busy it was.
"""
