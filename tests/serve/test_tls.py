"""HTTPS: a real server with a certificate of its own, real clients that trust it or do not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from penjing.errors import UsageError
from penjing.serve.settings import ServeSettings
from penjing.serve.tls import Certificate, name_certificate


def make_certificate(folder: Path, name: str, *more: str) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes certificates, is not installed")
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    call = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-keyout", str(key), "-out", str(chain)]
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*call, *subject, *(more or ["-nodes"])], check=True, capture_output=True)
    return Certificate(chain, key)


def subject_of(port: int) -> bytes:
    """The certificate that a server shows, as it is sent."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))


def test_clients_that_trust_the_certificate_are_answered(
    start_server: Callable[..., Any], decoders: Path, tmp_path: Path, curl: Callable[..., Any]
) -> None:
    chain, key = make_certificate(tmp_path, "first")
    server = start_server(f"talker={decoders / 'talker'}", "--tls-cert", chain, "--tls-key", key)
    assert server.url.startswith("https://127.0.0.1:")
    trusting = curl("--cacert", str(chain), server.url + "/v1/models")
    assert [model["id"] for model in json.loads(trusting.stdout)["data"]] == ["talker"]
    assert curl(server.url + "/v1/models").returncode == 60  # whose authority nobody knows
    assert curl(server.url.replace("https", "http") + "/v1/models").returncode != 0
    body = json.dumps({"model": "talker", "prompt": "a lovely", "max_tokens": 6, "stream": True})
    call = ("--cacert", str(chain), "-H", "content-type: application/json", "-d", body)
    streamed = curl(*call, server.url + "/v1/completions")
    assert streamed.stdout.rstrip().endswith(b"data: [DONE]")
    page = curl("--cacert", str(chain), server.url + "/")
    assert b"<html" in page.stdout

    shown = subject_of(server.port)
    kept = chain.read_bytes(), key.read_bytes()
    chain.write_text("no certificate", encoding="ascii")
    os.kill(server.process.pid, signal.SIGHUP)
    _wait(lambda: any("the certificate stays as it was" in line for line in server.log))
    assert subject_of(server.port) == shown
    renewed = make_certificate(tmp_path, "second")
    chain.write_bytes(renewed.chain.read_bytes())
    assert renewed.key is not None
    key.write_bytes(renewed.key.read_bytes())
    assert kept != (chain.read_bytes(), key.read_bytes())
    os.kill(server.process.pid, signal.SIGHUP)
    _wait(lambda: subject_of(server.port) != shown)
    assert curl("--cacert", str(chain), server.url + "/v1/models").returncode == 0
    assert server.stop() == 0


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01"])
def test_a_connection_that_does_not_begin_with_tls_is_closed_in_time(hasty: Any, beginning: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=40) as connection:
        began = time.monotonic()
        connection.sendall(beginning)
        with suppress(ConnectionResetError):
            assert connection.recv(1000) == b""
        assert 1 < time.monotonic() - began < 10


def test_a_connection_that_says_nothing_within_tls_is_closed_in_time(hasty: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", hasty.port), timeout=40) as connection,
        context.wrap_socket(connection) as wrapped,
    ):
        began = time.monotonic()
        assert wrapped.recv(1000) == b""
        assert 1 < time.monotonic() - began < 10


@pytest.fixture(scope="module")
def hasty(start_server: Callable[..., Any], decoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    chain, key = make_certificate(tmp_path_factory.mktemp("hasty"), "hasty")
    model = f"talker={decoders / 'talker'}"
    return start_server(model, "--tls-cert", chain, "--tls-key", key, "--header-timeout", 1.5)


def _wait(come: Callable[[], bool], timeout_s: float = 20) -> None:
    ends = time.monotonic() + timeout_s
    while not come():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    chain, key = make_certificate(tmp_path, "first")
    assert key is not None
    both = tmp_path / "both.pem"
    both.write_bytes(chain.read_bytes() + key.read_bytes())
    Certificate(both, None).check()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda chain, key, other: (chain, None), "no certificate with its key"),
        (lambda chain, key, other: (chain, other), "key values mismatch"),
        (lambda chain, key, other: (key, chain), "no certificate with its key"),
        (lambda chain, key, other: (chain.parent / "gone.pem", key), "there is no file"),
        (lambda chain, key, other: (chain, chain.parent), "there is no file"),
    ],
)
def test_what_is_no_certificate_is_refused(spoil: Callable[..., tuple[Path, Path]], said: str, tmp_path: Path) -> None:
    chain, key = make_certificate(tmp_path, "first")
    other = make_certificate(tmp_path, "second").key
    with pytest.raises(UsageError, match=said):
        ServeSettings({"m": tmp_path}, certificate=Certificate(*spoil(chain, key, other)))


def test_key_that_wants_a_password_is_refused_and_nobody_asked(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "first", "-passout", "pass:secret")
    with pytest.raises(UsageError, match="the key wants a password"):
        certificate.check()


def test_key_alone_is_refused(tmp_path: Path) -> None:
    assert name_certificate(None, None) is None
    with pytest.raises(UsageError, match="belongs to a certificate"):
        name_certificate(None, tmp_path / "key.pem")


def test_a_context_keeps_its_certificate_where_the_new_one_is_none(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "first")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.load_into(context)
    certificate.chain.write_text("no certificate", encoding="ascii")
    with pytest.raises(UsageError):
        certificate.load_into(context)
