"""Stands where DIRAC keeps job parameters: it knows just enough of OpenSearch for JobParametersDB to be built and used.

Usage: parameters.py PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ABOUT = {"name": "bed", "cluster_name": "bed", "version": {"number": "2.11.0", "distribution": "opensearch"}}
ONE = ("_doc", "_create", "_update", "_source")
NOTHING_FOUND = {"hits": {"total": {"value": 0}, "hits": []}, "aggregations": {}}
kept: dict[tuple[str, str], dict[str, Any]] = {}


class Answers(BaseHTTPRequestHandler):
    """Documents by index and id, in memory; everything else is answered with yes."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answer any request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = self.path.split("?")[0].strip("/").split("/")
        status, document = self._answer(parts, json.loads(body) if body.startswith(b"{") and b"\n{" not in body else {})
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer  # noqa: N815 -- http.server's names

    def _answer(self, parts: list[str], asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if parts == [""]:
            return 200, ABOUT
        if "_mget" in parts:
            return 200, {"docs": [found(one.get("_index", parts[0]), str(one["_id"])) for one in wanted(asked)]}
        if len(parts) >= 3 and parts[1] in ONE:
            return self._one(parts[0], parts[1], parts[2], asked)
        return 200, NOTHING_FOUND if "_search" in parts else {"acknowledged": True}

    def _one(self, index: str, verb: str, name: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.command in ("PUT", "POST"):
            kept[index, name] = {**kept.get((index, name), {}), **asked.get("doc", {})} if verb == "_update" else asked
            return 201, {"_index": index, "_id": name, "result": "created"}
        return (200 if (index, name) in kept else 404), found(index, name)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def wanted(asked: dict[str, Any]) -> Any:
    """Return the documents that are asked for, of both ways to ask."""
    return asked.get("docs") or [{"_id": one} for one in asked.get("ids", [])]


def found(index: str, name: str) -> dict[str, Any]:
    """Return what is told of a document."""
    document = kept.get((index, name))
    there = {"_index": index, "_id": name, "found": document is not None}
    return there if document is None else {**there, "_source": document}


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
