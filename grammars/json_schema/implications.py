"""Which names of an object imply which others, directly or not.

In come pairs (name, names that it requires), as bit sets over the labels of the names; out comes for each
label the set of all names that come with it (its *closure*), and of all names that cannot come without it.
Both are made once for an object, so that every state finds what it needs by "and" and "or". The closures are
unions along the graph in reverse topological order of its strongly connected components (Tarjan, Depth-first
search and linear graph algorithms, 1972): one union for each edge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..errors import LimitExceededError
from .label_sets import label_set, labels_of

MOST_BITS = 800_000_000
"""Of all closures; a chain of 40,000 names has as many."""


class Implications:
    """The implications of one object.

    closures: label of a name that implies others -> all that comes with it, itself included. causes: label of
    a name that others imply -> all that cannot come without it, itself included. triggers, targets: the names
    that have closures, that have causes. tangled: whether some names imply each other, so that keys come in
    bunches. impossible: names that imply what cannot be written.
    """

    def __init__(self, pairs: Iterable[tuple[int, int]], impossible: Iterable[int] = ()) -> None:
        """pairs: (label, the names it requires as a bit set). impossible: labels of what cannot come."""
        direct: dict[int, int] = {}
        reverse: dict[int, list[int]] = {}
        for label, needs in pairs:
            if needs & ~(1 << label):
                direct[label] = direct.get(label, 0) | needs & ~(1 << label)
        for label, needs in direct.items():
            for need in labels_of(needs):
                reverse.setdefault(need, []).append(label)
        self.closures, self.tangled = _closures(direct)
        self.causes, _ = _closures({label: label_set(found) for label, found in reverse.items()})
        self.triggers = label_set(self.closures)
        self.targets = label_set(self.causes)
        self.impossible = 0
        for label in impossible:
            self.impossible |= self.causes.get(label, 1 << label)

    def closure(self, names: int, available: int) -> int:
        """The names and all that they imply, as far as it has not come yet (then it is available).

        What has come already was asked to bring what it implies.
        """
        found = names
        for label in labels_of(names & self.triggers):
            found |= self.closures[label] & available
        return found

    def blocked_by(self, gone: int) -> int:
        """The names that cannot come without one of those that are gone."""
        blocked = 0
        for label in labels_of(gone & self.targets):
            blocked |= self.causes[label]
        return blocked


def _closures(direct: dict[int, int]) -> tuple[dict[int, int], bool]:
    """What can be reached from each member of a graph, itself included, and whether there are circles."""
    closures: dict[int, int] = {}
    tangled, n_bits = False, 0
    for component in _components(direct):
        members = closure = label_set(component)
        tangled = tangled or len(component) > 1
        for label in component:
            for need in labels_of(direct.get(label, 0) & ~members):
                closure |= closures.get(need, 1 << need)
        if closure.bit_count() > 1:
            closures.update(dict.fromkeys(component, closure))
            n_bits += closure.bit_length()
        if n_bits > MOST_BITS:
            raise LimitExceededError(
                "bits of the names that names imply", given=f"more than {MOST_BITS}", limit=MOST_BITS
            )
    return closures, tangled


def _components(direct: dict[int, int]) -> Iterable[list[int]]:
    """The strongly connected components, those that are implied first; without recursion."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in direct:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        walk = [(root, iter(labels_of(direct[root])))]
        while walk:
            label, needs = walk[-1]
            for need in needs:
                if need not in number:
                    number[need] = low[need] = len(number)
                    stack.append(need)
                    on_stack.add(need)
                    walk.append((need, iter(labels_of(direct.get(need, 0)))))
                    break
                if need in on_stack:
                    low[label] = min(low[label], number[need])
            else:
                walk.pop()
                if walk:
                    above = walk[-1][0]
                    low[above] = min(low[above], low[label])
                if low[label] == number[label]:
                    component = [stack.pop()]
                    while component[-1] != label:
                        component.append(stack.pop())
                    on_stack.difference_update(component)
                    yield component


NO_IMPLICATIONS = Implications(())


def implications_of(pairs: Collection[tuple[str, Iterable[str]]], index: Mapping[str, int]) -> Implications:
    """Implications between names. pairs: (name, the names it requires). index: name -> label."""
    return Implications(
        (
            (index[name], label_set(index[need] for need in needs if need in index))
            for name, needs in pairs
            if name in index
        ),
        impossible=(
            index[name] for name, needs in pairs if name in index and not all(need in index for need in needs)
        ),
    )
