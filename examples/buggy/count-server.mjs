// A server that counts the bytes of each connection and tells the sum when the client has finished. It keeps
// its half open for that (allowHalfOpen). Its bug: a client that sends nothing is never answered, and the
// server's half never ends: the socket stays in CLOSE_WAIT for as long as the process lives.

/** @param {import('node:net').Socket} socket made with allowHalfOpen */
export function count(socket) {
  let bytes = 0;
  socket.on('data', chunk => {
    bytes += chunk.length;
  });
  socket.on('end', () => {
    if (bytes > 0) socket.end(`${bytes}\n`);
  });
  socket.on('error', () => {});
}
