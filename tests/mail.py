#!/usr/bin/env python3
"""What is in a mail, as those who get it see it.

usage: mail.py FILE HEADER             prints a header, decoded
       mail.py FILE part NUMBER        prints the body of a part, decoded, byte by byte
       mail.py FILE parts              prints for each part its type, charset, coding and file name
       mail.py FILE headers            prints the names of the headers
"""
import email
import email.policy
import sys

mail = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
parts = [p for p in mail.walk() if not p.is_multipart()]
if sys.argv[2] == 'part':
    sys.stdout.buffer.write(parts[int(sys.argv[3])].get_payload(decode=True))
elif sys.argv[2] == 'parts':
    for p in parts:
        print(p.get_content_type(), p.get_content_charset(), p['Content-Transfer-Encoding'], p.get_filename())
elif sys.argv[2] == 'headers':
    print(' '.join(mail.keys()))
else:
    print(mail[sys.argv[2]])
