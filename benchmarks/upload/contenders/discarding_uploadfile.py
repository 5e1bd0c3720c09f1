"""What a FastAPI service does by default: an `UploadFile`, spooled to disk, then closed."""

import os
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, UploadFile

app = FastAPI()


@app.post("/v1/datasources/sales/files", status_code=202)
async def take(file: Annotated[UploadFile, File()]) -> dict[str, int | None]:
    return {"size": file.size}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["SLUICE_HTTP_PORT"]), log_config=None, access_log=False)
