"""Stand-ins for what a rehearsal cannot have: ssh to this very machine, and a systemd that runs one service.

Each is put into a folder of its own, before PATH. They really run the commands and the service.
"""

from __future__ import annotations

import sys
from pathlib import Path

SSH = """#!/bin/sh
# ssh HOST COMMAND...: the words joined by spaces, as a real one hands them to the login shell.
shift
exec bash -c "$*"
"""

SYSTEMCTL = """#!{python}
import os, signal, subprocess, sys, time
from pathlib import Path

root = Path(os.environ["DEPLOY_ROOT"])
unit = root / "etc/systemd/system/atila-starter.service"
pid_file, log = root / "service.pid", root / "service.log"
verb = next(word for word in sys.argv[1:] if not word.startswith("-"))
with (root / "systemctl.log").open("a") as told:
    print(*sys.argv[1:], file=told)
if sys.argv[-1] == "nginx" or verb in ("daemon-reload", "enable", "reset-failed"):
    sys.exit(0)
fields = [line.partition("=")[::2] for line in unit.read_text().splitlines() if "=" in line]
value = lambda name: next(content for key, content in fields if key == name).replace(" /", f" {{root}}/")
place = lambda name: f"{{root}}{{value(name)}}"

def running():
    try:
        pid = int(pid_file.read_text())
        state = Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    return None if state == "Z" else pid

def stop():
    if (pid := running()) is not None:
        os.kill(pid, getattr(signal, value("KillSignal")))
        end = time.monotonic() + 20
        while running() and time.monotonic() < end:
            time.sleep(0.02)

def start():
    lines = [line for line in Path(place("EnvironmentFile")).read_text().splitlines() if line and line[0] != "#"]
    environment = {{"PATH": os.environ["PATH"], **dict(line.split("=", 1) for line in lines)}}
    environment |= dict(pair.split("=") for pair in value("Environment").split())
    with log.open("ab") as output:
        process = subprocess.Popen(
            place("ExecStart").split(), cwd=place("WorkingDirectory"), env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )
    pid_file.write_text(str(process.pid))

if verb == "is-active":
    sys.exit(0 if running() else 3)
elif verb == "reload":
    subprocess.run(value("ExecReload").replace("$MAINPID", str(running())).split(), check=True)
elif verb == "stop":
    stop()
elif verb == "restart":
    stop()
    start()
else:
    sys.exit(f"systemctl {{verb}}: not rehearsed")
"""

NOTHING = """#!/bin/sh
echo "$(basename "$0") $*" >>"$DEPLOY_ROOT/commands.log"
"""


def put_shims(folder: Path) -> Path:
    """Write the stand-ins; return their folder."""
    folder.mkdir()
    texts = {"ssh": SSH, "systemctl": SYSTEMCTL.format(python=sys.executable)}
    texts |= dict.fromkeys(("apt-get", "nginx", "sysctl", "journalctl"), NOTHING)
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
