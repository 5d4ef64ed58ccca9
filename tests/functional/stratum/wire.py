"""A socket that speaks lines, byte for byte.

Nothing here knows Stratum's meaning; it keeps what the pool sent exactly as it was sent (`seen`), so that a
check can look at bytes, and counts time for nobody: every wait has a limit and ends with an AssertionError.
Thread: the check's own.
"""

import json
import socket
import time



class Silence(AssertionError):
    """Nothing came in time."""


class Closed(AssertionError):
    """The pool ended the connection."""


class Wire:
    patience = 10.0  # seconds that anything waits for what must come, on a busy machine

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.seen = []  # every line, raw, without its newline
        self._pending = b""
        self._ended = False

    # -- sending

    def send(self, data: bytes | str):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, number, method: str, *params):
        self.send(json.dumps({"id": number, "method": method, "params": list(params)}) + "\n")

    # -- receiving

    def line(self, timeout: float = 0) -> bytes:
        """The next line, raw. Silence or Closed when there is none."""
        deadline = time.monotonic() + (timeout or self.patience)
        while b"\n" not in self._pending:
            self._receive(deadline)
        line, self._pending = self._pending.split(b"\n", 1)
        self.seen.append(line)
        return line

    def message(self, timeout: float = 0) -> dict:
        return json.loads(self.line(timeout))

    def response_line(self, timeout: float = 0) -> bytes:
        """The next line that is a response: what the pool says by itself is passed over (and kept in `seen`)."""
        deadline = time.monotonic() + (timeout or self.patience)
        while True:
            line = self.line(max(0.001, deadline - time.monotonic()))
            if not json.loads(line).get("method"):
                return line

    def call(self, number, method: str, *params, timeout: float = 0) -> dict:
        """The whole response message to one request; it must be the next response."""
        self.request(number, method, *params)
        message = json.loads(self.response_line(timeout))
        assert message["id"] == number, f"asked {method} with id {number!r}, next response is {message}"
        return message

    def notification(self, method: str, timeout: float = 0) -> dict:
        """The next message with this method; others are passed over."""
        deadline = time.monotonic() + (timeout or self.patience)
        while True:
            message = self.message(max(0.001, deadline - time.monotonic()))
            if message.get("method") == method:
                return message

    def rest(self, timeout: float = 0) -> list:
        """All lines until the pool closes; Silence when it does not."""
        lines = []
        while True:
            try:
                lines.append(self.line(timeout))
            except Closed:
                return lines

    def raw(self, timeout: float = 0) -> bytes:
        """All bytes until the pool closes, lines or not; Silence when it does not."""
        deadline = time.monotonic() + (timeout or self.patience)
        try:
            while True:
                self._receive(deadline)
        except Closed:
            return self._pending

    def fence(self, number="fence") -> list:
        """Everything that came before the answer to a ping: what the pool had to say so far, without waiting
        for nothing to happen."""
        self.request(number, "mining.ping")
        before = []
        while True:
            line = self.line()
            if json.loads(line).get("id") == number:
                return before
            before.append(line)

    def one_read(self, most: int, timeout: float = 5.0) -> bytes:
        """What a single recv() gives."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(most)
        except TimeoutError:
            raise Silence(f"nothing within {timeout} s") from None

    def _receive(self, deadline: float):
        left = deadline - time.monotonic()
        if self._ended:
            raise Closed(f"closed after {self.last_words()}")
        if left <= 0:
            raise Silence(f"nothing in time; so far {self.last_words()}")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            raise Silence(f"nothing in time; so far {self.last_words()}") from None
        except OSError as error:
            self._ended = True
            raise Closed(f"{error}; so far {self.last_words()}") from None
        if not data:
            self._ended = True
            raise Closed(f"closed after {self.last_words()}")
        self._pending += data

    def last_words(self) -> str:
        return f"{[line[:300] for line in self.seen[-6:]]} and {self._pending[:200]!r}"

    # -- the end

    def is_open(self) -> bool:
        try:
            self.fence()
        except AssertionError:
            return False
        except OSError:
            return False
        return True

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def reset(self):
        """Ends with a RST, as a machine that lost power does once it is back."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
