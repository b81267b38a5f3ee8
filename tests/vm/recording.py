"""A terminal session in the guest as an asciinema v2 recording (docs.asciinema.org/manual/asciicast/v2), and back."""

import json
import re
import time

WIDTH, HEIGHT = 110, 50
PROMPT = "# "
# Seconds in the recording: a key, the look at an output, and the longest wait for one.
KEY_S, LOOK_S, WAIT_S = 0.04, 1.5, 3.0


class Session:
    """Runs commands in the guest, and keeps what a terminal would show."""

    def __init__(self, vm, title):
        self.vm = vm
        self.title = title
        self.now = 0.0
        self.events = []
        self.outputs = []  # (command, output)

    def show(self, text):
        self.events.append([round(self.now, 2), "o", text.replace("\n", "\r\n")])

    def type(self, line):
        self.show(PROMPT)
        for key in line:
            self.now += KEY_S
            self.show(key)
        self.now += KEY_S
        self.show("\n")

    def say(self, text):
        """A comment at the prompt, about what happens outside of the guest."""
        self.type("# " + text)

    def run(self, command, timeout_s=600):
        """Types and runs a command, which must succeed. Returns what it printed."""
        self.type(command)
        begin = time.monotonic()
        result = self.vm.run(command + " 2>&1", timeout_s=timeout_s)
        self.now += min(time.monotonic() - begin, WAIT_S)
        self.show(result.out)
        self.now += LOOK_S
        self.outputs.append((command, result.out))
        return result.out

    def write(self, path):
        header = {"version": 2, "width": WIDTH, "height": HEIGHT, "title": self.title}
        with open(path, "w", encoding="utf-8") as out:
            for line in [header, *self.events]:
                out.write(json.dumps(line, ensure_ascii=False) + "\n")


def read(path):
    """The (command, output) of a recording, without comments."""
    with open(path, encoding="utf-8") as source:
        lines = [json.loads(line) for line in source]
    if lines[0]["version"] != 2:
        raise ValueError(f"{path} is no recording of version 2")
    text = "".join(data for _, kind, data in lines[1:] if kind == "o").replace("\r\n", "\n")
    parts = [part.split("\n", 1) for part in re.split(rf"^{PROMPT}", text, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, output in parts if not command.startswith("# ")]


def differences(recorded, now, same):
    """Lines that say how two sessions differ. `same`: the commands whose outputs must be equal; the others only must
    print something in both or in neither."""
    commands, others = [c for c, _ in recorded], [c for c, _ in now]
    if commands != others:
        return [f"recorded commands: {commands}", f"commands now: {others}"]
    lines = []
    for (command, before), (_, after) in zip(recorded, now):
        equal = before == after if any(command.startswith(s) for s in same) else bool(before) == bool(after)
        if not equal:
            lines += [f"{command} printed", *before.splitlines(), "and prints now", *after.splitlines()]
    return lines
