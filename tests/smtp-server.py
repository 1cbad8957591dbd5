#!/usr/bin/env python3
"""A mail server that says what it is told to, for what a real one seldom does.

usage: smtp-server.py PORT-FILE

It listens on a free port of 127.0.0.1, which it writes to PORT-FILE, and takes every mail, which it appends to the file `mails`, each behind
a line `MAIL`. The file `said` gets every command with the number of its connection. The file `plan` says what it answers
instead of the usual: lines of a verb (CONNECT, EHLO, MAIL, RCPT, DATA, END for what follows a mail, ...) and the answer, each of which is
used once, or as often as it comes with a `*` before the verb. An answer `drop` closes the connection, \\r and \\n in one are what they are
in Python.
"""
import os
import socketserver
import sys

USUAL = {'CONNECT': '220 test', 'EHLO': '250 test', 'DATA': '354 go on', 'QUIT': '221 bye'}
connections = 0


def planned(verb):
    lines = open('plan').read().splitlines() if os.path.exists('plan') else []
    for i, line in enumerate(lines):
        word, _, answer = line.partition(' ')
        if word.lstrip('*') == verb:
            if not word.startswith('*'):
                with open('plan', 'w') as f:
                    f.writelines(x + '\n' for x in lines[:i] + lines[i + 1:])
            return answer
    return USUAL.get(verb, '250 fine')


class Dropped(Exception):
    pass


class Session(socketserver.StreamRequestHandler):
    def say(self, verb):
        answer = planned(verb)
        if answer == 'drop':
            raise Dropped
        self.wfile.write(answer.encode().decode('unicode_escape').encode('latin-1') + b'\r\n')
        return answer

    def take_mail(self):
        with open('mails', 'ab') as mails:
            mails.write(b'MAIL\n')
            for line in iter(self.rfile.readline, b'.\r\n'):
                if not line:
                    return
                mails.write(line)
        self.say('END')

    def handle(self):
        global connections
        connections += 1
        number = connections
        try:
            self.say('CONNECT')
            for line in iter(self.rfile.readline, b''):
                verb = line.split()[0].decode().upper()
                with open('said', 'ab') as said:
                    said.write(b'%d %s\n' % (number, line.strip()))
                answer = self.say(verb)
                if verb == 'DATA' and answer.startswith('354'):
                    self.take_mail()
                if verb == 'QUIT':
                    return
        except (Dropped, OSError):
            pass


socketserver.ThreadingTCPServer.daemon_threads = True
server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Session)
with open(sys.argv[1] + '.new', 'w') as port:
    port.write('%d\n' % server.server_address[1])
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
