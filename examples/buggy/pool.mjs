// A pool of connections to a server that answers lines. Its bug: it hands out connections that the server has
// closed meanwhile, or closes at this very moment: the question fails though the server is well.

import net from 'node:net';

export class Pool {
  /** @param {{ port: number, host: string, connect?: typeof net.connect }} options */
  constructor({ port, host, connect = net.connect }) {
    this.open = () => connect({ port, host });
    /** @type {net.Socket[]} */
    this.idle = [];
  }

  /** @param {string} question @returns {Promise<string>} */
  ask(question) {
    const socket = this.idle.pop() ?? this.open();
    return new Promise((resolve, reject) => {
      socket.removeAllListeners('error');
      socket.once('error', reject);
      socket.once('data', answer => {
        this.idle.push(socket);
        resolve(String(answer).trim());
      });
      socket.write(`${question}\n`);
    });
  }

  close() {
    for (const socket of this.idle.splice(0)) socket.destroy();
  }
}
