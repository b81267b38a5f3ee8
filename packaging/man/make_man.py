#!/usr/bin/python3
"""Writes the man pages: make_man.py [--bin DIR] [--date YYYY-MM-DD] OUT

Each page is a file NAME.SECTION.in, whose prose is written by hand, with what the programs and the
tree themselves say in place of its marks:

  @OPTIONS@     what `PROGRAM --help` lists
  @COMMANDS@    for sasctl: the help of each command, and of their commands
  @FILE@        the options of sasd.toml, which daemon/config writes from its table
  @ENUM Name@   the values of an enum of sas/v1/events.proto with their comments
  @VERSION@, @DATE@

DIR has the built programs, as bazel-bin does. A page of a program that is not there is left out.
"""

import argparse
import datetime
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# The page, and the program that it is about.
PAGES = {
    "sasd.8": "daemon/sasd",
    "sasctl.1": "cli/sasctl",
    "sasd.toml.5": "daemon/sasd",
    "sasd-hba.8": "daemon/hba/sasd-hba",
    "sashba.1": "emulator/qemu/sashba",
    "sas-events.7": "cli/sasctl",
}
COLUMN = 30  # where CLI11, and sasctl, begin the descriptions


def roff(text):
    """The text for groff: nothing in it is a request, and "-" is the character that is typed."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def sentence(text):
    text = text.strip()
    return text if not text or text[-1] in ".!?" else text + "."


class Help:
    """What a command prints for --help, in parts."""

    def __init__(self, program, words=()):
        shown = subprocess.run(
            [program, *words, "--help"], capture_output=True, text=True, check=True
        ).stdout
        self.program, self.words = program, list(words)
        self.usage, self.description, self.footer = "", "", ""
        self.sections = []  # (title, [(name, description)])
        part = None
        for line in shown.splitlines():
            if line.startswith("Usage: "):
                self.usage = line[len("Usage: ") :]
            elif not self.usage:
                self.description += (" " if self.description else "") + line.strip()
            elif re.match(r"\S.*:$", line):
                part = []
                self.sections.append((line[:-1], part))
            elif line.startswith(" " * COLUMN):
                name, text = part[-1]
                part[-1] = (name, (text + " " + line.strip()).strip())
            elif line.startswith("  "):
                match = re.match(r"  (\S.*?)(?:\s{2,}(\S.*))?$", line)
                part.append((match.group(1), match.group(2) or ""))
            elif line:
                self.footer += line + " "

    def commands(self):
        """The names of the commands."""
        for title, items in self.sections:
            if title in ("Subcommands", "Commands"):
                return [name.split(",")[0] for name, _ in items]
        return []

    def options(self):
        """(title, items) without the commands and the examples."""
        others = ("Subcommands", "Commands", "Examples")
        return [section for section in self.sections if section[0] not in others]

    def examples(self):
        """The lines of the examples, as sasctl shows them."""
        for title, items in self.sections:
            if title == "Examples":
                return [name for name, _ in items]
        return []


def heading(name):
    """The names of an option in bold, its argument in italics; and its default."""
    # An argument of this form is no argument with a default.
    name, required = re.subn(r" REQUIRED", "", name.replace("KEY=VALUE", "KEY\0VALUE"))
    name = re.sub(r"\{(false|true)\}", "", name)
    name, excludes = re.sub(r" Excludes:.*$", "", name), re.search(r" Excludes: (\S+)", name)
    repeated = name.endswith(" ...")
    name = name[:-4] if repeated else name
    match = re.match(r"(?P<names>[^ =:]+)(?:[ :](?P<argument>[^=]*))?(?:=(?P<default>.*))?$", name)
    names = match.group("names").split(",")
    out = ", ".join(f"\\fB{roff(each)}\\fR" for each in names)
    choices = re.search(r"\{(.*)\}", match.group("argument") or "")
    argument = re.sub(r":.*", "", match.group("argument") or "")
    if argument and names[0].startswith("-"):
        out += f" \\fI{roff(argument)}\\fR"
    out = out.replace("\0", "=")
    if repeated:
        out += " ..."
    notes = []
    if choices:
        notes.append("One of " + choices.group(1).replace(",", ", "))
    if match.group("default"):
        notes.append("Default: " + match.group("default"))
    if required:
        notes.append("Required")
    if excludes:
        notes.append(f"Not with {excludes.group(1)}")
    return out, notes


def list_of(items):
    out = []
    for name, description in items:
        head, notes = heading(name)
        text = " ".join(sentence(each) for each in [description, *notes] if each)
        out.append(f".TP\n{head}\n{roff(text)}")
    return "\n".join(out)


def options_of(program):
    out = []
    for title, items in Help(program).options():
        if title not in ("Options", "Positionals", "Arguments"):
            out.append(f".SS {roff(title)}")
        out.append(list_of(items))
    return "\n".join(out)


def commands_of(program, words=()):
    """The commands below `words`, each with its options, and so on."""
    out = []
    for name in Help(program, words).commands():
        command = Help(program, [*words, name])
        usage = command.usage.replace(" [OPTIONS]", " [OPTION]...").replace("(1x)", "")
        out.append(f".SS {roff(usage)}\n{roff(sentence(command.description))}")
        for _, items in command.options():
            shown = [item for item in items if not item[0].startswith("-h,")]
            if shown:
                out.append(list_of(shown))
        if command.examples() and not command.commands():
            lines = "\n".join(roff(line) for line in command.examples())
            out.append(f".PP\nExamples:\n.PP\n.nf\n{lines}\n.fi")
        out.append(commands_of(program, [*words, name]))
    return "\n".join(each for each in out if each)


def file_options():
    """The options of packaging/sasd.toml: a comment, then "#name = default"."""
    out, comment, begun = [], [], False
    with open(os.path.join(TOP, "packaging", "sasd.toml"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("# == "):
                begun = True
                out.append(f".SS {roff(line[5:])}")
            elif line.startswith("# "):
                comment.append(line[2:])
            elif re.match(r"#\S", line):
                name, default = line[1:].split(" = ", 1)
                text = sentence(" ".join(comment))
                text = re.sub(r"\. \((SASD_\w+); (.*)\)\.$", r". Environment: \1; \2.", text)
                out.append(f".TP\n\\fB{roff(name)}\\fR = {roff(default)}\n{roff(text)}")
                comment = []
            elif not begun or not line:
                comment = []
    return "\n".join(out)


def enum_of(name):
    """The values of an enum, as sasctl spells them, with their comments."""
    path = os.path.join(TOP, "proto", "sas", "v1", "events.proto")
    with open(path, encoding="utf-8") as file:
        body = re.search(r"enum %s \{(.*?)\n\}" % name, file.read(), re.S).group(1)
    prefix = re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper() + "_"
    out, comment = [], []
    for line in body.splitlines():
        line = line.strip()
        if line.startswith("// "):
            comment.append(line[3:])
        elif "=" in line:
            value = line.split(" ")[0]
            if not value.endswith("_UNSPECIFIED"):
                word = value[len(prefix) :].lower().replace("_", "-")
                out.append(f".TP\n\\fB{roff(word)}\\fR ({roff(value)})\n{roff(' '.join(comment))}")
            comment = []
    return "\n".join(out)


def version():
    with open(os.path.join(TOP, "rpc", "version.h"), encoding="utf-8") as file:
        return re.search(r'kVersion\[\] = "(.*)"', file.read()).group(1)


def page(name, program, date):
    with open(os.path.join(HERE, name + ".in"), encoding="utf-8") as file:
        text = file.read()
    text = text.replace("@VERSION@", version()).replace("@DATE@", date)
    marks = {
        "@OPTIONS@": lambda: options_of(program),
        "@COMMANDS@": lambda: commands_of(program),
        "@FILE@": file_options,
    }
    for mark, make in marks.items():
        if mark in text:
            text = text.replace(mark, make())
    return re.sub(r"@ENUM (\w+)@", lambda match: enum_of(match.group(1)), text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(TOP, "bazel-bin"))
    parser.add_argument("--date", default="")
    parser.add_argument("out")
    arguments = parser.parse_args()
    os.environ.pop("SASD_ADDR", None)  # a default in the help
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    today = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc) if epoch else (
        datetime.datetime.now(datetime.timezone.utc)
    )
    os.makedirs(arguments.out, exist_ok=True)
    for name, program in PAGES.items():
        program = os.path.join(arguments.bin, program)
        if not os.path.exists(program):
            print(f"make_man.py: no {program}: {name} is left out", file=sys.stderr)
            continue
        with open(os.path.join(arguments.out, name), "w", encoding="utf-8") as file:
            file.write(page(name, program, arguments.date or today.strftime("%Y-%m-%d")))


if __name__ == "__main__":
    main()
