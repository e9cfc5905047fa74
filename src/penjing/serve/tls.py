"""TLS: a server's certificate and the key that belongs to it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

from penjing.errors import UsageError


class Certificate(NamedTuple):
    """Files in PEM.

    Attributes:
        chain: the certificate, and behind it those that lead to a known authority.
        key: its private key; None: it is in the same file.
    """

    chain: Path
    key: Path | None

    def load_into(self, context: ssl.SSLContext) -> None:
        """Gives a context the certificate as the files hold it now; connections that come later get it.

        Raises:
            UsageError: a file is missing or holds something else, the key is another certificate's or wants a password;
                the context is as before.
        """
        self.check()
        self._load(context)

    def check(self) -> None:
        """Reads the files.

        Raises:
            UsageError: as for `load_into`.
        """
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def _load(self, context: ssl.SSLContext) -> None:
        for path, where in ((self.chain, "--tls-cert"), (self.key, "--tls-key")):
            if path is not None and not path.is_file():
                raise UsageError(f"there is no file {path}", where=where, do="Name a file in PEM.")
        try:
            context.load_cert_chain(self.chain, self.key, password=_refuse_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise UsageError(
                f"{self.chain} and {self.key or 'the same file'} are no certificate with its key ({_reason(error)})",
                where="--tls-cert, --tls-key",
                do="Give a certificate in PEM, those that it hangs on behind it, and the key that belongs to it, which "
                "must not want a password.",
            ) from error


def _refuse_password() -> str:
    raise ValueError("the key wants a password")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error)


def name_certificate(chain: Path | None, key: Path | None) -> Certificate | None:
    """Returns the certificate that files hold; None: none is named.

    Raises:
        UsageError: a key is named and no certificate.
    """
    if chain is None:
        if key is not None:
            raise UsageError("a key belongs to a certificate", where="--tls-key", do="Give --tls-cert too.")
        return None
    return Certificate(chain, key)
