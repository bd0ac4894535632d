"""A ledger: entries by slot, and how one is found."""

from __future__ import annotations

import pytest

from orchestra_tools.errors import UnknownSubnetError
from orchestra_tools.model import Entry, Ledger, Slot


def entry(key: str, name: str = "") -> Entry:
    return Entry.from_document(key, {"name": name})


LEDGER = Ledger(
    [
        entry("SN22", "Desearch"),
        entry("SN13", "Data Universe"),
        entry("SN1", "Twin"),
        entry("SN2", "twin"),
        entry("SN3"),
    ]
)


@pytest.mark.parametrize("wanted", ["SN22", "sn22", " SN22 ", "22", 22, "Desearch", "DESEARCH"])
def test_a_subnet_is_found_by_key_number_or_name(wanted: str | int) -> None:
    assert LEDGER.find_entry(wanted).name == "Desearch"


def test_a_name_of_two_subnets_is_refused_with_both_keys() -> None:
    with pytest.raises(UnknownSubnetError, match=r"SN1, SN2.*Use the key"):
        LEDGER.find_entry("Twin")


@pytest.mark.parametrize("wanted", ["desaerch", "DESERCH"])
def test_a_mistyped_name_is_answered_with_the_closest(wanted: str) -> None:
    with pytest.raises(UnknownSubnetError, match=r"Did you mean Desearch\?"):
        LEDGER.find_entry(wanted)


@pytest.mark.parametrize("wanted", ["", "SN", "SN99", "999999999", "-1", "x" * 10_000, "SN22@5"])
def test_what_is_not_there_is_not_found(wanted: str) -> None:
    with pytest.raises(UnknownSubnetError, match="This ledger has 5 subnets") as caught:
        LEDGER.find_entry(wanted)
    assert len(str(caught.value)) < 300


def test_two_tenants_of_a_netuid_are_two_entries_and_the_later_is_current() -> None:
    old, new, unknown = entry("SN7@10", "Old"), entry("SN7@20", "New"), entry("SN7", "Unknown")
    for order in ([old, new, unknown], [unknown, new, old]):
        ledger = Ledger(order)
        assert ledger.find_entry("SN7") is new
        assert len(ledger) == 3
        assert ledger.by_slot[Slot(7, 10)] is old


def test_two_entries_of_one_slot_are_refused() -> None:
    with pytest.raises(ValueError, match="two entries claim one slot"):
        Ledger([entry("SN7@10"), entry("SN7@10")])
