#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench.py BUILD [--json]: measures what the library costs, beside what a user would take instead.

Run through `make bench`, which builds what is measured and installs what it can of the rest.
Prints a table, or its JSON; leaves both in BUILD/bench, as RESULTS.md and bench.json. With
BENCH_QUICK=1 everything is done once or twice, to see whether it works.

Whatever is compared is run by turns, in many short rounds, so that a machine that grows slower or
faster does so for all alike. A time stands with its quartiles over the rounds. What can be counted
is counted: system calls (strace), instructions of the process (callgrind), relocations that the
loader looked up (LD_DEBUG), pages (minor faults).
"""

import contextlib
import concurrent.futures
import glob
import io
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys

QUICK = os.environ.get("BENCH_QUICK") == "1"
ROUNDS = 2 if QUICK else 12
PAIRS = 20 if QUICK else 150
STARTS = 10 if QUICK else 600
REPAIRS = 3 if QUICK else 25
SECONDS = 1 if QUICK else 65  # to wait for a port

build = os.path.abspath(sys.argv[1])
here = build + "/bench"
library = here + "/installed/lib/libnoselfconn.so"
wrapper = here + "/installed/bin/noselfconn"
supervise = here + "/installed/lib/noselfconn/supervise"
rows, skipped = [], []


def say(text):
    print(f"bench: {text} ...", file=sys.stderr, flush=True)


def skip(what):
    if what not in skipped:
        skipped.append(what)
        print(f"bench: skipped: {what}", file=sys.stderr)


class Failed(Exception):
    pass


def run(command, variables=None, merged=False):
    """Returns what the command prints."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired) as why:
        raise Failed(str(why)) from why
    if done.returncode != 0:
        said = (done.stdout if merged else done.stderr).strip().splitlines()
        raise Failed(said[-1] if said else f"exit status {done.returncode}")
    return done.stdout


def quartiles(numbers):
    """[median, lower, upper], to five digits."""
    if not numbers:
        return None
    q = statistics.quantiles(numbers, n=4) if len(numbers) > 1 else numbers * 3
    return [float(f"{x:.5g}") for x in (statistics.median(numbers), q[0], q[2])]


def row(section, name, **values):
    rows.append({"section": section, "with": name, **values})


def number_pairs(text):
    return [tuple(map(float, line.split())) for line in text.splitlines()]


def in_parallel(function, arguments):
    """For counts only, which don't depend on what else runs."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda a: function(*a), arguments))


# What is compared: the variables that preload it, and its wrapper.


def found(*patterns):
    return next((f for p in patterns for f in sorted(glob.glob(p))), None)


def written(name, text):
    with open(f"{here}/{name}", "w", encoding="ascii") as file:
        file.write(text)
    return f"{here}/{name}"


PRELOADS = {
    "no preload": {},
    "forwarding preload": {"LD_PRELOAD": here + "/forward.so"},
    "forwarding + getsockname": {"LD_PRELOAD": here + "/forward-getsockname.so"},
    "noselfconn": {"LD_PRELOAD": library},
}
OTHERS = {
    "proxychains4": (
        found("/usr/lib*/*/libproxychains.so.4", "/usr/lib*/libproxychains.so.4"),
        lambda: {
            "PROXYCHAINS_QUIET_MODE": "1",
            "PROXYCHAINS_CONF_FILE": written(
                "proxychains.conf",
                "strict_chain\nquiet_mode\nlocalnet 127.0.0.0/255.0.0.0\n"
                "[ProxyList]\nsocks5 127.0.0.1 9\n",
            ),
        },
    ),
    "torsocks": (
        found("/usr/lib*/*/torsocks/libtorsocks.so", "/usr/lib*/torsocks/libtorsocks.so"),
        lambda: {
            "TORSOCKS_CONF_FILE": written("torsocks.conf", "AllowOutboundLocalhost 1\n")
        },
    ),
    "mptcpize": (
        found("/usr/lib*/*/mptcpize/libmptcpwrap.so.0", "/usr/lib*/mptcpize/libmptcpwrap.so*"),
        dict,
    ),
    "eatmydata": (found("/usr/lib*/*/libeatmydata.so", "/usr/lib*/libeatmydata.so"), dict),
}
for other, (file, more) in OTHERS.items():
    if file is None:
        skip(f"{other} (not installed)")
    else:
        PRELOADS[other] = {"LD_PRELOAD": file, **more()}


def strace(command, variables, namespace=()):
    """Returns the number of system calls."""
    settings = [word for v in variables.items() for word in ("-E", "=".join(v))]
    summary = run([*namespace, "strace", "-f", "-c", *settings, *command], merged=True)
    return int(re.search(r"^100\.00 +\S+ +\S+ +(\d+) .*total$", summary, re.M).group(1))


def callgrind(command, variables, *options):
    text = run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *options, *command],
        variables,
        merged=True,
    )
    return int(re.search(r"Collected : (\d+)", text).group(1))


def has(program):
    if shutil.which(program) is None:
        skip(f"{program} (not installed)")
    return shutil.which(program) is not None


# 1, 2: calls that the library stands in front of.

KINDS = {
    "open": "connect() to a listening port",
    "open-nonblocking": "connect() to a listening port, non-blocking",
    "closed": "connect() to a closed port",
    "closed-nonblocking": "connect() to a closed port, non-blocking",
    "threads-outside": "connect() in a program with threads, to a port outside the range",
    "threads-inside": "connect() in a program with threads, to a port inside the range",
    "unix": "connect() of a Unix socket",
    "sendto": "sendto() on UDP",
    "sendmsg": "sendmsg() on UDP",
}
CHECKED = "a check in the program itself"


def measure_calls():
    calls = here + "/calls"
    everywhere = ["no preload", "forwarding preload", "noselfconn", "proxychains4", "torsocks"]
    ways = [
        (kind, name)
        for kind in KINDS
        for name in [*PRELOADS, CHECKED]
        if name != "eatmydata"
        and (name in everywhere or kind.startswith(("open", "closed", "threads")))
        and (name in PRELOADS or name == CHECKED)
    ]

    def command(kind, name, *words):
        return [calls, kind, *(["checked"] if name == CHECKED else []), *words]

    def counts(kind, name):
        variables, many = PRELOADS.get(name, {}), 48
        values = {}
        with contextlib.suppress(Failed, AttributeError):
            total, none = (
                strace(command(kind, name, "count", str(n)), variables) for n in (many, 0)
            )
            values["syscalls"] = (total - none) / many
        with contextlib.suppress(Failed, AttributeError):
            values["instructions"] = round(
                callgrind(
                    command(kind, name, "count", str(many)),
                    variables,
                    "--toggle-collect=measured",
                )
                / many
            )
        return values

    say("counting system calls and instructions per call")
    counted = dict(zip(ways, in_parallel(counts, ways)))
    for kind in KINDS:
        base = counted[kind, "no preload"].get("syscalls")
        for name in [w for k, w in ways if k == kind]:
            if "syscalls" in counted[kind, name]:
                extra = counted[kind, name]["syscalls"] - base
                counted[kind, name]["syscalls"] = f"{extra:+g}"

    say("timing calls")
    times = {way: [] for way in ways}
    for i in range(ROUNDS):
        for j in range(len(ways)):
            way = ways[(j + i) % len(ways)]
            with contextlib.suppress(KeyError):
                try:
                    pairs = number_pairs(
                        run(command(*way, "paired", str(PAIRS)), PRELOADS.get(way[1]))
                    )
                    times[way].append(pairs)
                except Failed as why:
                    skip(f"{way[1]}: {KINDS[way[0]]} ({why})")
                    times.pop(way)
    for kind, name in ways:
        rounds = times.get((kind, name))
        if rounds:
            row(
                KINDS[kind],
                name,
                unit="ns",
                value=quartiles([statistics.median(a for a, _ in r) for r in rounds]),
                ratio=quartiles([statistics.median(a / b for a, b in r) for r in rounds]),
                more=quartiles([statistics.median(a - b for a, b in r) for r in rounds]),
                **counted[kind, name],
            )


# A range with few ports to choose from, in a program with threads.

FULL = {
    "threads-used-up": ("all but 50 of 1,000 ports are in use", "40000 40999", ROUNDS, PAIRS),
    "threads-timewait": (
        "10,000 connects a second, for a minute: all are in TIME_WAIT",
        "32768 60999",
        1,
        60 * 10000 // 16 if not QUICK else PAIRS,
    ),
}


def measure_full():
    say("timing calls in a range that is full")
    for kind, (about, ports, rounds, number) in FULL.items():
        command = [build + "/tests/netns", *ports.split(), here + "/calls", kind, "paired"]
        try:
            pairs = [
                pair
                for _ in range(rounds)
                for pair in number_pairs(run([*command, str(number)], PRELOADS["noselfconn"]))
            ]
        except Failed as why:
            skip(f"{about} ({why})")
            continue
        row(
            "connect() in a program with threads, to a port inside a range that is full",
            f"noselfconn, {about}",
            unit="ns",
            value=quartiles([a for a, _ in pairs]),
            ratio=quartiles([a / b for a, b in pairs]),
            more=quartiles([a - b for a, b in pairs]),
        )


# The same calls of a program that is supervised.

SUPERVISED = {"not supervised": [], "supervised": [supervise, "quiet"]}


def measure_supervised():
    say("timing supervised calls")
    for kind in ("closed", "open", "unix", "sendto"):
        times = {name: [] for name in SUPERVISED}
        try:
            for _ in range(ROUNDS):
                for name, prefix in SUPERVISED.items():
                    pairs = number_pairs(run([*prefix, here + "/calls", kind, "paired", str(PAIRS)]))
                    times[name].append(statistics.median(ns for ns, _ in pairs))
        except Failed as why:
            skip(f"supervised calls ({why})")
            return
        bare = times["not supervised"]
        for name, rounds in times.items():
            row(
                KINDS[kind] + ", of any program",
                name,
                unit="ns",
                value=quartiles(rounds),
                ratio=quartiles([a / b for a, b in zip(rounds, bare)]),
                more=quartiles([a - b for a, b in zip(rounds, bare)]),
            )


# 3, 4: the start of a process, and of one through a wrapper.


def static_true():
    """A program that no preload reaches, and that does nothing; None if there is no static libc."""
    program, source = here + "/static-true", written("static-true.c", "int main(void) { return 0; }")
    try:
        run(["cc", "-static", "-o", program, source])
    except Failed as why:
        skip(f"the start of a static program ({why})")
        return None
    return program


def symbol_relocations(command, variables):
    try:
        text = run(command, {**variables, "LD_DEBUG": "statistics"}, merged=True)
        return int(re.search(r"number of relocations: (\d+)", text).group(1))
    except (Failed, AttributeError):
        return None


def measure_starts():
    true = shutil.which("true")
    START, WRAPPER = "start of true, preloaded", "start of true through a wrapper"
    STATIC, static = "start of a static program", static_true()
    bare_script = written("bare-script", 'exec "$@"\n')
    ways = [(START, name, v, [true]) for name, v in PRELOADS.items()]
    ways += [
        (WRAPPER, "none", {}, [true]),
        (WRAPPER, "env (C)", {}, ["env", "true"]),
        (WRAPPER, "mptcpize run (C)", {}, ["mptcpize", "run", "true"]),
        (
            WRAPPER,
            "proxychains4 -q (C)",
            PRELOADS.get("proxychains4"),
            ["proxychains4", "-q", "true"],
        ),
        (WRAPPER, 'exec "$@" (script)', {}, ["sh", bare_script, "true"]),
        (WRAPPER, "noselfconn (script)", {}, [wrapper, "true"]),
        (WRAPPER, "torsocks (script)", PRELOADS.get("torsocks"), ["torsocks", "true"]),
        (WRAPPER, "eatmydata (script)", {}, ["eatmydata", "true"]),
        (WRAPPER, "noselfconn --all (supervised)", {}, [wrapper, "--all", "true"]),
    ]
    if static is not None:
        ways += [
            (STATIC, "none", {}, [static]),
            (STATIC, "noselfconn (supervised)", {}, [wrapper, static]),
        ]
    usable = []
    for section, name, variables, command in ways:
        variables = dict(variables or {})
        if section != START:
            variables.pop("LD_PRELOAD", None)
            variables["PATH"] = "/usr/bin:/bin"  # a long one takes each its time
        try:
            run(command, variables)
            usable.append((section, name, variables, command))
        except Failed as why:
            if shutil.which(command[0]) is not None:
                skip(f"{name} true ({why})")

    say("counting what a start takes")

    def counts(section, _name, variables, command):
        values = {}
        with contextlib.suppress(Failed, AttributeError):
            values["syscalls"] = strace(command, variables)
        if section == START:
            values["relocations"] = symbol_relocations(command, variables)
            with contextlib.suppress(Failed, AttributeError):
                values["instructions"] = callgrind(command, variables)
        return values

    counted = in_parallel(counts, usable)

    say("timing starts")
    words = []
    for _, _, variables, command in usable:
        words += [*("=".join(v) for v in variables.items()), *command, ","]
    printed = run([here + "/starts", str(STARTS), *words[:-1]])
    times = {}
    for line in printed.splitlines():
        which, ns, pages = map(int, line.split())
        times.setdefault(which, []).append((ns, pages))
    for i, (section, name, _, _) in enumerate(usable):
        first = next(j for j, way in enumerate(usable) if way[0] == section)
        row(
            section,
            name,
            unit="ns",
            value=quartiles([ns for ns, _ in times[i]]),
            ratio=quartiles([a / b for (a, _), (b, _) in zip(times[i], times[first])]),
            pages=round(statistics.median(pages for _, pages in times[i])),
            **counted[i],
        )


# 5: repairs.

NETNS = [build + "/tests/netns", "40000", "40001"]


def measure_repairs():
    wanted = 50000
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = wanted
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + 100, max(limit, wanted + 100)))
        limit = max(limit, wanted + 100)
    if limit < wanted + 100:
        most = limit - 100
        skip(f"{wanted:,} open descriptors (the hard limit here is {limit:,}: {most:,} instead)")
    retries = {"NOSELFCONN_RETRIES": "0"}
    ways = [  # description, kind, descriptors, other processes, variables
        ("reset in place, 100 other processes", "in-place", 10, 100, {}),
    ]
    for name, kind, variables in [
        ("reset in place", "in-place", {}),
        ("reset in place, MPTCP", "mptcp", {}),
        ("deliberate", "deliberate", {}),
        ("aborted (NOSELFCONN_RETRIES=0)", "aborted", retries),
    ]:
        for descriptors in (10, 1000, most):
            ways.append((f"{name}, {descriptors:,} descriptors", kind, descriptors, 0, variables))

    def command(way, number):
        _, kind, descriptors, processes, variables = way
        settings = ["=".join(v) for v in {**PRELOADS["noselfconn"], **variables}.items()]
        return [
            *["env", *settings, here + "/repairs", kind],
            *[str(descriptors), str(processes), str(number)],
        ]

    say("counting system calls of repairs")

    def counts(way):
        if shutil.which("strace") is None:
            return {}
        with contextlib.suppress(Failed, AttributeError):
            refused = (None, "refused", *way[2:])
            many, none, both, neither = (
                strace(command(w, n), {}, NETNS)
                for w, n in ((way, 4), (way, 0), (refused, 4), (refused, 0))
            )
            return {"syscalls": f"{(many - none - both + neither) / 4:+g}"}
        return {}

    counted = in_parallel(counts, [(way,) for way in ways])

    say("timing repairs")
    times = {}
    for _ in range(1 if QUICK else 4):
        for way in ways:
            try:
                pairs = number_pairs(run([*NETNS, *command(way, REPAIRS)]))
                times.setdefault(way[0], []).extend(pairs)
            except Failed as why:
                skip(f"{way[0]} ({why})")
    for (about, *_), values in zip(ways, counted):
        if about in times:
            pairs = times[about]
            row(
                "a repair, beside a refused connect()",
                about,
                unit="ns",
                value=quartiles([a for a, _ in pairs]),
                ratio=quartiles([a / b for a, b in pairs]),
                **values,
            )
    ordinary = [b for pairs in times.values() for _, b in pairs]
    if ordinary:
        row(
            "a repair, beside a refused connect()",
            "an ordinary connect() that is refused",
            unit="ns",
            value=quartiles(ordinary),
        )


def begin_unusable():
    """Starts what takes a minute, and next to no CPU time."""
    client = [build + "/tests/client", "tcp4", "connect", "127.0.0.1", "40000"]
    ways = {
        "noselfconn": ["env", "LD_PRELOAD=" + library, *client],
        "closed by the program": client,
    }
    if has("go"):
        try:
            source = os.path.dirname(os.path.abspath(__file__)) + "/dial.go"
            settings = {"GOCACHE": here + "/go", "GO111MODULE": "off"}
            run(["go", "build", "-o", here + "/dial", source], settings)
            ways["Go's dialer"] = [here + "/dial", "127.0.0.1:40000"]
        except Failed as why:
            skip(f"Go's dialer ({why})")
    return {
        name: subprocess.Popen(
            [*NETNS, here + "/unusable", "40000", str(SECONDS), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name, command in ways.items()
    }


def end_unusable(running):
    say(f"waiting for the port to be usable, at most {SECONDS} s")
    for name, process in running.items():
        out, _ = process.communicate(timeout=SECONDS + 60)
        if process.returncode != 0:
            skip(f"{name}: for how long the port can't be used (no namespace)")
            continue
        seconds = float(out)
        if seconds >= SECONDS:
            name += " (at least: not waited for longer)"
        row("no server can bind the port, for", name, unit="s", value=[seconds] * 3)


# 6: threads.


def measure_scale():
    say("timing threads")
    pairs = {threads: [] for threads in (1, 2, 4, 16)}
    for _ in range(1 if QUICK else 10):
        for threads, of_these in pairs.items():
            command = [here + "/scale", str(threads), *(["10", "2"] if QUICK else ["50", "6"])]
            of_these += number_pairs(run(command, PRELOADS["noselfconn"]))
    for threads, of_these in pairs.items():
        row(
            "connects per second, non-blocking, to a closed port",
            f"noselfconn, {threads} thread{'s' * (threads > 1)}",
            unit="/s",
            value=quartiles([a for a, _ in of_these]),
            ratio=quartiles([a / b for a, b in of_these]),
        )


# 7: sizes.


def elf(file):
    """Relocations, and pages that stay writable, of a shared object."""
    relocations = sum(
        int(n) for n in re.findall(r"contains (\d+) entr", run(["readelf", "-rW", file]))
    )
    headers = run(["readelf", "-lW", file])
    page, writable = resource.getpagesize(), set()
    segments = re.findall(
        r"^ +(LOAD|GNU_RELRO) +0x\w+ 0x(\w+) 0x\w+ 0x\w+ 0x(\w+) (R?) ?(W?)", headers, re.M
    )
    for kind, address, size, _, write in segments:
        first, end = int(address, 16), int(address, 16) + int(size, 16)
        if kind == "LOAD" and write:
            writable |= set(range(first // page, (end + page - 1) // page))
        elif kind == "GNU_RELRO":
            writable -= set(range(first // page, end // page))
    return relocations, len(writable)


def measure_sizes():
    say("weighing")
    if not has("readelf") or not has("strip"):
        return
    for name, variables in PRELOADS.items():
        if name == "no preload":
            continue
        stripped = here + "/stripped.so"
        run(["strip", "-o", stripped, variables["LD_PRELOAD"]])
        relocations, pages = elf(stripped)
        row(
            "size, stripped; pages that stay writable",
            name,
            unit="bytes",
            value=[os.path.getsize(stripped)] * 3,
            relocations=relocations,
            pages=pages,
        )
    for name, what, namespace in (
        ("forwarding + getsockname", "ordinary", []),
        ("noselfconn", "ordinary", []),
        ("noselfconn", "repair", NETNS),
    ):
        settings = ["env", "LD_PRELOAD=" + PRELOADS[name]["LD_PRELOAD"]]
        with contextlib.suppress(Failed):
            size = int(run([*namespace, *settings, here + "/stack", what]))
            row(
                "stack that connect() takes more than libc's",
                name + (", and a repair" if what == "repair" else ""),
                unit="bytes",
                value=[size] * 3,
            )


# The result.


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        info = file.read()
    model = re.search(r"^(?:model name|Processor|cpu model)\s*: (.*)$", info, re.M)
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "virtual": "hypervisor" in info,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()),
        "load": round(os.getloadavg()[0], 2),
    }


def shown(number, unit):
    if unit == "bytes":
        return f"{number:,.0f} B"
    if unit == "/s":
        return f"{number:,.0f}/s"
    if unit == "s":
        return f"{number:.2f} s"
    for size, name in ((1e6, "ms"), (1e3, "us"), (1, "ns")):
        if number >= size:
            break
    return f"{number / size:.4g} {name}"


def spread(numbers, form):
    """[lower-upper], in the unit of the median."""
    return f"[{form(numbers[1])}-{form(numbers[2])}]" if numbers[1] != numbers[2] else ""


def cells(r):
    """A row of the table: texts, from the left."""
    value, ratio, more = r["value"], r.get("ratio"), r.get("more")
    return [
        "  " + r["with"],
        shown(value[0], r["unit"]),
        spread(value, lambda n: shown(n, r["unit"]).split(" ")[0].removesuffix("/s")),
        f"{ratio[0]:.3f}" if ratio else "",
        spread(ratio, lambda n: f"{n:.3f}") if ratio else "",
        f"{more[0]:+.0f} ns" if more else "",
        *(
            f"{r[key]:,}" if isinstance(r.get(key), int) else r.get(key) or ""
            for key in ("syscalls", "instructions", "relocations", "pages")
        ),
    ]


def print_table(result):
    m = result["machine"]
    virtual = " (virtual)" if m["virtual"] else ""
    print(f"{m['cpu']}, {m['cpus']} CPUs{virtual}; {m['kernel']}; {m['libc']}")
    print(f"load average at the start: {m['load']}")
    for what in result["skipped"]:
        print(f"skipped: {what}")
    head = ["", "median", "[quartiles]", "ratio", "[quartiles]", "more"]
    head += ["syscalls", "instr.", "relocs", "pages"]
    table = [cells(r) for r in result["rows"]]
    widths = [max(len(line[i]) for line in [head, *table]) for i in range(len(head))]
    left = (0, 2, 4)

    def line(texts):
        aligned = (
            t.ljust(w) if i in left else t.rjust(w)
            for i, (t, w) in enumerate(zip(texts, widths))
        )
        return "  ".join(aligned).rstrip()

    print("\n" + line(head))
    section = None
    for r, texts in zip(result["rows"], table):
        if r["section"] != section:
            section = r["section"]
            print(section)
        print(line(texts))


RESULTS = """<!-- SPDX-License-Identifier: MIT -->
# What noselfconn costs

`make bench` makes this file, on the machine that its first line names.

```
%s```

Each ratio compares with the same call without a preload, made by turns in the same process; with plain
`true`; or with a refused `connect()`. "more" is the difference in time. "syscalls" counts those that
the call makes in addition, or all of a start. "A check in the program itself" is `getsockname()` and
`getpeername()` after each `connect()`.
"""


def main():
    about = machine()
    for tool in ("strace", "valgrind"):
        has(tool)
    running = {}
    try:
        run([*NETNS, "true"])
        running = begin_unusable()
    except Failed as why:
        skip(f"repairs (no namespace: {why})")
    measure_calls()
    measure_full()
    measure_supervised()
    measure_starts()
    if running:
        measure_repairs()
    measure_scale()
    measure_sizes()
    end_unusable(running)

    result = {"machine": about, "quick": QUICK, "skipped": skipped, "rows": rows}
    text = json.dumps(result, indent=1)
    with open(here + "/bench.json", "w", encoding="utf-8") as file:
        file.write(text + "\n")
    with contextlib.redirect_stdout(io.StringIO()) as table:
        print_table(result)
    with open(here + "/RESULTS.md", "w", encoding="utf-8") as file:
        file.write(RESULTS % table.getvalue())
    print(text if "--json" in sys.argv[2:] else table.getvalue(), end="")


main()
