# ruff: noqa: INP001 - a script that is mounted into a container, not a module
"""Make the buckets named on the command line, where the SLUICE_S3_… variables point. What exists stays."""

import sys

import boto3

from sluice.settings import S3Settings


def main() -> None:
    settings = S3Settings()
    keys = (settings.s3_access_key, settings.s3_secret_key)
    access_key, secret_key = (key.get_secret_value() if key else None for key in keys)
    s3 = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )
    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in sys.argv[1:]:
        if bucket not in existing:
            s3.create_bucket(Bucket=bucket)


if __name__ == "__main__":
    main()
