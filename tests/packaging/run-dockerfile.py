#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run-dockerfile.py DOCKERFILE: builds and runs it, without a daemon or a registry.

Each stage is a copy of this system (its FROM is not looked at), on an overlay that is gone
afterwards; what apt-get would install is here already. Needs root and a mount namespace of its own.
"""
import json
import os
import shlex
import subprocess
import sys

STAGES = "/mnt"


def new_stage(name):
    base = f"{STAGES}/{name}"
    for directory in ("upper", "work", "root"):
        os.makedirs(f"{base}/{directory}")
    subprocess.check_call(["mount", "-t", "overlay", "overlay", f"{base}/root", "-o",
                           f"lowerdir=/,upperdir={base}/upper,workdir={base}/work"])
    for directory in ("dev", "proc", "sys"):
        subprocess.check_call(["mount", "--rbind", f"/{directory}", f"{base}/root/{directory}"])
    return f"{base}/root"


def inside(root, environment, command):
    return subprocess.call(["chroot", root, "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                            *environment, *command])


if subprocess.call(["mount", "-t", "tmpfs", "tmpfs", STAGES]) != 0:
    print("the kernel has no file system to copy this system to")
    sys.exit(125)
roots, root, environment, command = {}, None, [], None
with open(sys.argv[1]) as f:
    lines = f.read().replace("\\\n", " ").splitlines()
for line in lines:
    if not line or line.startswith("#"):
        continue
    print("#", line, flush=True)
    word, rest = line.split(" ", 1)
    if word == "FROM":
        words = rest.split()
        name = words[2] if len(words) == 3 and words[1] == "AS" else str(len(roots))
        root, environment, command = new_stage(name), [], None
        roots[name] = root
    elif word == "RUN":
        if not rest.startswith("apt-get ") and inside(root, environment, ["sh", "-c", rest]) != 0:
            sys.exit("a RUN failed")
    elif word == "COPY":
        *options, source, target = shlex.split(rest)
        origin = roots[options[0].split("=")[1]] + "/" if options else "./"
        os.makedirs(os.path.dirname(root + target), exist_ok=True)
        subprocess.check_call(["cp", "-R", origin + source, root + target])
    elif word == "ENV":
        environment.append(rest)
    elif word == "CMD":
        command = json.loads(rest)
    else:
        sys.exit(f"unknown: {line}")
sys.exit(inside(root, environment, command))
