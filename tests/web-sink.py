"""A server that takes what outputs post, for tests: keeps it in ./got, and answers as ./answer says.

web-sink.py PORT-FILE

Plain: ./got has a line for each POST: method, path, Content-Type, Authorization, body, separated by tabs. The answer has the status that is
the first line of ./answer (200 without it), and the other lines as headers.
Elasticsearch: /_bulk stores documents in ./documents, one a line: index, id, document. A document with "comment":"bad" is refused (400), one
with "comment":"busy" is told to come again (429) the first time. HEAD knows what is in ./names; PUT adds to it."""
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

busy = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b'', headers=()):
        self.send_response(status)
        for line in headers:
            self.send_header(*line.split(': ', 1))
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get('Content-Length') or 0))

    def do_GET(self):
        self.keep(b'')
        self.answer(200)

    def do_HEAD(self):
        names = open('names').read().split('\n') if os.path.exists('names') else []
        self.answer(200 if self.path in names else 404)

    def do_PUT(self):
        self.body()
        with open('names', 'a') as f:
            f.write(self.path + '\n')
        self.answer(200, b'{}')

    def keep(self, body):
        with open('got', 'ab') as f:
            f.write(b'\t'.join([self.command.encode(), self.path.encode(), self.headers.get('Content-Type', '-').encode(),
                                self.headers.get('Authorization', self.headers.get('X-Token', '-')).encode(), body]) + b'\n')

    def item(self, action, document):
        comment = document.get('comment')
        if comment == 'bad':
            return {'status': 400, 'error': {'type': 'mapper_parsing_exception', 'reason': 'failed to parse'}}
        if comment == 'busy' and len(busy) < 2:
            busy.add(len(busy))
            return {'status': 429, 'error': {'type': 'es_rejected_execution_exception', 'reason': 'queue is full'}}
        with open('documents', 'a') as f:
            f.write('%s %s %s\n' % (action['index']['_index'], action['index'].get('_id', '-'), json.dumps(document, ensure_ascii=False)))
        return {'_id': 'x', 'status': 201, 'result': 'created'}

    def do_POST(self):
        body = self.body()
        self.keep(body)
        lines = open('answer').read().rstrip('\n').split('\n') if os.path.exists('answer') else ['200']
        if lines[0] != '200' or self.path != '/_bulk':
            self.answer(int(lines[0]), b'said the server', lines[1:])
            return
        rows = [json.loads(line) for line in body.decode().rstrip('\n').split('\n')]
        items = [{'index': self.item(rows[i], rows[i + 1])} for i in range(0, len(rows), 2)]
        self.answer(200, json.dumps({'took': 1, 'errors': any('error' in i['index'] for i in items), 'items': items}).encode())


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
with open(sys.argv[1] + '.new', 'w') as f:
    f.write(str(server.server_port))
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
