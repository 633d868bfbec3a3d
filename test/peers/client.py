"""A client that speaks through bare sockets: client.py WHAT PORT [ARGUMENT...], one line of report each."""

import hashlib
import socket
import struct
import sys
import time

what, port, rest = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


def dial():
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read_all(s):
    parts = []
    while True:
        part = s.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def report(*words):
    print(*words, flush=True)


if what == "get":
    s = dial()
    s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % rest[0].encode())
    answer = read_all(s)
    s.close()
    report(answer.split(b"\r\n")[0].decode())
    report("connection: close" if b"\r\nConnection: close\r\n" in answer else "kept")

elif what == "byte-by-byte":
    s = dial()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for i in b"GET /hello HTTP/1.1\r\n\r\n":
        s.sendall(bytes([i]))
        time.sleep(0.002)
    report(read_all(s).split(b"\r\n")[0].decode())

elif what == "half-close":
    # Says so many bytes, closes this direction, and reads on.
    size = int(rest[0])
    sent = bytes((i * 7 + (i >> 8)) & 255 for i in range(size))
    s = dial()
    s.sendall(sent)
    s.shutdown(socket.SHUT_WR)
    got = read_all(s)
    report(len(got), hashlib.sha256(sent).hexdigest(), got.decode("latin-1").strip())

elif what == "reset":
    s = dial()
    s.sendall(b"hello")
    s.recv(2)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    report("reset")

elif what == "read":
    got = b""
    try:
        # The kernel has accepted; a quick reset may come while it says so.
        s = dial()
        while True:
            part = s.recv(65536)
            if not part:
                report("end", got.decode())
                break
            got += part
    except ConnectionResetError:
        report("ECONNRESET", got.decode())

elif what == "keep":
    # Stays connected until the other side ends it.
    s = dial()
    s.sendall(b"here I am")
    report("connected")
    try:
        report("end" if s.recv(1) == b"" else "more")
    except ConnectionResetError:
        report("ECONNRESET")

elif what == "socks":
    # SOCKS5 to HOST PORT, by name or by address; then a request of HTTP.
    host, target = rest[0], int(rest[1])
    s = dial()
    s.sendall(b"\x05\x01\x00")
    method = s.recv(2)
    try:
        address = b"\x01" + socket.inet_aton(host)
    except OSError:
        address = b"\x03" + bytes([len(host)]) + host.encode()
    s.sendall(b"\x05\x01\x00" + address + struct.pack("!H", target))
    reply = s.recv(10)
    report(method.hex(), reply[1])
    if reply[1] == 0:
        s.sendall(b"GET /small HTTP/1.0\r\n\r\n")
        head, _, body = read_all(s).partition(b"\r\n\r\n")
        report(head.split(b"\r\n")[0].decode(), hashlib.sha256(body).hexdigest())
    else:
        report("end" if s.recv(1) == b"" else "more")
