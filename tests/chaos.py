"""Runs a command again and again, and sends SIGKILL to it or to one of its children at random moments, until it has had its kills;
then lets it finish. chaos.py SEED KILLS COMMAND...     the command is one that ends when it is done (imq-pump --drain)

Ends with the status of the last run."""
import os
import random
import signal
import subprocess
import sys
import time

random.seed(int(sys.argv[1]))
kills = int(sys.argv[2])
command = sys.argv[3:]


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


done, process = 0, None
while done < kills:
    if not process or process.poll() is not None:
        if process and process.returncode == 0:
            # A fast machine may be done earlier; too early, and nothing is tried.
            sys.exit(0 if 2 * done >= kills else f"finished after {done} kills: give it more to do")
        process = subprocess.Popen(command)
    time.sleep(0.005 + random.random() * 0.04)
    victims = children(process.pid)
    # The pump itself as often as all of its stages together.
    victim = random.choice(victims) if victims and random.random() < 0.5 else process.pid
    try:
        os.kill(victim, signal.SIGKILL)
        done += 1
    except OSError:
        continue
    if victim == process.pid:
        process.wait()
if process.poll() is not None:
    process = subprocess.Popen(command)
sys.exit(process.wait())
