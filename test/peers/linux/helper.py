"""Linux hosts of the differential lab. For each line of standard input, the path of a directory, a child is made:
a host with a network namespace of its own, in which it makes the socket calls that it is told of, and tells what
they return. It dies with its connection, and the namespace with it.

In the directory lies a socket, and the child makes two FIFOs there. Requests on the FIFO `requests` are answered at once on `replies`;
those on the socket (`id call arguments`, JSON) may block, each in a thread of its own, and are answered there with
the same id; a line `0` says that a segment passes. Results are numbers, -errno, or bytes as ["b", hex]. Changes of the socket tables are told as they
are seen.
"""
import ctypes, errno, fcntl, json, os, select, signal, socket, struct, subprocess, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)
ST = {1: 'ESTAB', 2: 'SYN-SENT', 3: 'SYN-RECV', 4: 'FIN-WAIT-1', 5: 'FIN-WAIT-2', 6: 'TIME-WAIT', 7: 'CLOSED',
      8: 'CLOSE-WAIT', 9: 'LAST-ACK', 10: 'LISTEN', 11: 'CLOSING', 12: 'SYN-RECV'}
# Seconds between looks at the tables: after a segment or a call, and when there was none (a timer may have been).
LOOKS, LOOK_IDLE = (0.001, 0.004, 0.01, 0.03), 0.2
socks = {}
lock = threading.Lock()
wake = threading.Event()


def write(value):
    with lock:
        channel.sendall((json.dumps(value) + '\n').encode())


def guarded(call, *args):
    try:
        r = call(*args)
        return 0 if r is None else r
    except OSError as e:
        return -(e.errno or errno.EINVAL)
    except OverflowError:
        return -errno.EINVAL


def keep(s):
    socks[s.fileno()] = s
    return s.fileno()


def name(n):
    return ['n', n[0], n[1]]


def connect(fd, address, port):
    if address is None:
        r = libc.connect(fd, struct.pack('H14s', 0, b''), 16)
        return r if r >= 0 else -ctypes.get_errno()
    return -socks[fd].connect_ex((address, port))


def accept(fd):
    child, _ = socks[fd]._accept()
    return keep(socket.socket(fileno=child))


def recv(fd, n, flags):
    return ['b', socks[fd].recv(n, flags).hex()]


def close(fd):
    s = socks.pop(fd)
    raw = s.detach()
    r = libc.close(raw)
    return r if r >= 0 else -ctypes.get_errno()


def poll(fd, events, seconds):
    p = select.poll()
    p.register(socks[fd], events)
    r = p.poll(None if seconds < 0 else seconds * 1000)
    return r[0][1] if r else 0


def setsockopt(fd, level, option, value):
    if isinstance(value, list):
        value = struct.pack('%di' % len(value), *value)
    return socks[fd].setsockopt(level, option, value)


def ioctl(fd, request):
    return struct.unpack('i', fcntl.ioctl(socks[fd], request, b'\0\0\0\0'))[0]


def sysctl(path, value):
    with open('/proc/sys/' + path.replace('.', '/'), 'w') as f:
        f.write(value)


def table(info):
    r = subprocess.run(['ss', '-tanoiHO' if info else '-tanoHO'], capture_output=True, text=True)
    return r.stdout.split('\n')


def device(address):
    lines = 'addr add %s dev tun0\nlink set dev tun0 mtu 1500 up\n' % address
    return subprocess.run(['ip', '-batch', '-'], input=lines, text=True).returncode


def counters():
    out = []
    for file in ('/proc/net/netstat', '/proc/net/snmp'):
        with open(file) as f:
            lines = f.read().split('\n')
        for heads, values in zip(lines[::2], lines[1::2]):
            prefix = heads.split(':')[0]
            for h, v in zip(heads.split()[1:], values.split()[1:]):
                out.append([prefix + h, int(v)])
    return out


CALLS = {
    'socket': lambda: keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    'bind': lambda fd, a, p: socks[fd].bind((a, p)),
    'listen': lambda fd, n: socks[fd].listen(n),
    'shutdown': lambda fd, how: libc.shutdown(fd, how) and -ctypes.get_errno(),
    'setsockopt': setsockopt,
    'getsockopt': lambda fd, level, option: socks[fd].getsockopt(level, option),
    'getsockname': lambda fd: name(socks[fd].getsockname()),
    'getpeername': lambda fd: name(socks[fd].getpeername()),
    'ioctl': ioctl,
    'nonblock': lambda fd, on: socks[fd].setblocking(not on),
    'sysctl': sysctl, 'ss': table, 'counters': counters, 'device': device,
    'connect': connect, 'accept': accept, 'recv': recv, 'close': close, 'poll': poll,
    'send': lambda fd, data, flags: socks[fd].send(bytes.fromhex(data), flags),
}


def serve_fifo(requests, replies):
    with open(requests) as r, open(replies, 'w') as w:
        for line in r:
            call, *args = json.loads(line)
            w.write(json.dumps(guarded(CALLS[call], *args)) + '\n')
            w.flush()


def dump(nl):
    """All TCP sockets, as (own port, peer, peer's port) -> state, timer, milliseconds."""
    body = struct.pack('=BBBBI', 2, 6, 0, 0, 0xffffffff & ~(1 << 10)) + b'\0' * 48
    nl.send(struct.pack('=IHHII', 16 + len(body), 20, 0x301, 1, 0) + body)
    out = {}
    while True:
        d = nl.recv(1 << 16)
        while len(d) >= 16:
            size, kind = struct.unpack('=IH', d[:6])
            if kind != 20:
                return out
            fam, st, tmr, _ = struct.unpack('=BBBB', d[16:20])
            sport, dport = struct.unpack('!HH', d[20:24])
            expires = struct.unpack('=I', d[68:72])[0]
            if d[24:28] != d[40:44]:
                out[(sport, socket.inet_ntoa(d[40:44]), dport)] = (ST.get(st, st), tmr, expires)
            d = d[(size + 3) & ~3:]


def watch():
    nl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
    last = {}
    while True:
        looks = LOOKS if wake.wait(LOOK_IDLE) else (0,)
        wake.clear()
        for pause in looks:
            time.sleep(pause)
            now = dump(nl)
            t = time.monotonic()
            for key in set(last) | set(now):
                state = now[key][0] if key in now else 'gone'
                if last.get(key, 'gone') != state:
                    write(['state', t, key[0], key[2], state])
            last = {k: v[0] for k, v in now.items()}


def run(request):
    number, call, *args = request
    wake.set()
    write(['done', number, guarded(CALLS[call], *args)])
    wake.set()


def unshare():
    if libc.unshare(0x40000000):
        sys.exit('unshare: errno %d' % ctypes.get_errno())


def host(directory):
    global channel
    os.chdir(directory)
    os.mkfifo('requests')
    os.mkfifo('replies')
    unshare()
    # A table of its own, and a small one: the poller walks through all of it.
    guarded(sysctl, 'net.ipv4.tcp_child_ehash_entries', '256')
    unshare()
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    for knob, value in (('net.ipv6.conf.all.disable_ipv6', '1'), ('net.ipv6.conf.default.disable_ipv6', '1'),
                        ('net.ipv4.tcp_congestion_control', 'reno')):
        guarded(sysctl, knob, value)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect('socket')
    threading.Thread(target=serve_fifo, args=('requests', 'replies'), daemon=True).start()
    threading.Thread(target=watch, daemon=True).start()
    write(['ready', os.getpid()])
    for line in channel.makefile():
        if line == '0\n':
            wake.set()
        else:
            threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()


channel = None
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            host(line.strip())
        finally:
            os._exit(0)
