"""What may stand between a miner and its pool: a relay that can be cut, and a SOCKS5 proxy that knows every name."""

import contextlib
import socket
import struct
import threading


def _end(one: socket.socket):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


class Relay:
    """Passes connections on to a port of this machine, from open() to cut()."""

    def __init__(self, port: int, to_port: int):
        self.port, self.to_port = port, to_port
        self.connections = 0
        self._listener = None
        self._sockets = []

    def open(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def cut(self):
        """Ends every connection, and nobody is there any more."""
        if self._listener:
            _end(self._listener)
            self._listener.close()
            self._listener = None
        for one in self._sockets:
            _end(one)
        self._sockets.clear()

    close = cut

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        with contextlib.suppress(OSError):
            far = self._meet(near)
            if far is None:
                return near.close()
            self.connections += 1
            self._sockets += [near, far]
            threading.Thread(target=self._pump, args=(far, near), daemon=True).start()
            self._pump(near, far)
        return None

    def _meet(self, near):  # pylint: disable=unused-argument
        return socket.create_connection(("127.0.0.1", self.to_port), 20)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        _end(source)
        _end(sink)


class SocksProxy(Relay):
    """RFC 1928 with a login by RFC 1929, which it insists on. Every name is this machine's."""

    def __init__(self, port: int, username: str, password: str):
        super().__init__(port, 0)
        self.login = (username.encode(), password.encode())
        self.asked_for = []

    def _meet(self, near):
        stream = near.makefile("rwb", buffering=0)
        _, methods = stream.read(2)
        if b"\x02" not in stream.read(methods):
            stream.write(b"\x05\xff")
            return None
        stream.write(b"\x05\x02")
        username = stream.read(stream.read(2)[1])
        password = stream.read(stream.read(1)[0])
        if (username, password) != self.login:
            stream.write(b"\x01\x01")
            return None
        stream.write(b"\x01\x00")
        kind = stream.read(4)[3]
        host = stream.read(stream.read(1)[0]) if kind == 3 else stream.read(4 if kind == 1 else 16)
        port = struct.unpack(">H", stream.read(2))[0]
        self.asked_for.append(host.decode() if kind == 3 else host)
        far = socket.create_connection(("127.0.0.1", port), 20)
        stream.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return far
