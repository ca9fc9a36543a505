#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run-action.py ACTION.YML TEMP [INPUT=VALUE]... -- COMMAND...

Runs the steps of a composite action as GitHub's runner does, then the command as a step of the job
that follows. The files that a runner hands to each step are in the directory TEMP.
"""
import os
import re
import subprocess
import sys

import yaml

action_file, temp = map(os.path.abspath, sys.argv[1:3])
arguments = sys.argv[3:]
end = arguments.index("--")
command = arguments[end + 1:]
with open(action_file) as f:
    action = yaml.safe_load(f)

inputs = {name: what.get("default", "") for name, what in action.get("inputs", {}).items()}
inputs.update(word.split("=", 1) for word in arguments[:end])
outputs = {}
environment = dict(os.environ, CI="true", GITHUB_ACTIONS="true", RUNNER_TEMP=temp,
                   GITHUB_ACTION_PATH=os.path.dirname(action_file))
FILES = ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT")


def replaced(text):
    """The expressions that an action may use here."""
    def value(match):
        word = match.group(1).split(".")
        if word[0] == "inputs":
            return inputs[word[1]]
        if word[0] == "steps" and word[2] == "outputs":
            return outputs[word[1]][word[3]]
        raise KeyError(match.group(0))
    return re.sub(r"\$\{\{ *([^ }]+) *\}\}", value, str(text))


def lines(name):
    with open(environment[name]) as f:
        return f.read().splitlines()


def run(step):
    for name in FILES:
        environment[name] = os.path.join(temp, name)
        open(environment[name], "w").close()
    script = os.path.join(temp, "step.sh")
    with open(script, "w") as f:
        f.write(replaced(step["run"]))
    assert step["shell"] == "bash", "every step of a composite action names its shell"
    own = {key: replaced(value) for key, value in step.get("env", {}).items()}
    print("##", step["name"], flush=True)
    status = subprocess.call(["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                             env=dict(environment, **own), cwd=temp)
    outputs[step.get("id")] = dict(line.split("=", 1) for line in lines("GITHUB_OUTPUT"))
    environment.update(line.split("=", 1) for line in lines("GITHUB_ENV"))
    for directory in lines("GITHUB_PATH"):
        environment["PATH"] = directory + ":" + environment["PATH"]
    return status


assert action["runs"]["using"] == "composite"
for step in action["runs"]["steps"]:
    status = run(step)
    if status != 0:
        print("## failed:", step["name"], flush=True)
        sys.exit(status)
for name, what in action.get("outputs", {}).items():
    environment["OUTPUT_" + name.upper()] = replaced(what["value"])
sys.exit(subprocess.call(command, env=environment, cwd=temp))
