"""What can be checked offline: canonical bytes, digests, receipts. No I/O."""

from orchestra_tools.trust.canonical import canonicalise, canonicalise_any, sha256_hex
from orchestra_tools.trust.receipts import ReceiptReport, Signer, digest_request, sign_receipt, verify_receipt

__all__ = [
    "ReceiptReport",
    "Signer",
    "canonicalise",
    "canonicalise_any",
    "digest_request",
    "sha256_hex",
    "sign_receipt",
    "verify_receipt",
]
