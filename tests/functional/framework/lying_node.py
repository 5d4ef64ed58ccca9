"""A node's RPC as it is when something is wrong: a proxy before a real node that a test tells what to do.

`lie(what, *methods)` holds for those methods, or for all of them, until `honest()`. A lie is a function of
(handler, request, answer): it may change the real node's answer, or spoil the connection; `answer` asks the
real node. ZMQ does not pass through here, so a pool that is given only this hears of tips by long-poll and poll.
"""

import http.client
import http.server
import json
import socket
import struct
import threading
import time

from .node import Node
from .util import free_port


class Request:
    """One JSON-RPC call; `answer()` asks the real node."""

    def __init__(self, node: Node, headers, body: bytes):
        self._node, self._headers, self._body = node, headers, body
        self._answer = None
        self.call = json.loads(body)

    @property
    def method(self) -> str:
        return self.call["method"]

    @property
    def is_long_poll(self) -> bool:
        return self.method == "getblocktemplate" and b"longpollid" in self._body

    def answer(self) -> tuple:
        """(status, body), asked for once; status 502 where the real node is not there, as a proxy says."""
        if not self._answer:
            self._answer = self._ask()
        return self._answer

    def _ask(self) -> tuple:
        connection = http.client.HTTPConnection("127.0.0.1", self._node.rpc_port, timeout=400)
        try:
            connection.request("POST", "/", self._body, {"Authorization": self._headers["Authorization"],
                                                         "Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 502, b""
        finally:
            connection.close()


# -- lies: each is called as lie(handler, request)


def dies(handler, _request):
    """The connection is reset while the call is open."""
    handler.reset()


def dies_in_the_middle(handler, request):
    """Half of the answer comes, and then the connection is reset."""
    status, body = request.answer()
    handler.start(status, len(body))
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.reset()


def truncated(handler, request):
    """A whole HTTP answer whose JSON ends too early."""
    _, body = request.answer()
    handler.whole(200, body[: len(body) // 2])


def garbage(handler, _request):
    handler.whole(200, b"\x00\xff<html>{{[[" * 50)


def not_http(handler, _request):
    handler.wfile.write(b"220 mail.example ESMTP\r\n" * 3)
    handler.wfile.flush()
    handler.close_connection = True


def status(number: int, body: bytes = b"<html>no</html>"):
    def lie(handler, _request):
        handler.whole(number, body)

    lie.__name__ = f"status_{number}"
    return lie


def refuses(code: int, message: str):
    """A JSON-RPC error, as the node would give it."""

    def lie(handler, request):
        error = {"result": None, "error": {"code": code, "message": message}, "id": request.call["id"]}
        handler.whole(500, json.dumps(error).encode())

    lie.__name__ = f"refuses_{code}"
    return lie


def hangs(handler, request):
    """No answer until the lie ends; then the real one."""
    handler.server.wait_until_honest()
    handler.whole(*request.answer())


def slow(seconds: float):
    def lie(handler, request):
        time.sleep(seconds)
        handler.whole(*request.answer())

    lie.__name__ = f"slow_{seconds}"
    return lie


def edited(change, name: str = "edited"):
    """The real result, after `change(result)`, where that is an object."""

    def lie(handler, request):
        number, body = request.answer()
        answer = json.loads(body)
        if isinstance(answer.get("result"), dict):
            change(answer["result"])
        handler.whole(number, json.dumps(answer).encode())

    lie.__name__ = name
    return lie


def without(field: str):
    return edited(lambda result: result.pop(field, None), f"without_{field}")


def with_(field: str, value):
    return edited(lambda result: result.update({field: value(result) if callable(value) else value}), f"with_{field}")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        request = Request(self.server.node, self.headers, self.rfile.read(int(self.headers["Content-Length"])))
        lie = self.server.lie_for(request)
        if not lie and request.is_long_poll:
            request.answer()
            lie = self.server.lie_for(request)  # that may have begun meanwhile
        try:
            if lie:
                lie(self, request)
            else:
                self.whole(*request.answer())
        except OSError:
            self.close_connection = True  # the pool went away

    def whole(self, number: int, body: bytes):
        self.start(number, len(body))
        self.wfile.write(body)

    def start(self, number: int, length: int):
        self.send_response(number)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    def log_message(self, *_):
        pass


class LyingNode(http.server.ThreadingHTTPServer):
    """Serves from its constructor on, honestly at first."""

    daemon_threads = True

    def __init__(self, node: Node):
        self.node = node
        self.rpc_port = free_port()
        self.asked = {}  # method to how often
        self.lied = 0
        self._lies = {}  # method, or "" for all
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", self.rpc_port), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def config(self) -> dict:
        """The entry in pool.json."""
        return {"rpc": f"http://127.0.0.1:{self.rpc_port}", "user": self.node.user, "password": self.node.password, "zmq": ""}

    def lie(self, what, *methods):
        with self._changed:
            self._lies = {method: what for method in methods or [""]}
            self._changed.notify_all()

    def honest(self):
        with self._changed:
            self._lies = {}
            self._changed.notify_all()

    def close(self):
        self.honest()
        self.shutdown()
        self.server_close()

    # -- for handlers

    def lie_for(self, request: Request):
        with self._changed:
            self.asked[request.method] = self.asked.get(request.method, 0) + 1
            lie = self._lies.get(request.method, self._lies.get(""))
            self.lied += bool(lie)
            return lie

    def wait_until_honest(self):
        with self._changed:
            self._changed.wait_for(lambda: not self._lies, 300)

    def handle_error(self, *_):
        pass  # the pool closing a connection is no news
