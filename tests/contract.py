#!/usr/bin/env python3
"""What every command has to keep (imq-filter(7)), tried on all that are built.

usage: contract.py CHECK [COMMAND...]   runs one of the functions check_CHECK below on the commands of $IMQ_BIN, by default on all that it
                                        concerns; prints what fails and exits 1

A command that does not run without arguments needs a row in ARGUMENTS, or in NOT_RUN with the reason.
"""
import json
import os
import random
import re
import resource
import select
import shlex
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get('IMQ_BIN') or os.path.join(ROOT, 'bin')
MEMORY = 96 << 20  # bytes resident, whatever comes in
LONG = 100 << 20   # bytes of the longest line

# The least arguments with which a command runs, and what has to be made first in its folder (a line of shell, $TESTS being
# the folder of the tests).
ARGUMENTS = {
    'imq-asn-lookup': ('--database nets.mmdb', 'echo "{}" | python3 "$TESTS/mmdb.py" nets.mmdb GeoLite2-ASN'),
    'imq-do-portal': ('--portal-url http://localhost:1 --portal-api-key key --http-timeout-max-tries 1', ''),
    'imq-domain-suffix': ('--field fqdn --suffix-file suffixes', 'echo com > suffixes'),
    'imq-domain-valid': ('--tlds-domains-list tlds', 'echo COM > tlds'),
    'imq-field-reducer': ('--type blacklist --keys comment', ''),
    'imq-filter': ('--filter-key comment --filter-value x --filter-action drop', ''),
    'imq-generic-db-lookup': ('--engine sqlite --database db --table t --match-fields \'{"source.asn":"asn"}\''
                              ' --replace-fields \'{"contact":"source.abuse_contact"}\'',
                              'sqlite3 db "create table t (asn integer, contact text)"'),
    'imq-maxmind-geoip': ('--database nets.mmdb', 'echo "{}" | python3 "$TESTS/mmdb.py" nets.mmdb GeoLite2-City'),
    'imq-misp': ('--misp-url http://localhost:1 --misp-key key --http-timeout-max-tries 1', ''),
    'imq-modify': ('--configuration-path rules', 'echo "[]" > rules'),
    'imq-parse': ('openphish', ''),
    'imq-rdap': ('--offline --http-timeout-max-tries 1', ''),
    'imq-recordedfuture-iprisk': ('--database risks', 'echo Name,Risk > risks'),
    'imq-ripe': ('--no-query-ripe-db-asn --no-query-ripe-stat-asn --no-query-ripe-db-ip --no-query-ripe-stat-ip --no-query-ripe-stat-geolocation', ''),
    'imq-sieve': ('--file rules', 'echo "if :exists source.asn { keep }" > rules'),
    'imq-to-file': ('--file out', ''),
    'imq-to-files': ('--dir out --tmp tmp', ''),
    'imq-to-smtp-batch': ('--state file', ''),
    'imq-to-sql': ('--database db --create-schema', ''),
    'imq-to-touch': ('--path file', 'touch file'),
    'imq-tor-nodes': ('--database nodes', 'echo 192.0.2.1 > nodes'),
    'imq-trusted-introducer-lookup': ('--directory teams', 'echo "[]" > teams'),
    'imq-tuency': ('--url http://localhost:1 --authentication-token token', ''),
}
NOT_RUN = {
    'imq-to-udp': 'nobody listens, which it tells',
    'imq-to-elasticsearch': 'needs a server',
    'imq-to-amqp': 'needs a server',
    'imq-to-kafka': 'needs a server',
    'imq-to-redis': 'needs a server',
    'imq-to-restapi': 'needs a server',
    'imq-to-smtp': 'needs a server',
    'imq-to-tcp': 'needs a server',
    'imq-splunk-saved-search': 'asks a server about every event, and says so where there is none',
    'imq-uwhoisd': 'asks a server about every event, and says so where there is none',
}


class Wrong(Exception):
    pass


def wrong_unless(condition, message, *more):
    if not condition:
        raise Wrong(message % more if more else message)


class Command:
    def __init__(self, name):
        self.name, self.path = name, os.path.join(BIN, name)
        self.what = json.loads(subprocess.run([self.path, '--describe'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                              check=True).stdout)
        self.kind = self.what['kind']

    def prepare(self):
        arguments, before = ARGUMENTS.get(self.name, ('', ''))
        if before:
            subprocess.run(['sh', '-c', before], check=True, env=dict(os.environ, TESTS=os.path.join(ROOT, 'tests')))
        return [self.path, '--stats'] + shlex.split(arguments)

    def start(self, **streams):
        return subprocess.Popen(self.prepare(), **{'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **streams})

    def run(self, data, **streams):
        p = self.start(**streams)
        out, err = p.communicate(data, timeout=120)
        wrong_unless(p.returncode != 2, 'it exits with 2: it may need a row in ARGUMENTS of %s: %s', sys.argv[0], err[:300])
        return p.returncode, out, err

    def is_sanitized(self):
        with open(self.path, 'rb') as f:
            return b'__asan_init' in f.read()


def counts(err):
    """The last line of stderr, which --stats has printed; what it says must add up."""
    c = json.loads(err.decode('utf-8', 'replace').strip().split('\n')[-1])
    wrong_unless(c['in'] + c['created'] == c['out'] + c['dropped'] + c['merged'] + c['rejected'] + c['pending'],
                 'the counts do not add up: %s', c)
    return c


def answer(command, *arguments):
    p = subprocess.run([command.path] + list(arguments), stdin=subprocess.DEVNULL, capture_output=True)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def check_answers(command):
    name = command.name
    for option in '--help', '-h', '--version', '-V', '--describe':
        status, out, err = answer(command, option)
        wrong_unless(status == 0 and out and not err, '%s: status %d, stdout %r, stderr %r', option, status, out[:80], err[:80])
        with open('/dev/full', 'wb') as full:
            status = subprocess.run([command.path, option], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.DEVNULL).returncode
        wrong_unless(status == 4, '%s > /dev/full: status %d', option, status)
    lines = answer(command, '--help')[1].split('\n')
    wrong_unless(lines[0].startswith('usage: %s ' % name), 'begins its help with %r', lines[0])
    wrong_unless(lines[1] == '%s: %s' % (name, command.what['summary']), 'its help says %r', lines[1])
    wrong_unless(answer(command, '--version')[1] == '%s %s\n' % (name, command.what['version']), '--version')
    for option in '--no-such-option', '-%':
        status, out, err = answer(command, option)
        wrong_unless(status == 2 and not out and err.startswith(name + ': '), '%s: status %d, stdout %r, stderr %r', option, status, out, err)


FIXED = {'--help', '--version', '--describe', '--config'}


def check_options(command):
    described = {p['option']: p for p in command.what['parameters']}
    helped = {m[2]: m[1] for m in re.finditer(r'^  (?:-(.), |    )(--[a-z0-9-]+)', answer(command, '--help')[1], re.M)}
    wrong_unless(set(helped) == set(described) | FIXED, 'help and description differ: %s', sorted(set(helped) ^ (set(described) | FIXED)))
    for option, row in described.items():
        wrong_unless(helped[option] == row.get('letter'), '%s: the letter differs', option)
        wrong_unless(row['help'] and row['type'] and row['name'] == row['name'].replace('-', '_'), '%s: is described badly', option)


def check_page(command):
    path = os.path.join(ROOT, 'man/man1', command.name + '.1')
    wrong_unless(os.path.exists(path), 'has no page man/man1/%s.1', command.name)
    wrong_unless(os.path.exists(os.path.join(ROOT, 'tests', command.name + '.bats')), 'has no tests/%s.bats', command.name)
    page = open(path, encoding='utf-8').read()
    for section in 'NAME', 'SYNOPSIS', 'DESCRIPTION', 'EXIT STATUS', 'EXAMPLES', 'SEE ALSO':
        wrong_unless('\n.Sh %s\n' % section in page, 'its page has no %s', section)
    wrong_unless('\n.Nd %s\n' % command.what['summary'] in page, 'its page has another summary than "%s"', command.what['summary'])
    options = ''.join(re.findall(r'^\.Sh OPTIONS\n(.*?)^\.Sh ', page, re.M | re.S))
    documented = {}
    for line in re.findall(r'^\.It (Fl .*)', options, re.M):
        letter = None
        for word in re.findall(r'(?:^|Fl |, )-?(\S+)', line.replace('Fl ', '')):
            if len(word) == 1:
                letter = word
            elif re.match(r'[a-z0-9-]+$', word):
                documented['--' + re.sub('^no-', '', word)] = letter
    own = {p['option']: p.get('letter') for p in command.what['parameters'] if not p.get('common')}
    missing, invented = set(own) - set(documented), set(documented) - set(own) - FIXED - {p['option'] for p in command.what['parameters']}
    wrong_unless(not missing, 'its page misses %s', sorted(missing))
    wrong_unless(not invented, 'its page has %s, which the command has not', sorted(invented))
    for option, letter in own.items():
        wrong_unless(letter == documented[option], '%s: the page gives it the letter %s instead of %s', option, documented[option], letter)


def event(n):
    return b'{"source.asn":%d,"comment":"event %d"}\n' % (64496 + n % 16, n)


def events(count):
    return b''.join(event(n) for n in range(count))


def check_empty(command):
    status, out, err = command.run(b'')
    wrong_unless(status == 0 and not out, 'status %d, stdout %r', status, out[:80])
    c = counts(err)
    wrong_unless(not any(c[k] for k in ('in', 'created', 'out', 'rejected')), 'counts something: %s', c)


def read_barrier(p):
    """What P prints up to and with the next empty line."""
    got = b''
    while not (got == b'\n' or got.endswith(b'\n\n')):
        ready, _, _ = select.select([p.stdout], [], [], 20)
        wrong_unless(ready, 'no barrier came out within 20 seconds, only %r', got[-200:])
        more = os.read(p.stdout.fileno(), 65536)
        if not more:
            raise Wrong('it ended before the barrier came out: %r' % p.stderr.read()[-300:])
        got += more
    return got


def send(p, data):
    p.stdin.write(data)
    p.stdin.flush()


def finish(p):
    p.stdin.close()
    out, err = p.stdout.read(), p.stderr.read()
    return p.wait(timeout=60), out, err


def check_barrier(command):
    p = command.start()
    written = 0
    for batch in range(3):
        send(p, events(20) + b'\n')
        written += len(read_barrier(p).split(b'\n')) - 2
    send(p, b'\n')
    wrong_unless(read_barrier(p) == b'\n', 'an empty batch has something in it')
    status, out, err = finish(p)
    c = counts(err)
    wrong_unless(status == 0, 'status %d: %r', status, err[-300:])
    wrong_unless(c['in'] == 60 and not c['rejected'], 'counts %s', c)
    if command.kind == 'filter':
        wrong_unless(written + len(out.splitlines()) == c['out'], '%d lines, but it counts %s', written, c)


def check_full(command):
    with open('/dev/full', 'wb') as full:
        status, _, err = command.run(events(3) + b'\n', stdout=full)
    wrong_unless(status == 4, 'status %d', status)
    wrong_unless(b'stdout: No space left on device' in err, 'it says %r', err[:200])


def check_reader_gone(command):
    reading, writing = os.pipe()
    os.close(reading)
    status, _, err = command.run(events(3) + b'\n', stdout=writing)
    os.close(writing)
    wrong_unless(status == 0, 'status %d', status)
    wrong_unless(len(err.strip().split(b'\n')) == 1 and counts(err), 'is not quiet: %r', err[:200])


def check_term(command):
    p = command.start()
    send(p, events(10) + b'\n')
    read_barrier(p)
    p.send_signal(signal.SIGTERM)
    send(p, events(5) + b'\n')
    read_barrier(p)
    status, out, err = finish(p)
    wrong_unless(status == 0, 'status %d', status)
    wrong_unless(counts(err)['in'] == 15, 'it did not drain its input: %s', counts(err))


def hostile_lines():
    """Lines that no command may stumble over; of those that are events, none has a name or an address to look up."""
    yield from (b'{', b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'"', b'[', b'nul', b'{}{}', b'{} x', b'[1]', b'1', b'null', b'\t', b' {} ', b'\r', b'{}\r')
    yield b'{"extra.a":' + b'[' * 100000 + b']' * 100000 + b'}'
    yield b'{"extra":' + b'{"a":' * 100000 + b'1' + b'}' * 100001
    yield b'{"extra.a":' + b'[' * 100000
    yield b'\0' * 1000
    yield b'{"comment":"a\0b"}'
    yield b'{"comment":"a\\u0000b","\\u0000":"","extra.\\u0000":1}'
    yield b'{"comment":"\xff\xfe","\xc0\xaf":1}'
    yield b'{"comment":"\xed\xa0\x80"}'
    yield b'{"comment":"\\ud800"}'
    yield b'{"comment":"\\udc00\\ud800"}'
    yield b'{"comment":"\xf0\x9f\x98\x80\xe2\x80\xae\xcc\x88","extra.\xf0\x9f\x98\x80":1}'
    yield b'{"source.port":' + b'9' * 100000 + b'}'
    yield b'{"source.port":-1e999999999,"source.asn":0.0000001e-99999,"source.geolocation.latitude":1e400}'
    yield b'{"comment":"a","comment":"b"}'
    yield b'{"extra":{"a":1},"extra.a":2}'
    yield b'{"extra":"{\\"a\\":[1,{}]}","extra.":1,"":2,".":3}'
    yield b'{' + b','.join(b'"extra.k%d":%d' % (i, i) for i in range(20000)) + b'}'
    yield b'{"comment":"' + b'\\u00e4' * 100000 + b'"}'
    yield b'{"__type":"Report","raw":"////"}'
    yield b'{"__type":["Event"],"__path":[[],{},null,"x"]}'
    yield b'{"__path":"elsewhere","comment":1}'
    names = [line.split('\t')[0].encode() for line in open(os.path.join(ROOT, 'share/fields.tsv')) if re.match(r'[a-z]', line)]
    for value in (b'null', b'""', b'[]', b'{}', b'[[[]]]', b'true', b'-0', b'1e308', b'"\\u0000"', b'"\\ud83d\\ude00"', b'["a",null,1]',
                  b'"%s%n\\\\../../\'\\";$(x)`"', b'{"a":{"b":[1]}}', b'"' + b'9' * 5000 + b'"', b'"-"', b'"http://["', b'"::ffff:g"', b'"x@"'):
        yield b'{' + b','.join(b'"%s":%s' % (name, value) for name in names if b'extra' not in name) + b'}'
    dice = random.Random(7)
    for _ in range(200):
        yield bytes(dice.randrange(1, 256) for _ in range(dice.randrange(1, 300))).replace(b'\n', b'?')
    whole = b'{"source.asn":64496,"comment":"caf\xc3\xa9 \\u20ac \\\\","extra":{"a":[1,2.5e3,{"b":null}]},"time.source":"2026-01-01T00:00:00+00:00"}'
    for cut in range(1, len(whole)):
        yield whole[:cut]
    for _ in range(200):
        at = dice.randrange(len(whole))
        yield whole[:at] + bytes([dice.randrange(11, 256)]) + whole[at + 1:]


def write_hostile(path):
    """Returns how many lines it has written."""
    lines = list(hostile_lines())
    with open(path, 'wb') as f:
        f.write(b'\n'.join(lines) + b'\n')
        for beginning in b'{"comment":"', b'x':
            f.write(beginning)
            for _ in range(LONG // 2 >> 20):
                f.write(b'a' * (1 << 20))
            f.write(b'\n')
        f.write(b'{}\n{"comment":"the last line')
    return len(lines) + 4


hostile = []  # the number of lines of the file, once it is written


def check_hostile(command):
    path = os.path.join(os.path.dirname(os.getcwd()), 'hostile')
    if not hostile:
        hostile.append(write_hostile(path))
    lines = hostile[0]
    with open(path, 'rb') as data, open('err', 'wb') as err, open('/dev/null', 'wb') as null:
        p = subprocess.Popen(command.prepare() + ['--rejects', 'rejects'], stdin=data, stdout=null, stderr=err)
        _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    said = open('err', 'rb').read()
    wrong_unless(p.returncode == 3, 'status %d: %r', p.returncode, said[-2000:])
    c = counts(said)
    wrong_unless(command.kind == 'parser' or c['in'] == lines, '%d lines, but it counts %s', lines, c)
    rejects = [json.loads(line) for line in open('rejects', 'rb')]
    wrong_unless(len(rejects) == c['rejected'], '%d rejects are kept, but it counts %s', len(rejects), c)
    wrong_unless(not re.search(rb'[\0-\x08\x0b-\x1f\x7f]', said), 'control characters on stderr')
    if not command.is_sanitized():
        wrong_unless(usage.ru_maxrss * 1024 < MEMORY, 'took %d KiB of memory', usage.ru_maxrss)


# Which kinds a check is about.
STREAMS = ('filter', 'sink')
KINDS = {'empty': STREAMS + ('parser',), 'barrier': STREAMS, 'full': STREAMS, 'reader_gone': STREAMS, 'term': STREAMS,
         'hostile': STREAMS + ('parser',)}


def main():
    check, names = sys.argv[1], sys.argv[2:] or sorted(os.listdir(BIN))
    function, kinds = globals()['check_' + check], KINDS.get(check)
    tried = failed = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get('BATS_TEST_TMPDIR')) as folder:
        for name in names:
            os.makedirs(os.path.join(folder, name))
            os.chdir(os.path.join(folder, name))
            try:
                command = Command(name)
                if kinds and (command.kind not in kinds or name in NOT_RUN):
                    continue
                tried += 1
                function(command)
            except (Wrong, ValueError, KeyError, OSError, subprocess.SubprocessError) as e:
                failed += 1
                print('%s: %s: %s' % (name, check, e))
        os.chdir('/')
    print('%d commands, %d wrong' % (tried, failed))
    return 1 if failed or not tried else 0


sys.exit(main())
