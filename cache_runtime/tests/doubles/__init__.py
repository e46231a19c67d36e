"""Stand-ins that several rooms' tests share. Each implements the real interface; none is imported by the product."""
