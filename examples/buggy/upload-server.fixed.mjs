// The server of upload-server.mjs: after the answer it reads on and throws away, until the client has finished or
// five seconds are over. Then there is nothing unread, and the end is a FIN.

const LIMIT = 64 * 1024;

/** @param {import('node:net').Socket} socket made with allowHalfOpen */
export function upload(socket) {
  let bytes = 0;
  let refused = false;
  socket.on('data', chunk => {
    bytes += chunk.length;
    if (bytes <= LIMIT || refused) return;
    refused = true;
    socket.end('413 too large\n');
    socket.setTimeout(5000, () => socket.destroy());
  });
  socket.on('end', () => {
    if (!refused) socket.end('200 thank you\n');
  });
  socket.on('error', () => {});
}
