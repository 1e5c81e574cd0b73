"""`push_to_hub` against a stand-in for the Hub: a small server of its API, since the real one cannot be reached from a test."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from ssl_models.catalog import load_model, pretraining
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.loading.checkpoints import save_pretraining
from ssl_models.parts.shareable import MOST_BYTES, read_card

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of huggingface_hub's own request
TOKEN = "hf_of_a_test"  # noqa: S105 - of the stand-in
CARD = "---\nlibrary_name: sslbench\n---\n\n# An encoder with its cost\n"


class StandInHub(ThreadingHTTPServer):
    """Repositories by name, each with its files; large files are uploaded apart, as to the Hub's storage."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.stored: dict[str, bytes] = {}
        self.tokens: set[str] = set()
        self.refuse = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """The calls of `huggingface_hub` that a push makes."""

    server: StandInHub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        self.server.tokens.add(self.headers.get("Authorization", ""))
        if self.server.refuse:
            self._say({"error": "Invalid credentials"}, 401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif "/preupload/" in path:
            self._preupload(json.loads(body))
        elif path.endswith("/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        elif "/commit/" in path:
            self._commit(path.removeprefix("/api/models/").partition("/commit/")[0], body)
        else:
            self._say({}, 200)  # verification of an upload, and of a card

    def do_PUT(self) -> None:
        self.server.stored[self.path.rpartition("/")[2]] = self._body()
        self._say({}, 200)

    def do_GET(self) -> None:
        self._say({"error": "not found"}, 404)

    do_HEAD = do_GET  # noqa: N815 - as the standard library calls it

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        self.server.repositories.setdefault(name, {})
        self.server.private[name] = asked.get("visibility") == "private" or bool(asked.get("private"))
        self._say({"url": f"{self.server.address}/{name}", "name": name}, 200)

    def _preupload(self, asked: dict[str, Any]) -> None:
        large = {"safetensors"}
        modes = [
            {
                "path": f["path"],
                "uploadMode": "lfs" if f["path"].rpartition(".")[2] in large else "regular",
                "shouldIgnore": False,
            }
            for f in asked["files"]
        ]
        self._say({"files": modes}, 200)

    def _batch(self, asked: dict[str, Any]) -> None:
        found = [
            {**each, "actions": {"upload": {"href": f"{self.server.address}/storage/{each['oid']}", "header": {}}}}
            for each in asked["objects"]
        ]
        self._say({"transfer": "basic", "objects": found}, 200)

    def _commit(self, name: str, body: bytes) -> None:
        files = self.server.repositories[name]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                content = self.server.stored[value["oid"]]
                assert (hashlib.sha256(content).hexdigest(), len(content)) == (value["oid"], value["size"])
                files[value["path"]] = content
        self._say(
            {"commitUrl": f"{self.server.address}/{name}/commit/{'0' * 40}", "commitOid": "0" * 40, "success": True},
            200,
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, document: dict[str, Any], code: int) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the standard library has it
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandInHub]:
    with StandInHub() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for name, value in (
            ("ENDPOINT", server.address),
            ("HF_HUB_DISABLE_XET", True),
            ("HF_HUB_DISABLE_PROGRESS_BARS", True),
        ):
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def encoder() -> EfficientEncoder:
    return EfficientEncoder(EncoderConfig(16, 2, 2, 24, mels=20)).eval()


def test_files_arrive_byte_by_byte_with_the_card(hub: StandInHub, encoder: EfficientEncoder, tmp_path: Path) -> None:
    encoder.model_card = CARD
    url = encoder.push_to_hub("team/encoder", private=True, token=TOKEN)
    assert url == f"{hub.address}/team/encoder/commit/{'0' * 40}"
    encoder.save_pretrained(tmp_path / "kept")
    kept = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    found = {name: content for name, content in hub.repositories["team/encoder"].items() if name != ".gitattributes"}
    assert found == kept
    assert set(kept) == {"README.md", "config.json", "model.safetensors"}
    assert hub.private["team/encoder"]
    assert hub.tokens == {f"Bearer {TOKEN}"}


def test_what_arrived_is_the_same_encoder(hub: StandInHub, encoder: EfficientEncoder, tmp_path: Path) -> None:
    import torch

    encoder.model_card = CARD
    encoder.push_to_hub("team/encoder", token=TOKEN)
    for name, content in hub.repositories["team/encoder"].items():
        (tmp_path / name).write_bytes(content)
    again = EfficientEncoder.from_pretrained(tmp_path)
    assert again.model_card == CARD
    for name, value in encoder.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_a_second_push_goes_to_the_same_repository(hub: StandInHub, encoder: EfficientEncoder) -> None:
    for _ in range(2):
        encoder.push_to_hub("team/encoder", token=TOKEN)
    assert list(hub.repositories) == ["team/encoder"]
    assert "README.md" not in hub.repositories["team/encoder"]


def test_a_refusal_is_the_library_s_own_error(hub: StandInHub, encoder: EfficientEncoder) -> None:
    hub.refuse = True
    with pytest.raises(huggingface_hub.errors.HfHubHTTPError, match="401"):
        encoder.push_to_hub("team/encoder", token=TOKEN)
    assert hub.repositories == {}


def test_the_model_of_a_run_brings_its_card(tmp_path: Path) -> None:
    from ssl_models.catalog import CATALOG

    config = CATALOG["efficient-tiny"]
    folder = tmp_path / "run" / "checkpoints" / "step-000000001"
    folder.mkdir(parents=True)
    save_pretraining(pretraining("efficient-tiny"), "efficient-tiny", config, folder)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    encoder: Any = load_model(str(tmp_path / "run"))
    encoder.save_pretrained(tmp_path / "shared")
    assert (tmp_path / "shared" / "README.md").read_text(encoding="utf-8") == CARD
    assert load_model("efficient-tiny").model_card is None


@pytest.mark.parametrize("content", [b"\xff\xfe\xff", b"x" * (MOST_BYTES + 1), None], ids=["no text", "huge", "none"])
def test_a_card_that_cannot_be_read_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "README.md").write_bytes(content)
    assert read_card(tmp_path) is None
