"""What a student is asked: a prompt and the lists to judge, known by its content, shown in a random order."""

import hashlib
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from topfive.lists import Prompt

NUMBER = re.compile(r"^\s*\d+\.", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """One act of judging: `texts` answer `prompt`. `repeat_of` is the id of the task that this one repeats, unseen.

    suggested: the index of the text of a pair that is marked as "suggested by a model" before the answer, or None.
    """

    prompt: Prompt
    texts: tuple[str, ...] = ()
    repeat_of: str = ""
    suggested: int | None = None

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits made from the content, so that the same lists are the same task tomorrow."""
        content = json.dumps([self.prompt.text, *self.texts])
        return hashlib.sha256(content.encode()).hexdigest()[:12] + ("~" if self.repeat_of else "")

    def shown(self, key: str) -> list[int]:
        """The random order in which `texts` are shown: a permutation of their indices, fixed by `key` and the task."""
        return random.Random(f"{key} {self.id}").sample(range(len(self.texts)), len(self.texts))

    def words(self) -> int:
        """How many words a student reads to judge this; the numbers in front of the lines are not read."""
        return sum(len(NUMBER.sub("", text).split()) for text in (self.prompt.text, *self.texts))


def with_repeats(tasks: Sequence[Task], count: int, key: str) -> list[Task]:
    """The tasks, with `count` of them asked a second time, as late as can be, to measure self-consistency.

    A repeat stands at least half of the tasks after its original. Raises ValueError for more repeats than half of the
    tasks, rounded up.
    """
    half = (len(tasks) + 1) // 2
    if not 0 <= count <= half:
        raise ValueError(f"between 0 and {half} of {len(tasks)} tasks can be repeated, not {count}")
    rng = random.Random(f"{key} repeats")
    late = list(tasks[half:])
    for index in sorted(rng.sample(range(half), count)):
        repeat = replace(tasks[index], repeat_of=tasks[index].id)
        late.insert(rng.randint(min(index, len(late)), len(late)), repeat)  # half of the tasks lie between the two
    return [*tasks[:half], *late]
