"""Which blobs must go, and the sweeper that makes them go.

This room owns the answer to "is there room for a blob of this size" and everything that is removed for age or space. It
does not fetch or serve. Rule for editors: `choice.py` stays pure; nothing is removed unless `storage.delete.enabled`.
"""
