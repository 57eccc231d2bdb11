"""What a client of digest authentication does (RFC 7616), and an app whose users it can be."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from atila import Atila, Was
from atila.testing.answer import Answer
from atila.testing.client import TestClient

REALM = "Partner App Area of mysite.com"


def people() -> Atila:
    """An app with users of every documented kind."""
    app = Atila("tests")
    app.realm = REALM
    md5 = hashlib.md5(f"old:{REALM}:1234".encode()).hexdigest()
    sha = hashlib.sha256(f"new:{REALM}:1234".encode()).hexdigest()
    app.users = {
        "app": ("iamyourpartnerapp", False, {"role": "root"}), "plain": "1234", "pair": ("1234", False),
        "old": (md5, True, "kept as MD5"), "new": (sha, True), "jürgen": "pässwörd",
    }  # fmt: skip
    return app


def who(was: Was) -> object:
    user = was.request.user
    return was.API(name=user.name, text=str(user), realm=user.realm, info=user.info)


def challenges(answer: Answer) -> list[dict[str, str]]:
    found = []
    for field in answer.headers.get_all("www-authenticate"):
        pairs = re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', field)
        found.append({"scheme": field.split()[0]} | {name: quoted or bare for name, quoted, bare in pairs})
    return found


HASHES: dict[str, Callable[[bytes], Any]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def digest(challenge: dict[str, str], name: str, password: str, uri: str = "/", **changes: str) -> dict[str, str]:
    """What a client answers to a challenge, by RFC 7616 3.4."""
    kind = changes.pop("algorithm", challenge["algorithm"])
    given = {"nonce": challenge["nonce"], "nc": "00000001", "cnonce": "0a4f113b", "method": "GET"} | changes

    def hashed(text: str) -> str:
        return str(HASHES[kind](text.encode()).hexdigest())

    secret = hashed(f"{name}:{challenge['realm']}:{password}")
    text = f"{secret}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{hashed(given['method'] + ':' + uri)}"
    fields = {
        "username": f'"{name}"', "realm": f'"{challenge["realm"]}"', "nonce": f'"{given["nonce"]}"', "uri": f'"{uri}"',
        "response": f'"{hashed(text)}"', "algorithm": kind, "cnonce": f'"{given["cnonce"]}"', "qop": "auth",
        "nc": given["nc"], "opaque": f'"{challenge["opaque"]}"',
    }  # fmt: skip
    return {"Authorization": "Digest " + ", ".join(f"{key}={value}" for key, value in fields.items())}


def answer_digest(client: TestClient, name: str, password: str, kind: str = "SHA-256", path: str = "/") -> Answer:
    """Ask, read the challenge, ask again."""
    refused = client.get(path)
    assert refused.status_code == 401
    challenge = next(item for item in challenges(refused) if item["algorithm"] == kind)
    return client.get(path, headers=digest(challenge, name, password, path))
