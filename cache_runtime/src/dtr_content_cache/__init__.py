"""A content cache for Docker Trusted Registry."""

__version__ = "0.1.0"
