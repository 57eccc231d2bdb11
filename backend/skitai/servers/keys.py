"""Private keys: an encrypted one is opened here, for the servers below take few of the ciphers that OpenSSL writes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from atila.errors import SettingError


def opened(key: Path, password: str | None) -> bytes:
    """Return a key's PEM, without its encryption. Raises SettingError when the password does not open it."""
    data = key.read_bytes()
    if password is None:
        return data
    from cryptography.hazmat.primitives import serialization as forms  # heavy, and only for an encrypted key

    try:
        private = forms.load_pem_private_key(data, password.encode())
    except (ValueError, TypeError) as error:
        raise SettingError(f"key_password does not open {key}") from error
    return private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())


class OpenedKey:
    """An opened key as a file, for a server that reads only files. Lives until the server has read it.

    It is the process's own and lies in memory where the machine has a place for that.
    """

    def __init__(self, key: Path, password: str) -> None:
        memory = Path("/dev/shm")  # noqa: S108 - mkstemp makes a name of its own, readable by us only
        data = opened(key, password)
        descriptor, name = tempfile.mkstemp(".pem", dir=memory if os.access(memory, os.W_OK) else None)
        self.path = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

    def forget(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
