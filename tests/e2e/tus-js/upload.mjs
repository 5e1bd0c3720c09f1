// Uploads one file with tus-js-client as the JSON in the first argument says, and prints what came of it as JSON.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import * as tus from "tus-js-client";

const asked = JSON.parse(process.argv[2]);
const content = readFileSync(asked.path);
let paused = false;
let lied = false;

const tell = (said) => {
  console.log(JSON.stringify({ url: upload.url, ...said }));
  process.exit(0);
};

const told = (error) => ({
  error: error.message,
  status: error.originalResponse?.getStatus() ?? null,
  code: JSON.parse(error.originalResponse?.getBody() || "{}").code ?? null,
});

const checksum = (offset) => {
  const chunk = asked.checksum === "wrong" ? "something else" : content.subarray(offset, offset + asked.chunkSize);
  return `sha256 ${createHash("sha256").update(chunk).digest("base64")}`;
};

const upload = new tus.Upload(createReadStream(asked.path), {
  endpoint: asked.endpoint,
  uploadUrl: asked.url ?? null,
  metadata: asked.metadata,
  chunkSize: asked.chunkSize ?? Infinity,
  retryDelays: asked.retryDelays ?? null,
  uploadDataDuringCreation: asked.duringCreation ?? false,
  onBeforeRequest: (request) => {
    if (request.getMethod() !== "PATCH") return;
    if (asked.checksum) request.setHeader("Upload-Checksum", checksum(Number(request.getHeader("Upload-Offset"))));
    if (asked.wrongOffset && !lied) {
      lied = true;
      request.setHeader("Upload-Offset", String(asked.wrongOffset));
    }
  },
  onProgress: (sent) => {
    if (asked.stopAt && sent >= asked.stopAt && !paused) {
      paused = true;
      upload.abort(asked.terminate ?? false).then(() => {
        if (asked.goOn) upload.start();
        else tell({ done: false });
      });
    }
  },
  onError: (error) => tell({ done: false, ...told(error) }),
  onSuccess: ({ lastResponse }) => tell({ done: true, task: lastResponse.getHeader("Sluice-Task-Id") }),
});

upload.start();
