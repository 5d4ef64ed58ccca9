"""A node's ZMQ publisher, as the tests need it: it says what a test tells it to say."""

import struct

import zmq

from .util import free_port, wait_until

TOPICS = {b"hashblock", b"rawblock", b"sequence"}


class Publisher:
    """A PUB socket with the three frames of Bitcoin Core: topic, body, count of the topic's messages."""

    def __init__(self):
        self.endpoint = f"tcp://127.0.0.1:{free_port()}"
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)  # a PUB socket that hears of subscriptions
        self._socket.linger = 0
        self._socket.bind(self.endpoint)
        self._subscribed = set()
        self._counts = dict.fromkeys(TOPICS, 0)

    def close(self):
        self._socket.close()
        self._context.term()

    def wait_for_subscriber(self):
        wait_until(self._has_all, 20, "the pool to subscribe")

    def _has_all(self) -> bool:
        while self._socket.poll(0):
            self._subscribed.add(self._socket.recv()[1:])
        return self._subscribed == TOPICS

    def hashblock(self, block_hash: str):
        self._send(b"hashblock", bytes.fromhex(block_hash))

    def rawblock(self, block: bytes):
        self._send(b"rawblock", block)

    def sequence(self, block_hash: str, what: str = "C"):
        self._send(b"sequence", bytes.fromhex(block_hash) + what.encode())

    def _send(self, topic: bytes, body: bytes):
        self._socket.send_multipart([topic, body, struct.pack("<I", self._counts[topic])])
        self._counts[topic] += 1
