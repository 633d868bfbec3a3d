// The shop and the client of orders.mjs: each order has a key, the same in all its attempts, and the shop takes a
// key once.

import { randomUUID } from 'node:crypto';
import http from 'node:http';

/** @param {string[]} orders taken so far @param {(order: string) => void} [taken] */
export function shop(orders, taken = () => {}) {
  /** @type {Set<string>} */
  const known = new Set();
  return http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('error', () => {});
    request.on('end', () => {
      const key = String(request.headers['idempotency-key']);
      if (!known.has(key)) {
        known.add(key);
        orders.push(body);
        taken(body);
      }
      response.end('thank you');
    });
  });
}

/** @param {string} goods @param {http.Agent} agent @returns {Promise<number>} the status */
export async function order(goods, agent, attempts = 3, key = randomUUID()) {
  try {
    return await post(goods, agent, key);
  } catch (error) {
    if (attempts === 1) throw error;
    return order(goods, agent, attempts - 1, key);
  }
}

/** @param {string} goods @param {http.Agent} agent @param {string} key @returns {Promise<number>} */
function post(goods, agent, key) {
  return new Promise((resolve, reject) => {
    const options = { agent, method: 'POST', headers: { 'idempotency-key': key } };
    const request = http.request('http://server/orders', options, response => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(goods);
  });
}
