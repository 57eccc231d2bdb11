"""A real nginx with the site of deploy/, on free ports, with a certificate of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.machine import need
from tests.serving.engine_process import wait_until

DEPLOY = Path(__file__).parents[3] / "deploy"
MODULES = Path("/usr/lib/nginx/modules")
BROTLI = MODULES / "ngx_http_brotli_static_module.so"
MAIN = """
{modules}
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site;
}}
"""


def make_certificate(folder: Path, name: str = "localhost") -> Path:
    """Write cert.pem, which is its own root, and key.pem; return the certificate."""
    certificate = folder / "cert.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(certificate)]
    subprocess.run([str(need("openssl")), *words, *names, *files], check=True, capture_output=True)
    return certificate


def render(**settings: object) -> str:
    """What deploy/nginx.sh prints for settings."""
    command = [str(need("bash")), str(DEPLOY / "nginx.sh"), *(f"{name}={value}" for name, value in settings.items())]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class WebServer:
    """A running nginx. Lives as long as the tests that share it."""

    def __init__(self, folder: Path, site: str) -> None:
        self.folder = folder
        self.program = need("nginx")
        (folder / "site").write_text(site)
        modules = f"load_module {BROTLI};" if BROTLI.exists() else ""
        user = "user root;" if os.geteuid() == 0 else ""  # temporary folders are their owner's alone
        self.configuration = folder / "nginx.conf"
        self.configuration.write_text(MAIN.format(modules=modules, user=user, folder=folder))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def errors(self) -> str:
        log = self.folder / "error.log"
        return log.read_text() if log.exists() else ""

    def check(self) -> subprocess.CompletedProcess[str]:
        """Run `nginx -t`."""
        return subprocess.run([*self._command(), "-t"], capture_output=True, text=True, check=False)

    def start(self) -> WebServer:
        self.process = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL)
        wait_until((self.folder / "nginx.pid").exists, 10, lambda: self.errors)
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def _command(self) -> list[str | Path]:
        return [self.program, "-p", self.folder, "-e", self.folder / "error.log", "-c", self.configuration]
