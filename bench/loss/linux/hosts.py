"""One side of the recorder's connections: a program in a network namespace that is told on standard input, a JSON
object a line, what to do, and tells on standard output what happened. Many connections at a time, each named by the
server's port.

  {"listen": PORT, "bytes": N, "clamp": W}  ->  {"listening": PORT}, later {"done": PORT, "at": S, "info": {...}}
  {"connect": PORT, "bytes": N}             ->  {"connected": PORT, "took": S, "at": S}
  {"close": PORT}                           ->  {"closed": PORT, "info": {...}}
  {"drop": PORT}                            (no answer)
  {"count": PORT}                           ->  {"counted": PORT, "bytes": N}

Times are seconds of CLOCK_MONOTONIC, which both sides share. The server reads whatever there is at once; the client
writes as much as the send buffer takes. "clamp" (0: none) is the largest window that is announced.
"""
import json, os, selectors, socket, struct, sys, time

SERVER = '10.79.2.1'
TCP_WINDOW_CLAMP, TCP_INFO = 10, 11
# After as many reads, the clamp is not said again.
READS = 100
# Names and places in Linux's struct tcp_info.
U32 = {'rtt': 68, 'reordering': 88, 'total_retrans': 100, 'min_rtt': 148, 'dsack_dups': 216, 'rcv_ooopack': 224}
U16 = {'total_rto': 240}

poll = selectors.DefaultSelector()
room = bytearray(1 << 20)
text = memoryview(bytes(1 << 16))
runs = {}
lines = b''


def tell(**what):
    os.write(1, (json.dumps(what) + '\n').encode())


def info(s):
    raw = s.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 256)
    told = {name: struct.unpack_from('=I', raw, at)[0] for name, at in U32.items() if len(raw) >= at + 4}
    told.update((name, struct.unpack_from('=H', raw, at)[0]) for name, at in U16.items() if len(raw) >= at + 2)
    return told


class Run:
    def __init__(self, port, want):
        self.port, self.left, self.bytes, self.began, self.s = port, want, 0, 0, None
        self.clamp, self.reads = 0, 0

    def watch(self, s, events, work):
        s.setblocking(False)
        self.s = s
        poll.register(s, events, work)

    def listen(self, clamp):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if clamp:
            # Far larger than the clamp, and no longer tuned: what waits to be read never narrows the window.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            s.setsockopt(socket.IPPROTO_TCP, TCP_WINDOW_CLAMP, clamp)
        s.bind((SERVER, self.port))
        s.listen(1)
        self.clamp = clamp
        self.watch(s, selectors.EVENT_READ, self.accept)
        tell(listening=self.port)

    def accept(self):
        listener = self.s
        s, _ = listener.accept()
        poll.unregister(listener)
        listener.close()
        self.watch(s, selectors.EVENT_READ, self.read)

    def read(self):
        n = self.s.recv_into(room)
        if self.clamp and self.reads < READS:
            # Linux forgets the clamp when the first full segment has come.
            self.reads += 1
            self.s.setsockopt(socket.IPPROTO_TCP, TCP_WINDOW_CLAMP, self.clamp)
        if n == 0:
            raise ConnectionError('ended early')
        self.bytes += n
        self.left -= n
        if self.left <= 0:
            at = time.monotonic()
            poll.unregister(self.s)
            tell(done=self.port, at=at, info=info(self.s))

    def connect(self):
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
        s.setblocking(False)
        self.began = time.monotonic()
        s.connect_ex((SERVER, self.port))
        self.watch(s, selectors.EVENT_WRITE, self.connected)

    def connected(self):
        at = time.monotonic()
        error = self.s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        tell(connected=self.port, took=at - self.began, at=at)
        poll.modify(self.s, selectors.EVENT_WRITE, self.write)
        self.write()

    def write(self):
        try:
            while self.left > 0:
                self.left -= self.s.send(text[:min(self.left, len(text))])
            poll.unregister(self.s)
        except BlockingIOError:
            pass

    def close(self):
        told = info(self.s)
        self.end()
        tell(closed=self.port, info=told)

    def end(self):
        if self.s is None:
            return
        try:
            poll.unregister(self.s)
        except (KeyError, ValueError):
            pass
        # With a reset, so that nothing is left of it.
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.s.close()
        self.s = None


def do(c):
    if 'listen' in c:
        runs[c['listen']] = run = Run(c['listen'], c['bytes'])
        run.listen(c['clamp'])
    elif 'connect' in c:
        runs[c['connect']] = run = Run(c['connect'], c['bytes'])
        run.connect()
    elif 'close' in c:
        runs.pop(c['close']).close()
    elif 'drop' in c:
        run = runs.pop(c['drop'], None)
        if run:
            run.end()
    elif 'count' in c:
        tell(counted=c['count'], bytes=runs[c['count']].bytes)


def command():
    global lines
    more = os.read(0, 65536)
    if not more:
        sys.exit(0)
    *whole, lines = (lines + more).split(b'\n')
    for line in whole:
        do(json.loads(line))


poll.register(0, selectors.EVENT_READ, command)
while True:
    for key, _ in poll.select():
        run = getattr(key.data, '__self__', None)
        if run and run.s is None:
            # A command of this same turn has ended it.
            continue
        try:
            key.data()
        except OSError as e:
            if run is None:
                raise
            tell(failed=run.port, why=str(e))
            run.end()
