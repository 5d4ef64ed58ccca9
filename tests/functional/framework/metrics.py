"""/metrics, read as a Prometheus server would: a dict from a sample's name and labels to its value."""

import os
import shutil
import subprocess

from .util import ROOT


def read(pool) -> dict:
    status, body = pool.get("/metrics")
    assert status == 200, f"/metrics answered {status}"
    return parse(body.decode())


def parse(text: str) -> dict:
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in samples, f"{name} is there twice"
            samples[name] = float(value)
    return samples


def total(samples: dict, family: str) -> float:
    """The sum over all labels."""
    return sum(value for name, value in samples.items() if name.split("{")[0] == family)


def promtool() -> str | None:
    """Prometheus's checker: from PATH, or where scripts/setup.sh puts it."""
    return shutil.which("promtool") or shutil.which("promtool", path=os.fspath(ROOT / ".deps" / "prometheus" / "usr" / "bin"))


def check(*args, stdin: str | None = None) -> str:
    """promtool ARGS; its complaints, empty when there are none."""
    done = subprocess.run([promtool(), *args], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"
