// The server of count-server.mjs: whatever came, the end of the client's half leads to the end of ours.

/** @param {import('node:net').Socket} socket made with allowHalfOpen */
export function count(socket) {
  let bytes = 0;
  socket.on('data', chunk => {
    bytes += chunk.length;
  });
  socket.on('end', () => {
    if (bytes > 0) socket.end(`${bytes}\n`);
    else socket.end();
  });
  socket.on('error', () => {});
}
