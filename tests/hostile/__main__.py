"""Carry out the hostile suite, and print what was tried and what was refused.

    python -m tests.hostile [--json] [--only WORD]

Memory is the peak of this one process over all cases; an attack may take two seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from typing import Any

from tests.hostile import addresses, answers, apis, documents, operations
from tests.hostile.case import Case, Verdict, as_json, peak_memory_mb, try_case
from tests.hostile.stage import open_stage

GROUPS = (documents, operations, apis, addresses, answers)


async def carry_out(cases: list[Case]) -> list[Verdict]:
    """All cases, one after the other, in one process."""
    async with open_stage() as stage:
        return [await try_case(case, stage) for case in cases]


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    tried = Counter(case["group"] for case in result["cases"])
    refused = Counter(case["group"] for case in result["cases"] if not case["unstopped"])
    for group, count in tried.items():
        slowest = max(case["wall_s"] for case in result["cases"] if case["group"] == group)
        print(f"{group:34} tried {count:4}  refused {refused[group]:4}  slowest {slowest:5.2f} s")
    for case in result["cases"]:
        if case["unstopped"]:
            print(f"NOT STOPPED: {case['group']}: {case['name']}: {case['unstopped']}")
    print(
        f"\n{result['tried']} tried, {result['refused']} refused; slowest {result['slowest_s']:.2f} s "
        f"({result['slowest_cpu_s']:.2f} s of computing); peak memory {result['peak_memory_mb']} MB, "
        f"{result['memory_before_mb']} MB before the first"
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", default="", metavar="WORD", help="only cases with this in their group or name")
    given = parser.parse_args()
    cases = [case for group in GROUPS for case in group.cases() if given.only in f"{case.group}: {case.name}"]
    before = peak_memory_mb()
    result = as_json(asyncio.run(carry_out(cases)), memory_before_mb=before)
    print(json.dumps(result, indent=1)) if given.json else show(result)
    return 0 if result["refused"] == result["tried"] else 1


if __name__ == "__main__":
    sys.exit(main())
