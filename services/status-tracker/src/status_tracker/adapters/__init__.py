"""The tracker's ports on real technology."""
