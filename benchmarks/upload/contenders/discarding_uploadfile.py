"""What a FastAPI service does by default: an `UploadFile`, spooled to disk, then closed. HASHED: read once more for its SHA-256."""

import hashlib
import os
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, UploadFile

app = FastAPI()


@app.post("/v1/datasources/sales/files", status_code=202)
async def take(file: Annotated[UploadFile, File()]) -> dict[str, str | int | None]:
    digest = hashlib.sha256()
    while "HASHED" in os.environ and (chunk := await file.read(65_536)):
        digest.update(chunk)
    return {"size": file.size, "sha256": digest.hexdigest()}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["SLUICE_HTTP_PORT"]), log_config=None, access_log=False)
