"""A pump that kills: sends batches to a command with --state, ends it with SIGKILL at random moments (in the middle of a batch, or when
the batch has been stored but not acknowledged), and sends the same batch to a new one. Prints what came out of acknowledged batches.

kill-pump.py SEED BATCHES-FILE COMMAND...     the file has batches as a filter reads them: events, each batch ended by an empty line"""
import os
import random
import subprocess
import sys
import time

random.seed(int(sys.argv[1]))
batches = [b + b"\n\n" for b in open(sys.argv[2], "rb").read().split(b"\n\n") if b]
command = sys.argv[3:]


class Killed(Exception):
    pass


def play(process, batch, fate):
    """What comes back for the batch; Killed where it is not to be acknowledged."""
    if fate < 0.15:
        process.stdin.write(batch[: random.randrange(len(batch))])
        process.stdin.flush()
        time.sleep(random.random() * 0.02)
        raise Killed
    process.stdin.write(batch)
    process.stdin.flush()
    lines = []
    for line in process.stdout:
        if line == b"\n":
            if fate < 0.3:
                raise Killed
            return lines
        lines.append(line)
    sys.exit("the command ended")


number, process, kills = 1, None, 0
while number <= len(batches):
    if not process:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, IMQ_BATCH=str(number))
        )
    try:
        lines = play(process, batches[number - 1], random.random())
    except Killed:
        process.kill()
        process.wait()
        process, kills = None, kills + 1
        continue
    sys.stdout.buffer.writelines(lines)
    number += 1
process.communicate()
print(kills, "kills", file=sys.stderr)
sys.exit(process.returncode or (0 if kills else "nothing was killed"))
