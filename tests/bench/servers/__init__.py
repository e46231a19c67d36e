"""The servers that are compared: how each is configured and started. One file a program."""
