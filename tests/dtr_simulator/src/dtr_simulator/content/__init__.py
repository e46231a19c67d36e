"""Where manifests and blobs come from: OCI image layouts on disk, or a real registry behind the simulator.

Owns: finding content. Does not own: who may have it, and the HTTP answer (handlers/).
Rule: nothing here reads a blob into memory.
"""
