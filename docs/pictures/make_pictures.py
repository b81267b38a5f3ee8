#!/usr/bin/python3
"""Makes the pictures of this folder: what sasctl prints, as SVG.

    make_pictures.py            write tree.svg and watch.svg
    make_pictures.py --check    fail if one of them is not what this would write (tests/docs does)
    make_pictures.py --record   first record watch.txt anew, with the programs of bazel-bin

tree.svg is a screen of tests/e2e/screens, which tests/e2e holds to what sasctl prints. watch.svg is watch.txt, line by
line as time passes. Only the standard library is needed, and `script` for --record.
"""

import html
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SCREEN = os.path.join(ROOT, "tests", "e2e", "screens", "demo-120-colour.txt")
WATCH = os.path.join(HERE, "watch.txt")
COLUMNS = 124  # no line of the acts is cut
# What happens while `sasctl watch` is recorded.
ACTS = (
    "emulator pull jbod1/3",
    "emulator insert jbod1/3",
    "emulator expander jbod2-b lose",
    "emulator expander jbod2-b regain",
    "emulator power jbod2 off",
    "emulator power jbod2 on",
)
SECONDS_PER_LINE = 1.2
# SGR codes of cli/output/paint.h.
STYLES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}
CSS = """
  rect { fill: #14181d } text { font: 14px "DejaVu Sans Mono", "Liberation Mono", Consolas, monospace; fill: #d8dee6 }
  .bold { font-weight: bold; fill: #ffffff } .dim { fill: #8a96a3 } .red { fill: #ff6b68 }
  .green { fill: #7fd37f } .yellow { fill: #e8c35a } .cyan { fill: #6cc7d9 } .prompt { fill: #7fd37f }
"""
WIDTH, HEIGHT, MARGIN = 8.43, 19, 14


def spans(line):
    """The line as SVG; its SGR codes become classes."""
    out, style = "", ""
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        code = re.fullmatch(r"\x1b\[([\d;]*)m", part)
        if code:
            style = " ".join(STYLES[c] for c in code.group(1).split(";") if c in STYLES)
        elif part:
            text = html.escape(part, quote=False)
            out += f'<tspan class="{style}">{text}</tspan>' if style else text
    return out


def svg(lines, moving=False):
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    width = round(max(map(len, plain)) * WIDTH + 2 * MARGIN)
    height = len(lines) * HEIGHT + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{html.escape(plain[0])}</title>",
        f"<style>{CSS}</style>",
        f'<rect width="{width}" height="{height}" rx="6"/>',
    ]
    for i, line in enumerate(lines):
        y = MARGIN + (i + 1) * HEIGHT - 5
        style = ' class="prompt"' if i == 0 else ""
        # Without animation all lines are there.
        appears = ""
        if moving and i > 0:
            appears = f'<set attributeName="opacity" to="0" begin="0s" dur="{i * SECONDS_PER_LINE:.1f}s"/>'
        out.append(f'<text x="{MARGIN}" y="{y}" xml:space="preserve"{style}>{spans(line)}{appears}</text>')
    return "\n".join([*out, "</svg>", ""])


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def block(text, command):
    """The lines of one command in a file of screens."""
    lines = text.splitlines()
    begin = lines.index("$ " + command)
    end = next((i for i in range(begin + 1, len(lines)) if lines[i].startswith("$ ")), len(lines))
    return [line.rstrip() for line in lines[begin:end]]


def pictures():
    tree = block(read(SCREEN), "sasctl tree")
    while not tree[-1]:
        tree.pop()
    return {"tree.svg": svg(tree), "watch.svg": svg(read(WATCH).splitlines(), moving=True)}


def record():
    sasd, sasctl = (os.path.join(ROOT, "bazel-bin", path) for path in ("daemon/sasd", "cli/sasctl"))
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        address, out = "unix:" + os.path.join(folder, "s"), os.path.join(folder, "out")
        environment = {**os.environ, "SASD_ADDR": address, "TERM": "xterm"}

        def call(words):
            subprocess.run([sasctl, "--timeout", "60s", *words.split()], env=environment, check=True, capture_output=True)

        daemon = subprocess.Popen([sasd, "--config", "", "--fabric", "demo", "--listen", address], stderr=subprocess.DEVNULL)
        try:
            call("wait --settled")
            # The revisions of the picture have as many digits, so its columns are straight.
            while revision(sasctl, environment) < 100:
                call("emulator pull jbod1/3")
                call("wait --settled")
                call("emulator insert jbod1/3")
                call("wait --settled")
            command = f"stty cols {COLUMNS} rows 40; exec {sasctl} watch"
            watch = subprocess.Popen(["script", "-q", "-f", "-c", command, out], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            for number, act in enumerate(ACTS):
                if number == 0:
                    until(lambda: "1" in subscribers(sasctl, environment))
                before = len(shown(out))
                call(act)
                until(lambda b=before: len(shown(out)) > b)
            watch.terminate()
            watch.wait()
        finally:
            daemon.terminate()
            daemon.wait()
        lines = shown(out)
        cut = [line for line in lines if "…" in line]
        if cut:
            raise SystemExit(f"make_pictures.py: {COLUMNS} columns are too few for: {cut[0]}")
        with open(WATCH, "w", encoding="utf-8") as file:
            file.write("\n".join(["$ sasctl watch", *lines]) + "\n")


def until(condition):
    for _ in range(100_000):
        if condition():
            return
    raise SystemExit("make_pictures.py: sasctl watch printed nothing")


def metric(name, sasctl, environment):
    text = subprocess.run([sasctl, "metrics"], env=environment, check=False, capture_output=True, text=True).stdout
    return re.findall(rf"(?m)^{name} (\d+)", text)


def subscribers(sasctl, environment):
    return metric("sas_subscribers", sasctl, environment)


def revision(sasctl, environment):
    (text,) = metric("sas_revision", sasctl, environment)
    return int(text)


def shown(path):
    """The lines so far. Who called the virtual HBA is of no interest here."""
    if not os.path.exists(path):
        return []
    lines = read(path).replace("\r", "").splitlines()
    return [line for line in lines if line and not line.startswith("Script ") and " @ uid " not in re.sub(r"\x1b\[[\d;]*m", "", line)]


def main():
    if sys.argv[1:] == ["--record"]:
        record()
    elif sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    for name, text in pictures().items():
        path = os.path.join(HERE, name)
        if sys.argv[1:] == ["--check"]:
            if not os.path.exists(path) or read(path) != text:
                sys.exit(f"{name} is out of date: docs/pictures/make_pictures.py")
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
