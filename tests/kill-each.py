"""Feeds a queue piece by piece to pumps that empty it, and after each piece kills, at a random moment and by SIGKILL, one process: each
pump, each process a pump has started, and each server, so many times each. Then the queues are emptied.

kill-each.py SEED KILLS RECORDS-FILE QUEUE [SERVER...] ++ PUMP... [++ PUMP...]
PUMP is the words of an imq-pump; SERVER is a line for bash that kills a server and starts it again."""
import atexit
import os
import random
import signal
import subprocess
import sys
import time

PATIENCE = 60  # seconds until a pump has to be well again
PAUSE = float(os.environ.get("IMQ_CHAOS_PAUSE", "0.1"))  # seconds from a piece to its kill, at most


def split(words, separator):
    parts = [[]]
    for word in words:
        if word == separator:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def descendants(pid):
    found = {}
    for child in children(pid):
        try:
            with open(f"/proc/{child}/cmdline", "rb") as f:
                name = f.read()
        except OSError:
            continue
        # Between fork and exec it is still called like its parent.
        if name and not name.startswith(b"imq-pump"):
            found[name] = child
        found.update(descendants(child))
    return found


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > end:
            sys.exit(f"not in {PATIENCE} seconds: {what}")
        time.sleep(0.01)
    return result


class Pump:
    def __init__(self, words):
        self.words = words
        self.start()
        # A pump does not outlive a run that fails.
        atexit.register(lambda: self.process.kill())

    def start(self):
        self.process = subprocess.Popen(self.words)

    def names(self):
        """Those of its processes, once all are there: every stage, and the branches of imq-route."""
        seen = None

        def settled():
            nonlocal seen
            before, seen = seen, sorted(descendants(self.process.pid))
            time.sleep(0.2)
            return seen and seen == before

        until("stages of a pump", settled)
        return seen

    def check(self):
        if self.process.poll() is not None:
            sys.exit(f"a pump ended with status {self.process.returncode}")

    def kill(self, name):
        """One of its processes, or itself."""
        while True:
            self.check()
            pid = self.process.pid if name is None else until(name, lambda: descendants(self.process.pid).get(name))
            try:
                os.kill(pid, signal.SIGKILL)
                break
            except ProcessLookupError:
                continue
        if name is None:
            self.process.wait()
            self.start()

    def finish(self):
        self.check()
        # Whatever it says: it may be getting well from the last kill.
        self.process.terminate()
        self.process.wait()
        if status := subprocess.call(self.words[:1] + ["--drain"] + self.words[1:]):
            sys.exit(f"a pump ended with status {status}")


def put(queue, lines):
    subprocess.run(["imq-queue", "put", queue], input=b"".join(lines), check=True)


def waiting(queue):
    answer = subprocess.run(["imq-queue", "count", queue], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return int(answer.stdout) if answer.returncode == 0 else sys.maxsize


def main():
    seed, kills, path, queue = sys.argv[1:5]
    servers, *pumps = split(sys.argv[5:], "++")
    random.seed(int(seed))
    with open(path, "rb") as f:
        records = f.readlines()
    pumps = [Pump(words) for words in pumps]
    victims = [(pump, name) for pump in pumps for name in [None, *pump.names()]] + [(None, server) for server in servers]
    plan = victims * int(kills)
    random.shuffle(plan)
    size = -(-len(records) // len(plan))
    for i, (pump, name) in enumerate(plan):
        put(queue, records[i * size : (i + 1) * size])
        time.sleep(random.random() * PAUSE)
        if pump:
            pump.kill(name)
        else:
            subprocess.run(["bash", "-c", name], check=True)
        until(f"{queue} emptied after {name}", lambda: all(p.check() is None for p in pumps) and waiting(queue) <= 2 * size)
    for pump in pumps:
        pump.finish()
    print(f"{len(victims)} processes and servers killed {kills} times each", file=sys.stderr)


main()
