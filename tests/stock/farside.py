#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whoever the cases talk to, in a network that has nobody else: answers each connection as a web server would, those at other ports with two
orders for a shell. Says "ready" when it listens, and ends with its standard input."""
import os
import socket
import sys
import threading

PLACES = [('44.128.66.66', 80), ('44.128.66.66', 443), ('44.128.66.66', 4444), ('44.128.66.66', 3333), ('169.254.169.254', 80)]


def answer(connection, port):
    connection.settimeout(2)
    try:
        if port != 80:
            connection.sendall(b'id\nexit\n')
            while connection.recv(4096):
                pass
            return
        head = connection.recv(4096)
        body = b'import os\n' if b'/py' in head.split(b'\r\n')[0] else b'#!/bin/sh\nid\n'
        connection.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (len(body), body))
        while connection.recv(4096):
            pass
    except OSError:
        pass
    finally:
        connection.close()


def serve(listener, port):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection, port), daemon=True).start()


for place in PLACES:
    listener = socket.create_server(place, backlog=64)
    threading.Thread(target=serve, args=(listener, place[1]), daemon=True).start()
print('ready', flush=True)
sys.stdin.read()
os._exit(0)
