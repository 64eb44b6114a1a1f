"""Whether a commit bears a good signature of somebody who may change what is in force, by `git verify-commit`.

Allowed are the ssh keys of an allowed_signers file (ssh-keygen(1)) and the PGP keys of an armoured key ring. Nothing else of this
machine counts: no other key ring, no X.509.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from function_app.adapters.git_access import Opened
from function_app.model.errors import SourceError

_SECONDS = 20.0


class Signers:
    """Who may sign. `allowed` are lines `PRINCIPAL [OPTIONS] KEYTYPE KEY`, `keys` armoured PGP public keys; either may be empty."""

    def __init__(self, allowed: str = "", keys: str = "") -> None:
        self._allowed = allowed
        self._keys = keys

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """What `git verify-commit` is given; raises SourceError for keys that gpg cannot read."""
        with TemporaryDirectory(prefix="egress-signers-") as folder:
            home, allowed = Path(folder) / "gnupg", Path(folder) / "allowed_signers"
            home.mkdir(mode=0o700)
            allowed.write_text(self._allowed.rstrip("\n") + "\n")
            if self._keys:
                _import(self._keys, home)
            yield Opened(
                configuration={
                    "gpg.ssh.allowedSignersFile": str(allowed),
                    "gpg.x509.program": "false",
                    "gpg.minTrustLevel": "undefined",
                },
                environment={"GNUPGHOME": str(home)},
            )


def _import(keys: str, home: Path) -> None:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-autostart", "--import"]
    try:
        done = subprocess.run(command, input=keys.encode(), capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - no text of others
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(
            f"The keys in EGRESS_GIT_SIGNER_KEYS cannot be read: gpg {type(error).__name__}. Install it with: "
            "sudo apt-get install gpg"
        ) from None
    if done.returncode != 0:
        raise SourceError("EGRESS_GIT_SIGNER_KEYS holds no PGP public keys in ASCII armour.")
