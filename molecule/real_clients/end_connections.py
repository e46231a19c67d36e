"""End the connections of a process that were accepted at a port: end_connections.py PROCESS PORT.

Runs on an office's machine. Ends them as a proxy would, in the middle of whatever is being sent: the other side reads
an end, not a reset. Prints how many there were.
"""

import ctypes
import os
import socket
import sys

PIDFD_GETFD = 438  # the number of the system call, on every architecture


def accepted_at(process, port):
    """Duplicates of the sockets."""
    call, whole = ctypes.CDLL(None).syscall, os.pidfd_open(process)
    for name in os.listdir(f"/proc/{process}/fd"):
        taken = call(PIDFD_GETFD, whole, int(name), 0)
        if taken < 0:
            continue  # closed meanwhile
        try:
            with socket.socket(fileno=taken) as connection:
                if connection.getsockname()[1:2] == (port,) and connection.getpeername():
                    yield connection
        except OSError:
            continue  # no socket, or one that listens


def main(process, port):
    ended = 0
    for connection in accepted_at(process, port):
        connection.shutdown(socket.SHUT_RDWR)
        ended += 1
    print(ended)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
