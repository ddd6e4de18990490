"""A hub on this machine that answers what huggingface_hub asks for one public repository, and notes what it is sent."""

import hashlib
import json
from typing import Any

from local_server import LocalServer, QuietHandler

REPOSITORY = "someone/colors"


class FakeHub(LocalServer):
    """``files`` are those of the repository, ``private`` hides it, and ``sent`` has what each POST brought."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.files: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}  # said of a file, where it is not its own
        self.private, self.sent, self.asked = False, list[tuple[str, Any]](), list[str]()

    @property
    def commit(self) -> str:
        """What the repository holds now has this name."""
        return hashlib.sha1(b"".join(self.files.values())).hexdigest()


class _Handler(QuietHandler):
    server: FakeHub

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        self._file(body=True)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.headers.get("Authorization") != "Bearer hf_test":
            return self._answer(401, {"error": "no token"})
        self.server.sent.append((self.path, content))
        if self.path == "/api/repos/create":
            return self._answer(200, {"url": f"{self.server.address}/{REPOSITORY}", "id": "1", "name": REPOSITORY})
        if "/preupload/" in self.path:
            asked = json.loads(content)["files"]
            plain = [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in asked]
            return self._answer(200, {"files": plain})
        return self._answer(
            200,
            {
                "commitUrl": f"{self.server.address}/{REPOSITORY}/commit/{self.server.commit}",
                "commitOid": self.server.commit,
                "success": True,
                "hookOutput": "",
            },
        )

    def _file(self, body: bool) -> None:
        self.server.asked.append(self.path)
        start, _, rest = self.path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        if self.server.private or start != f"/{REPOSITORY}":
            return self._answer(401, {"error": "Repository not found"}, code="RepoNotFound")
        if revision not in ("main", self.server.commit):
            return self._answer(404, {"error": "no revision"}, code="RevisionNotFound")
        if name not in self.server.files:
            return self._answer(404, {"error": "no file"}, code="EntryNotFound")
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("X-Repo-Commit", self.server.commit)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("Content-Length", str(self.server.sizes.get(name, len(content))))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _answer(self, status: int, content: Any, code: str = "") -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", self.server.commit)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
