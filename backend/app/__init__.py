"""The starter application: what a cloner edits."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atila import Preference

MEGABYTE = 1_000_000


def bootstrap(pref: Preference) -> None:
    """Prepares a mount: `pref.config.settings` says everything else. Runs once in each process, before the mount."""
    # Here and not above: whoever imports a part of this package, the settings say, need not import everything.
    from app.services.photos.feed import Feed
    from app.services.photos.storage import Storage
    from app.settings import Settings

    settings: Settings = pref.config.settings
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells about every plug-in
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of odd metadata in people's files
    pref.debug = settings.development
    pref.securekey = settings.secret_key
    pref.config.storage = Storage(settings.media_root)
    pref.config.feed = Feed()
    pref.config.access_token_timeout = settings.access_token_seconds
    pref.config.max_upload_file_size = settings.max_upload_bytes
    pref.config.max_multipart_body_size = settings.max_upload_bytes + MEGABYTE
    # An XML-RPC call carries its file in base64, which takes four bytes for three.
    pref.config.max_post_body_size = settings.max_upload_bytes * 4 // 3 + MEGABYTE
