"""Where the validator touches files, processes and S3."""
