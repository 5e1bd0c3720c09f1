"""What the gateway and the validator rely on, on moto and on S3Proxy."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

WRITERS = 16
PART = b"x" * 5_242_880


@pytest.fixture
def key() -> str:
    return f"tests/{uuid4()}/ä b.bin"


def status(call, **arguments) -> int:
    try:
        return call(Bucket="sluice", **arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def uploaded(s3, key: str) -> dict:
    """Arguments that complete an upload of one part."""
    upload = s3.create_multipart_upload(Bucket="sluice", Key=key)["UploadId"]
    tag = s3.upload_part(Bucket="sluice", Key=key, UploadId=upload, PartNumber=1, Body=PART)["ETag"]
    return {"Key": key, "UploadId": upload, "MultipartUpload": {"Parts": [{"ETag": tag, "PartNumber": 1}]}}


def test_of_many_creators_one_wins(s3, key):
    def create(writer: int) -> int:
        return status(s3.put_object, Key=key, Body=b"%d" % writer, IfNoneMatch="*")

    with ThreadPoolExecutor(WRITERS) as threads:
        answers = list(threads.map(create, range(WRITERS)))
    assert sorted(answers) == [200] + [412] * (WRITERS - 1)
    assert s3.get_object(Bucket="sluice", Key=key)["Body"].read() == b"%d" % answers.index(200)


def test_an_upload_in_parts_does_not_complete_over_another(s3, key):
    first, second = uploaded(s3, key), uploaded(s3, key)
    assert status(s3.complete_multipart_upload, **first, IfNoneMatch="*") == 200
    assert status(s3.complete_multipart_upload, **second, IfNoneMatch="*") == 412
    assert status(s3.put_object, Key=key, Body=b"", IfNoneMatch="*") == 412
    assert s3.head_object(Bucket="sluice", Key=key)["ContentLength"] == len(PART)


def test_an_aborted_upload_leaves_nothing(s3, key):
    upload = uploaded(s3, key)
    s3.abort_multipart_upload(Bucket="sluice", Key=key, UploadId=upload["UploadId"])
    assert status(s3.head_object, Key=key) == 404
    assert "Contents" not in s3.list_objects_v2(Bucket="sluice", Prefix=key)


def test_a_range_of_an_object(s3, key):
    s3.put_object(Bucket="sluice", Key=key, Body=b"0123456789")
    answer = s3.get_object(Bucket="sluice", Key=key, Range="bytes=2-4")
    assert (answer["Body"].read(), answer["ContentRange"]) == (b"234", "bytes 2-4/10")


def test_an_unconditional_put_replaces(s3, key):
    for body in (b"1", b"2"):
        assert status(s3.put_object, Key=key, Body=body) == 200
    assert s3.get_object(Bucket="sluice", Key=key)["Body"].read() == b"2"
