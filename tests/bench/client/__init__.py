"""The load: a process of its own, on processors of its own, that does as little as a client can.

It never copies a plain body (MSG_TRUNC drops it in the kernel) and never decrypts one (it walks the TLS records'
headers). Each sample says how much of its time it had left.
"""
