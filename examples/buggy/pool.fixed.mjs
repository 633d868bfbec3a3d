// The pool of pool.mjs: connections leave it when they end, and a question that failed on a connection from the
// pool, before any answer, is asked once more on a fresh one. (Questions here may be asked twice.)

import net from 'node:net';

export class Pool {
  /** @param {{ port: number, host: string, connect?: typeof net.connect }} options */
  constructor({ port, host, connect = net.connect }) {
    this.open = () => connect({ port, host });
    /** @type {net.Socket[]} */
    this.idle = [];
  }

  /** @param {string} question @returns {Promise<string>} */
  async ask(question) {
    const pooled = this.idle.pop();
    if (pooled === undefined) return this.askOn(this.open(), question);
    return this.askOn(pooled, question).catch(() => this.askOn(this.open(), question));
  }

  /** @param {net.Socket} socket @param {string} question @returns {Promise<string>} */
  askOn(socket, question) {
    return new Promise((resolve, reject) => {
      socket.removeAllListeners();
      socket.once('error', reject);
      socket.once('end', () => reject(new Error('closed before it answered')));
      socket.once('close', () => reject(new Error('closed before it answered')));
      socket.once('data', answer => {
        this.keep(socket);
        resolve(String(answer).trim());
      });
      socket.write(`${question}\n`);
    });
  }

  /** @param {net.Socket} socket */
  keep(socket) {
    socket.removeAllListeners();
    const drop = () => {
      this.idle = this.idle.filter(s => s !== socket);
      socket.destroy();
    };
    for (const event of ['end', 'error', 'close']) socket.on(event, drop);
    this.idle.push(socket);
  }

  close() {
    for (const socket of this.idle.splice(0)) socket.destroy();
  }
}
