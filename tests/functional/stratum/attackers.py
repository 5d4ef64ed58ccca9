"""Peers that a pool must survive, each kind in a process of its own so that it takes no time from who measures.

They come through the PROXY listener, each kind with an address of its own, since a pool does not limit loopback.

usage: attackers.py KIND PORT SECONDS ADDRESS    prints how much it did when its time is over
"""

import os
import random
import select
import socket
import sys
import time

USER = os.environ.get("ATTACK_USER", "nobody")
LOGIN = ('{"id":1,"method":"mining.subscribe","params":["attacker/1.0"]}\n'
         f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}\n').encode()
PING = b'{"id":7,"method":"mining.ping","params":[]}\n'


def connect(port: int, address: str, buffer: int = 0) -> socket.socket:
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(5)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"PROXY TCP4 {address} 127.0.0.1 40000 3333\r\n".encode())
    return connection


def silent(port, until, address):
    """Hundreds of connections that say nothing."""
    held = [connect(port, address) for _ in range(400)]
    time.sleep(max(0.0, until - time.monotonic()))
    return f"{len(held)} connections"


def slow_readers(port, until, address):
    """Hundreds that log in, ask without end, and never read an answer."""
    held, asked = [], 0
    for _ in range(200):
        connection = connect(port, address, buffer=4096)
        connection.sendall(LOGIN)
        connection.setblocking(False)
        held.append(connection)
    while time.monotonic() < until:
        for connection in held:
            try:
                asked += connection.send(PING * 50) // len(PING)
            except OSError:
                pass  # its buffers are full, or the pool has dropped it
        time.sleep(0.01)  # 1 MB/s from all of them is plenty
    return f"{len(held)} connections, {asked} questions"


def connects(port, until, address):
    """Connects and goes, as fast as it can."""
    count = 0
    while time.monotonic() < until:
        try:
            connection = connect(port, address)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # no TIME_WAIT here
            connection.close()
            count += 1
        except OSError:
            time.sleep(0.001)
    return f"{count} connections"


def garbage(port, until, address):
    """Bytes of no protocol, bad JSON, and lines without end; reconnects when it is thrown out."""
    choice, count, sent = random.Random(1), 0, 0
    while time.monotonic() < until:
        kind = count % 4
        data = (choice.randbytes(20_000), b"{not json}\n" * 2000, b"{" + b"A" * 200_000, b'{"id":1,"method":"mining.submit","params":' + b"[" * 5000 + b"\n")[kind]
        count += 1
        try:
            with connect(port, address) as connection:
                for _ in range(5):
                    connection.sendall(data)
                    sent += len(data)
        except OSError:
            time.sleep(0.0005)
    return f"{count} connections, {sent >> 20} MB"


def pings(port, until, address):
    """Valid requests as fast as the pool takes them, every answer read."""
    connection, answers = connect(port, address), 0
    connection.sendall(LOGIN)
    connection.setblocking(False)
    waiting = b""
    while time.monotonic() < until:
        readable, writable, _ = select.select([connection], [connection], [], 0.1)
        if readable:
            try:
                answers += connection.recv(1 << 16).count(b'"pong"')
            except BlockingIOError:
                pass
        if writable:
            waiting = waiting or PING * 400
            try:
                waiting = waiting[connection.send(waiting):]
            except BlockingIOError:
                pass
    return f"{answers} answers"


KINDS = {one.__name__: one for one in (silent, slow_readers, connects, garbage, pings)}


def main(kind: str, port: str, seconds: str, address: str):
    os.nice(5)  # what is measured is the pool's fairness, not the kernel's between processes
    print(KINDS[kind](int(port), time.monotonic() + float(seconds), address), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
