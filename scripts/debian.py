"""What the tests need beside Python and Node, and how Debian installs it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from workspace import environment, output, run, say


class Program(NamedTuple):
    """A program that some tests need."""

    name: str
    commands: tuple[str, ...]  # any of them will do
    folders: str  # a pattern of further places to look in, from the root
    packages: tuple[str, ...]  # of Debian

    def find(self) -> str | None:
        """Where it is, or None."""
        named = os.environ.get(f"{self.name.upper()}_PATH")
        if named:
            return named
        found = next(filter(None, map(shutil.which, self.commands)), None)
        if found is None and self.folders:
            places = [path / command for path in Path("/").glob(self.folders) for command in self.commands]
            found = next((str(place) for place in places if place.exists()), None)
        return found


# Chromium draws the pages' signs with its fonts; nginx lies in /usr/sbin, which is not on everybody's PATH.
FONTS = ("fonts-noto-core", "fonts-noto-cjk")
CHROMIUM = Program("chromium", ("chromium", "chromium-browser", "google-chrome"), "", ("chromium", *FONTS))
POSTGRESQL = Program("postgresql", ("initdb",), "usr/lib/postgresql/*/bin", ("postgresql",))
REDIS = Program("redis", ("redis-server", "valkey-server"), "", ("redis-server",))
NGINX = Program("nginx", ("nginx",), "usr/sbin", ("nginx-light", "libnginx-mod-http-brotli-static"))
SHELLCHECK = Program("shellcheck", ("shellcheck",), "", ("shellcheck",))
OPENSSL = Program("openssl", ("openssl",), "", ("openssl",))
CURL = Program("curl", ("curl",), "", ("curl",))
SYSTEMD = Program("systemd", ("systemd-analyze",), "", ("systemd",))  # it checks the service; it need not run here
# XML-RPC clients of other languages, each found by a file that its package brings.
PHP = Program("php-xmlrpc", ("xmlrpc.so",), "usr/lib/php/*", ("php-cli", "php-xmlrpc"))
PERL = Program("librpc-xml-perl", ("make_method",), "", ("librpc-xml-perl", "libwww-perl"))
RUBY = Program("ruby-xmlrpc", ("client.rb",), "usr/lib/ruby/vendor_ruby/xmlrpc", ("ruby", "ruby-xmlrpc"))
TEST_PROGRAMS = (CHROMIUM, POSTGRESQL, REDIS, NGINX, SHELLCHECK, OPENSSL, CURL, SYSTEMD, PHP, PERL, RUBY)


def install_missing() -> list[Program]:
    """Install what is missing where this is Debian and we are root; returns what is still missing."""
    missing = [program for program in TEST_PROGRAMS if program.find() is None]
    if missing and _can_install():
        say(f"Installing {', '.join(program.name for program in missing)} …")
        _install([package for program in missing for package in program.packages])
        missing = [program for program in missing if program.find() is None]
    return missing


def _can_install() -> bool:
    return shutil.which("apt-get") is not None and getattr(os, "geteuid", lambda: 1)() == 0


def _install(packages: list[str]) -> None:
    # A server that a package brings must not start: the tests run their own.
    env = environment({"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"})
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    run([*apt, "update"], env=env)
    known = [package for package in packages if output(["apt-cache", "show", package])]
    run([*apt, "install", "-y", "--no-install-recommends", *known], env=env)
