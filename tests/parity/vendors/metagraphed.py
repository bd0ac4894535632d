"""metagraphed's own API, which is no subnet's: its client, `metagraphed`, against an entry made from its source."""

from __future__ import annotations

from metagraphed.client import MetagraphedClient

from tests.parity.harness import Call, Vendor

ODD = "naïve – 東京 a+b & c=d/100%?#"


def connect(url: str, key: str) -> MetagraphedClient:
    """Its base URL is an argument."""
    return MetagraphedClient(url)


METAGRAPHED = Vendor(
    "metagraphed",
    connect,
    entry="metagraphed.json",
    calls=(
        Call("sn0_list_subnets", "subnets"),
        Call("sn0_list_subnets", "subnets", {"q": ODD, "limit": 5, "cursor": None, "status": ["a,b", "c"]}),
        Call("sn0_agent_catalog", "agent_catalog", {"netuid": 22}),
        Call("sn0_subtensor_rpc", "rpc", {"network": "finney", "method": "system_health"}),
        Call("sn0_subtensor_rpc", "rpc", {"network": "a/b ü", "method": "x", "params": [None, 1.5, {"a": []}]}),
    ),
)
VENDORS = (METAGRAPHED,)
