"""Search the web through a subnet, check the answer, keep the receipt."""

from orchestra import LedgerClient
from orchestra_tools.errors import OrchestraError

with LedgerClient() as ledger:
    best = ledger.find(capability="web_search")[0]
    print(f"best for web_search: {best.key} {best.name}, last verified: {best.last_verified or 'never'}")
    try:
        result = ledger.call("sn22_web_search", {"query": "GPU cloud prices"})
    except OrchestraError as error:
        raise SystemExit(f"{error.code}: {error}") from None
    for page in result.data["data"][:3]:
        print("-", page["title"], page["link"])
    print("receipt", result.receipt.id, "schema", result.receipt.schema_verdict)
