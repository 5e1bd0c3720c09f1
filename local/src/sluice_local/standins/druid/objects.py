"""Objects on S3 as local files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import unquote

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Objects:
    """Brings objects into a folder below `folder`, for as long as they are read."""

    def __init__(self, client: "S3Client", folder: Path) -> None:
        self._client = client
        self._folder = folder

    @contextmanager
    def fetch(self, uris: Sequence[str]) -> Iterator[Sequence[Path]]:
        """Keys are percent-encoded. Raises botocore's errors, and ValueError for what is not `s3://bucket/key`."""
        with TemporaryDirectory(dir=self._folder) as folder:
            files = [Path(folder) / f"{number}.parquet" for number in range(len(uris))]
            for uri, file in zip(uris, files, strict=True):
                match = re.fullmatch(r"s3://([^/]+)/(.+)", uri, re.DOTALL)
                if match is None:
                    raise ValueError(f"Invalid S3 URI [{uri}]")
                self._client.download_file(match[1], unquote(match[2]), str(file))
            yield files


def open_client(endpoint: str, region: str, access_key: str, secret_key: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )
