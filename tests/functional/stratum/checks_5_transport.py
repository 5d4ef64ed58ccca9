"""Section 5.6: sockets. TLS on its own port and on the plain one, PROXY headers, many connections from one address, and
limits that hit the one who earns them."""

import os
import shutil
import signal
import socket
import ssl
import struct
import warnings

from .check import IPV6, OFF, PLAIN, PROXY, TLS, check, every
from .checks_1_auth_loop import PROBE
from .miners import subscribed
from .rig import USER, Rig, accepted
from .stage import PROXY_V2_SIGNATURE, client_tls, make_certificate
from .wire import Closed, Silence, Wire

HELLO = b'{"id":1,"method":"mining.subscribe","params":["suite/1.0"]}\n'


def is_served(wire: Wire):
    wire.send(HELLO)
    subscribed(wire.line(), "1")


def is_not_served(wire: Wire, data: bytes = HELLO):
    """Whatever it says, it gets no answer, and the end."""
    try:
        wire.send(data)
        said = wire.raw(5)
    except OSError:
        return
    except Silence:
        raise AssertionError("still open") from None
    assert b'"result"' not in said, said


def over_tls(stage, via: str, context: ssl.SSLContext) -> Wire:
    return stage.kept(Wire(context.wrap_socket(stage.socket(via, raw=True), server_hostname="localhost")))


# ---------------------------------------------------------------- TLS

@every("5.6", "TLS on its own port and on the plain one, by the first byte", [
    (f"{version.name} {via}", via, version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3) for via in (TLS, PLAIN)])
def tls_versions(stage, via, version):
    wire = over_tls(stage, via, client_tls(stage.world, version, version))
    assert wire.socket.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
    is_served(wire)


@check("5.6", "TLS 1.1 and older are refused")
def old_tls(stage):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = client_tls(stage.world, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        over_tls(stage, TLS, context)
    except (ssl.SSLError, OSError):
        return
    raise AssertionError("a handshake with TLS 1.1 went through")


@check("5.6", "no client certificate is asked for, and the chain sent is the configured one")
def tls_certificate(stage):
    wire = over_tls(stage, TLS, client_tls(stage.world))
    pem = ssl.DER_cert_to_PEM_cert(wire.socket.getpeercert(binary_form=True))
    assert pem.strip() == stage.world.certificate.read_text().strip()


@check("5.6", "a TLS stream cut into single bytes is put together again")
def tls_byte_by_byte(stage):
    context, incoming, outgoing = client_tls(stage.world), ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    raw = stage.socket(PLAIN, raw=True)

    def pump(action):
        while True:
            try:
                result, wants_more = action(), False
            except ssl.SSLWantReadError:
                result, wants_more = None, True
            for byte in outgoing.read():
                raw.sendall(bytes([byte]))
            if not wants_more:
                return result
            data = raw.recv(65536)
            assert data, "closed"
            incoming.write(data)

    pump(tls.do_handshake)
    pump(lambda: tls.write(HELLO))
    line = b""
    while not line.endswith(b"\n"):
        line += pump(lambda: tls.read(4096))
    subscribed(line.strip(), "1")
    raw.close()


@check("5.6", "plain words on the TLS port, and TLS on the port without it, get no answer")
def tls_only_and_off(stage):
    is_not_served(stage.kept(Wire(stage.socket(TLS, raw=True))))
    try:
        over_tls(stage, OFF, client_tls(stage.world))
    except (ssl.SSLError, OSError):
        pass
    else:
        raise AssertionError("TLS where it is off")
    is_served(stage.open(OFF))


@every("5.6", "a TLS handshake that is none ends the connection, and nothing else", [
    ("garbage", b"\x16\x03\x01\x02\x00" + b"\xaa" * 512), ("an alert", b"\x15\x03\x01\x00\x02\x02\x28"), ("SSL 2", b"\x80\x2e\x01\x00\x02" + bytes(41)),
    ("a record of length 0xffff", b"\x16\x03\x01\xff\xff" + bytes(100))])
def tls_garbage(stage, data):
    is_not_served(stage.kept(Wire(stage.socket(TLS, raw=True))), data + HELLO)
    is_served(stage.open(TLS))


@check("5.6", "shares over TLS: a miner works there as on the plain port")
def tls_mining(stage):
    rig = stage.rig(via=TLS).roll_versions().login()
    for bits in ("00002000", None, "10000000"):
        accepted(rig.submit(rig.find(bits=bits)))
    seen = len(rig.jobs)
    rig.wait_tip(stage.node.mine())
    assert len(rig.jobs) > seen


@check("5.6", "a new certificate is served after SIGHUP; connections that are there go on")
def tls_reload(stage):
    world, old_rig = stage.world, stage.rig(via=TLS).login()
    kept = [world.certificate.with_suffix(suffix + ".kept") for suffix in (".crt", ".key")]
    for path, copy in zip((world.certificate, world.key), kept):
        shutil.copy(path, copy)
    try:
        certificate, key = make_certificate(world.folder, "renewed")
        os.replace(key, world.key)
        os.replace(certificate, world.certificate)
        stage.pool.process.send(signal.SIGHUP)
        wanted = ssl.PEM_cert_to_DER_cert(world.certificate.read_text())

        def served():
            try:
                wire = over_tls(stage, TLS, client_tls(world))
            except ssl.SSLCertVerificationError:
                return False  # still the old one
            return wire.socket.getpeercert(binary_form=True) == wanted

        stage.wait_until(served, 10, "the new certificate")
        accepted(old_rig.submit(old_rig.find()))
    finally:
        for path, copy in zip((world.certificate, world.key), kept):
            os.replace(copy, path)
        stage.pool.process.send(signal.SIGHUP)


# ---------------------------------------------------------------- PROXY

def v2(command: int = 1, family: int = 0x11, body: bytes = socket.inet_aton("192.0.2.9") + socket.inet_aton("127.0.0.1") + struct.pack(">HH", 40000, 3333),
       tail: bytes = b"", version: int = 2) -> bytes:
    return PROXY_V2_SIGNATURE + bytes([version << 4 | command, family]) + struct.pack(">H", len(body) + len(tail)) + body + tail


SIX = socket.inet_pton(socket.AF_INET6, "2001:db8::9") + socket.inet_pton(socket.AF_INET6, "::1") + struct.pack(">HH", 40000, 3333)
HEADERS = [
    ("v1 TCP4", b"PROXY TCP4 192.0.2.9 127.0.0.1 40000 3333\r\n"), ("v1 TCP6", b"PROXY TCP6 2001:db8::9 ::1 40000 3333\r\n"), ("v1 UNKNOWN", b"PROXY UNKNOWN\r\n"),
    ("v1 UNKNOWN with more", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), ("v2 TCP4", v2()), ("v2 TCP6", v2(family=0x21, body=SIX)), ("v2 LOCAL", v2(command=0, family=0, body=b"")),
    ("v2 LOCAL with addresses", v2(command=0)), ("v2 with TLVs", v2(tail=b"\x04\x00\x04abcd" + b"\x20\x00\x02xy")), ("v2 unspecified", v2(family=0, body=b""))]
NO_HEADERS = [
    ("no header", b""), ("a word", b"PROXI TCP4 192.0.2.9 127.0.0.1 1 2\r\n"), ("no port", b"PROXY TCP4 192.0.2.9 127.0.0.1 40000\r\n"),
    ("a port of 65536", b"PROXY TCP4 192.0.2.9 127.0.0.1 65536 3333\r\n"), ("an address of 300", b"PROXY TCP4 192.0.2.300 127.0.0.1 1 2\r\n"),
    ("IPv6 as TCP4", b"PROXY TCP4 ::1 ::1 1 2\r\n"), ("without its CR", b"PROXY TCP4 192.0.2.9 127.0.0.1 1 2\n"), ("of 200 bytes", b"PROXY TCP4 " + b"1" * 200 + b"\r\n"),
    ("v2 of version 1", v2(version=1)), ("v2 too short for its family", v2(body=b"\1\2\3\4")), ("v2 of 64 KB", PROXY_V2_SIGNATURE + b"\x21\x11\xff\xff" + bytes(70_000)),
    ("v2 with an unknown command", v2(command=5)), ("two headers", b"PROXY TCP4 192.0.2.9 127.0.0.1 1 2\r\n" * 2)]


@every("5.6", "a PROXY header is read, and the miner behind it served", HEADERS)
def proxy_header(stage, header):
    wire = stage.kept(Wire(stage.socket(PROXY, raw=True)))
    wire.send(header + HELLO)
    subscribed(wire.line(), "1")


@every("5.6", "a PROXY header cut in two at every byte", [row for row in HEADERS if row[0] in ("v1 TCP4", "v2 TCP6", "v2 with TLVs")])
def proxy_header_cut(stage, header):
    data = header + HELLO
    wires = [stage.kept(Wire(stage.socket(PROXY, raw=True))) for _ in range(len(header) + 8)]
    for cut, wire in enumerate(wires, 1):
        wire.send(data[:cut])
    for cut, wire in enumerate(wires, 1):
        wire.send(data[cut:])
        subscribed(wire.line(), "1")


@every("5.6", "from a proxy, anything but a good header ends the connection", NO_HEADERS)
def no_proxy_header(stage, header):
    is_not_served(stage.kept(Wire(stage.socket(PROXY, raw=True))), header + HELLO)


@check("5.6", "the header is for the addresses of proxy_from alone: from others it is refused, and they are served without")
def proxy_from(stage):
    is_not_served(stage.kept(Wire(stage.socket(PROXY, raw=True, source="127.0.0.2"))), HEADERS[0][1] + HELLO)
    is_served(stage.kept(Wire(stage.socket(PROXY, raw=True, source="127.0.0.2"))))


@check("5.6", "TLS behind a PROXY header")
def tls_behind_proxy(stage):
    raw = stage.socket(PROXY, raw=True)
    raw.sendall(HEADERS[0][1])
    is_served(stage.kept(Wire(client_tls(stage.world).wrap_socket(raw, server_hostname="localhost"))))


# ---------------------------------------------------------------- limits by address

def refused_connection(wire: Wire) -> bool:
    """Whether the pool ends it at once; ended in any case, so that it counts for nothing more."""
    try:
        is_served(wire)
    except (Closed, OSError):
        return True
    finally:
        wire.close()
    return False


@check("5.6", "connections are limited by the address behind the proxy, not by the proxy's")
def limit_by_proxied_address(stage):
    strict = stage.variant("strict")
    ours = [strict.rig(via=PROXY, behind="198.51.100.1").login() for _ in range(20)]
    assert refused_connection(strict.rig(via=PROXY, behind="198.51.100.1")), "one more than connections_per_address"
    strict.rig(via=PROXY, behind="198.51.100.2").login()
    accepted(ours[0].submit(ours[0].find()))


@check("5.6", "handshakes that were not finished are limited by address; miners of it that are in go on")
def limit_of_handshakes(stage):
    strict = stage.variant("strict")
    inside = strict.rig(via=PROXY, behind="203.0.113.1").login()
    waiting = [strict.open(via=PROXY, behind="203.0.113.1") for _ in range(10)]
    stage.wait_until(lambda: refused_connection(strict.open(via=PROXY, behind="203.0.113.1")), 5, "a refusal")
    accepted(inside.submit(inside.find()))
    is_served(strict.open(via=PROXY, behind="203.0.113.2"))
    assert waiting


@check("5.6", "an address that keeps sending what is not Stratum is banned, for a time, and nobody else is")
def ban(stage):
    strict = stage.variant("strict")
    bystander = strict.rig(via=PROXY, behind="203.0.114.2").login()

    def offend() -> bool:
        wire = strict.open(via=PROXY, behind="203.0.114.1")
        try:
            wire.send(b"this is not Stratum\n" * 5)
            wire.raw(5)
        except (OSError, AssertionError):
            pass
        wire.close()
        return refused_connection(strict.open(via=PROXY, behind="203.0.114.1"))

    stage.wait_until(offend, 10, "a ban")
    accepted(bystander.submit(bystander.find()))
    is_served(strict.open(via=PROXY, behind="203.0.114.2"))
    stage.wait_until(lambda: not refused_connection(strict.open(via=PROXY, behind="203.0.114.1")), 10, "the ban's end")


@check("5.6", "bans are by the address behind the proxy too")
def ban_by_proxied_address(stage):
    strict = stage.variant("strict")

    def offend() -> bool:
        wire = strict.rig(via=PROXY, behind="203.0.113.1")
        try:
            wire.send(b"this is not Stratum\n" * 5)
            wire.raw(5)
        except (OSError, AssertionError):
            pass
        wire.close()
        return refused_connection(strict.rig(via=PROXY, behind="203.0.113.1"))

    stage.wait_until(offend, 10, "a ban")
    strict.rig(via=PROXY, behind="203.0.113.2").login()


@check("1.4", "probes never lead to a ban", transports=(PLAIN,))
def probes_never_banned(stage):
    strict = stage.variant("strict")
    for _ in range(15):
        wire = strict.open(via=PROXY, behind="203.0.115.1")
        wire.send(PROBE)
        assert b"mining.notify" in wire.one_read(1023)
        wire.close()
    is_served(strict.open(via=PROXY, behind="203.0.115.1"))


@check("5.6", "more lines a second than allowed wait; they are all answered, and nobody is cut off")
def line_rate(stage):
    strict = stage.variant("strict")
    flooder, calm = strict.rig(via=PROXY, behind="203.0.116.1").login(), strict.rig(via=PROXY, behind="203.0.116.2").login()
    flooder.send(b'{"id":"f","method":"mining.ping"}\n' * 300)
    accepted(calm.submit(calm.find()))
    for _ in range(300):
        assert b'"pong"' in flooder.response_line()


# ---------------------------------------------------------------- many at once

@check("5.6", "three hundred miners of one address at once, each with its own extranonce1 and its first job")
def many_from_one_address(stage):
    rigs = [stage.rig() for _ in range(300)]
    for rig in rigs:
        rig.send('{"id":1,"method":"mining.subscribe","params":["suite/1.0"]}\n' + f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}\n')
    seen = set()
    for rig in rigs:
        seen.add(subscribed(rig.line(), "1")[2])
        rig.wait_job()
    assert len(seen) == 300


@check("5.6", "the same worker may be there twice: a half-open connection does not keep it out, nor does it throw the old one out")
def same_worker_twice(stage):
    old, new = stage.rig().login(), stage.rig().login()
    accepted(new.submit(new.find()))
    accepted(old.submit(old.find()))


@check("5.6", "a connection that is reset in the middle of anything harms nobody")
def resets(stage):
    other = stage.rig().login()
    for number in range(60):
        rig = stage.rig()
        rig.send((HELLO + f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}\n'.encode())[: 10 + 3 * number])
        rig.reset()
    accepted(other.submit(other.find()))


@check("5.6", "IPv6 miners are served like the others")
def ipv6(stage):
    connection = socket.create_connection(("::1", stage.ports[IPV6]), timeout=10)
    rig = stage.kept(Rig(connection)).login()
    accepted(rig.submit(rig.find()))
