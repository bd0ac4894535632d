"""A program of its own that writes to a store: python -m tests.registry.store_writer URL NAME COUNT

It says "ready", waits for a line, then appends COUNT leaves of the slot NAME, each in a transaction of its own, and
says where. With a COUNT of 0 it begins a transaction, says "held", and keeps it until it is killed or gets a line.
"""

from __future__ import annotations

import sys

from orchestra_tools.registry.opening import open_store
from tests.registry.store_values import head, leaf


def main(url: str, name: str, count: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    with open_store(url) as store:
        if not count:
            with store.write() as writer:
                writer.put_blob(name.encode() * 100_000)
                writer.append([leaf(len(writer.leaves(0, 10_000)), slot=name, seq=0)])
                print("held", flush=True)
                sys.stdin.readline()
        for seq in range(count):
            with store.write() as writer:
                newest = writer.head()
                size = 0 if newest is None else newest.size
                writer.append([leaf(size, slot=name, seq=seq)])
                writer.put_head(head(size + 1))
            print(size, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
