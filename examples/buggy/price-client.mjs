// A client of a price service. Its bug: it waits for an answer as long as it takes. A server that loses power
// after it took the request never answers, and TCP has nothing to retransmit: the promise stays pending for ever.

import http from 'node:http';

/** @param {string} item @param {http.Agent} agent @returns {Promise<string>} */
export function getPrice(item, agent) {
  return new Promise((resolve, reject) => {
    const request = http.get(`http://server/price/${item}`, { agent }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
