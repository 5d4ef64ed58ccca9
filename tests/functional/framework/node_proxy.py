"""A node's RPC port as the pool sees it, through us: blocks that are sent to it can be held back.

Other requests and their answers pass unchanged, but for long-polls, which never get an answer: bitcoind does not notice
that whoever asked is gone, and after a few killed pools all its threads would wait for a new tip.
"""

import http.client
import http.server
import json
import threading
from urllib.parse import urlsplit


class NodeProxy:
    """`mode` is what happens to submitblock: "pass"; "hold": it never gets an answer, and the node never gets the block;
    "cut": its connection ends; "cut first": so do the first two (the pool sends a block over once more when
    a connection is lost before an answer), and the next passes. `submitted` counts those that came since `mode` was set."""

    def __init__(self, node):
        self.set_mode("pass")
        self._closed = threading.Event()
        upstream = urlsplit(node.url)
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = json.loads(body)
                if b"longpollid" in body:
                    proxy._closed.wait()
                    self.close_connection = True
                    return
                if request["method"] == "submitblock":
                    proxy.submitted += 1
                    mode = proxy.mode
                    if mode == "hold":
                        proxy._closed.wait()
                    if mode != "pass" and not (mode == "cut first" and proxy.submitted > 2):
                        self.close_connection = True
                        return
                connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=120)
                try:
                    headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]}
                    connection.request("POST", self.path, body, headers)
                    response = connection.getresponse()
                    answer = response.read()
                except (OSError, http.client.HTTPException):
                    self.close_connection = True
                    return
                finally:
                    connection.close()
                self.send_response(response.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # the pool was killed: its connections break
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def set_mode(self, mode: str):
        self.mode = mode
        self.submitted = 0

    def close(self):
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
