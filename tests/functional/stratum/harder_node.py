"""The real node, with a harder network: its RPC passed on, and the target in its templates replaced.

On regtest half of all hashes are blocks, and a pool asks for no share that is harder than a block. Behind this a pool
sees the network difficulty of 2^48, so that every difficulty a miner may ask for can be in force, while at the easiest
one every hash is a share and none is a block."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NBITS = "1700ffff"  # difficulty 2^48: 0xffff << 8 * (0x17 - 3)


class HarderNode:
    def __init__(self, node):
        self._node = node
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._pass_on(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def config(self) -> dict:
        return {**self._node.config(), "rpc": f"http://127.0.0.1:{self._server.server_port}"}

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _pass_on(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        node = http.client.HTTPConnection("127.0.0.1", self._node.rpc_port, timeout=120)
        try:
            node.request("POST", "/", body, {name: request.headers[name] for name in ("Authorization", "Content-Type") if request.headers[name]})
            response = node.getresponse()
            status, answer = response.status, harder(response.read())
        except OSError:
            status, answer = 503, b""
        finally:
            node.close()
        try:
            request.send_response(status)
            request.send_header("Content-Length", str(len(answer)))
            request.send_header("Content-Type", "application/json")
            request.end_headers()
            request.wfile.write(answer)
        except OSError:
            pass  # the pool did not wait


def harder(answer: bytes) -> bytes:
    """The same answer, its template's bits and target replaced."""
    try:
        message = json.loads(answer)
    except ValueError:
        return answer
    result = message.get("result")
    if not isinstance(result, dict) or "previousblockhash" not in result:
        return answer
    result["bits"] = NBITS
    result["target"] = f"{0xFFFF << 8 * (int(NBITS[:2], 16) - 3):064x}"
    return json.dumps(message).encode()
