// A server that takes uploads of up to 64 kB and refuses larger ones with an answer. Its bug: it destroys the
// socket when the answer is written, while more of the upload comes. What lies unread, or arrives afterwards,
// is answered by TCP with a reset, and a reset destroys what is still on its way to the client: the answer.

const LIMIT = 64 * 1024;

/** @param {import('node:net').Socket} socket made with allowHalfOpen */
export function upload(socket) {
  let bytes = 0;
  socket.on('data', chunk => {
    bytes += chunk.length;
    if (bytes > LIMIT) socket.end('413 too large\n', () => socket.destroy());
  });
  socket.on('end', () => socket.end('200 thank you\n'));
  socket.on('error', () => {});
}
