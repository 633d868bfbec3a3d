// The client of price-client.mjs with a limit: ten seconds of silence end the request.

import http from 'node:http';

/** @param {string} item @param {http.Agent} agent @returns {Promise<string>} */
export function getPrice(item, agent) {
  return new Promise((resolve, reject) => {
    const request = http.get(`http://server/price/${item}`, { agent, timeout: 10_000 }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    // 'timeout' only tells: whoever wants the request to end must end it.
    request.on('timeout', () => request.destroy(new Error('no answer for 10 s')));
    request.on('error', reject);
  });
}
