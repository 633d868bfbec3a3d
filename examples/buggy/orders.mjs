// A shop and its client. The client's bug: it repeats a request that failed. If the connection breaks after the
// shop has taken the order and before its answer has arrived, the goods are ordered twice.

import http from 'node:http';

/** @param {string[]} orders taken so far @param {(order: string) => void} [taken] */
export const shop = (orders, taken = () => {}) =>
  http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('error', () => {});
    request.on('end', () => {
      orders.push(body);
      taken(body);
      response.end('thank you');
    });
  });

/** @param {string} goods @param {http.Agent} agent @returns {Promise<number>} the status */
export async function order(goods, agent, attempts = 3) {
  try {
    return await post(goods, agent);
  } catch (error) {
    if (attempts === 1) throw error;
    return order(goods, agent, attempts - 1);
  }
}

/** @param {string} goods @param {http.Agent} agent @returns {Promise<number>} */
function post(goods, agent) {
  return new Promise((resolve, reject) => {
    const request = http.request('http://server/orders', { agent, method: 'POST' }, response => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(goods);
  });
}
