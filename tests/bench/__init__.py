"""The benchmark: this cache and its real peers, side by side on one machine. `make bench`; docs/performance.md."""
