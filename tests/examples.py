#!/usr/bin/env python3
"""Runs the examples of a manual page or of a Markdown file, and says where what they print differs from what is written there.

Examples are lines that begin with "$ " in a literal display below EXAMPLES of a page (mdoc: .Bd -literal), or in a fenced block of
Markdown; a line that ends with a backslash goes on in the next one. What follows, up to the next "$ " or the end of the
block, is what they print on stdout and stderr together. All of a file's examples run in one shell after the other, in the
present folder, so that one may use what another one has made.

usage: examples.py FILE    prints TAP; exits 1 if an example is not true, 2 if there is none
"""
import re
import subprocess
import sys


def blocks_of_page(text):
    """The literal displays below EXAMPLES as mandoc would show them, with roff's escapes resolved."""
    section, block, blocks = '', None, []
    for line in text.split('\n'):
        if line.startswith('.Sh '):
            section = line[4:].strip()
        elif line.startswith('.Bd -literal'):
            block = []
        elif line.startswith('.Ed') and block is not None:
            if section == 'EXAMPLES':
                blocks.append(block)
            block = None
        elif block is not None and not line.startswith('.\\"'):
            for escape, character in (('\\&', ''), ('\\e', '\\'), ('\\(dq', '"'), ('\\(aq', "'"), ('\\-', '-'), ('\\(ti', '~'), ('\\(ha', '^')):
                line = line.replace(escape, character)
            block.append(line)
    return blocks


def blocks_of_markdown(text):
    return [b.split('\n')[:-1] for b in re.findall(r'^```[a-z]*\n(.*?)^```', text, re.M | re.S)]


def examples(block):
    """Pairs of a command and the lines it should print."""
    found = []
    for line in block:
        if found and found[-1][0].endswith('\\') and not found[-1][1]:
            found[-1][0] += '\n' + line
        elif line.startswith('$ '):
            found.append([line[2:], []])
        elif found:
            found[-1][1].append(line)
    return found


def main():
    path = sys.argv[1]
    text = open(path, encoding='utf-8').read()
    blocks = blocks_of_markdown(text) if path.endswith('.md') else blocks_of_page(text)
    number, wrong = 0, 0
    for command, lines in (e for block in blocks for e in examples(block)):
        number += 1
        done = subprocess.run(['bash', '-c', command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60)
        printed = done.stdout.decode('utf-8', 'replace')
        expected = ''.join(line + '\n' for line in lines)
        if printed == expected:
            print('ok %d %s' % (number, command.replace('\n', ' ')))
            continue
        wrong += 1
        print('not ok %d %s' % (number, command.replace('\n', ' ')))
        print('# in %s; expected:\n%s# printed:\n%s' % (path, expected, printed), end='')
    if not number:
        print('%s: no example' % path)
    return 1 if wrong else 0 if number else 2


sys.exit(main())
