"""The ports, kept by S3."""
