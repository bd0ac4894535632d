"""Circles in a graph of schemas. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence


def circles(
    below: Sequence[Mapping[tuple[str, str | int], int]], followed: Collection[str], turning: Collection[str]
) -> tuple[set[int], set[int]]:
    """The nodes on a circle of followed edges; and those of them on one that has a turning edge."""
    steps = [[(edge[0], sub) for edge, sub in each.items() if edge[0] in followed] for each in below]
    on_circle: set[int] = set()
    turned: set[int] = set()
    for group in _strongly_connected([[sub for _, sub in each] for each in steps]):
        inner = [(keyword, sub) for number in group for keyword, sub in steps[number] if sub in group]
        if inner:
            on_circle |= group
        if any(keyword in turning for keyword, _ in inner):
            turned |= group
    return on_circle, turned


def leading_to(below: Sequence[Mapping[tuple[str, str | int], int]], targets: Collection[int]) -> set[int]:
    """The nodes from which one of the targets can be reached, the targets among them."""
    above: dict[int, list[int]] = {}
    for number, each in enumerate(below):
        for sub in each.values():
            above.setdefault(sub, []).append(number)
    reached, todo = set(targets), list(targets)
    while todo:
        for number in above.get(todo.pop(), ()):
            if number not in reached:
                reached.add(number)
                todo.append(number)
    return reached


def _strongly_connected(graph: Sequence[Sequence[int]]) -> Iterator[set[int]]:
    """Tarjan's algorithm, without recursion: a chain of references may be longer than Python's stack."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    held: set[int] = set()
    for start in range(len(graph)):
        if start in order:
            continue
        work = [(start, iter(graph[start]))]
        order[start] = low[start] = len(order)
        stack.append(start)
        held.add(start)
        while work:
            node, rest = work[-1]
            for sub in rest:
                if sub not in order:
                    order[sub] = low[sub] = len(order)
                    stack.append(sub)
                    held.add(sub)
                    work.append((sub, iter(graph[sub])))
                    break
                if sub in held:
                    low[node] = min(low[node], order[sub])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    group = set()
                    while node not in group:
                        group.add(member := stack.pop())
                        held.discard(member)
                    yield group
