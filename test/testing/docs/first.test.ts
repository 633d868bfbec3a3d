import http from 'node:http';
import { expect, test } from 'vitest';
import { withNetwork } from '../../../src/testing/index.ts';

test(
  'an answer arrives though the wire loses the end of the connection',
  withNetwork({ wire: { delay: '20ms', rules: ['drop server FIN 1..2'] } }, async net => {
    const server = net.server.serve((request, response) => response.end(`this is ${request.url}`), 80);

    const answer = new Promise(resolve => {
      http.get('http://server/tea', { agent: net.client.agent() }, response => {
        response.once('data', chunk => resolve(String(chunk)));
      });
    });
    expect(await net.within(10_000, answer)).toBe('this is /tea');

    server.close();
  }),
);
