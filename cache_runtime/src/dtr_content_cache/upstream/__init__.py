"""The next hop: whose turn it is, one exchange with it, who vouches for it, what it says about the origin.

This room owns every connection that the cache opens. It knows no blob files and no clients. Rule for editors: whose
turn it is stays a pure decision (`turns`); whatever goes wrong on a hop becomes `HopFailed`, in words an operator can
act on; certificates are always verified.
"""
