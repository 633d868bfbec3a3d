import { expect, test } from 'vitest';
import {
  EAGAIN,
  ECONNRESET,
  ENOTCONN,
  ETIMEDOUT,
  EWOULDBLOCK,
  errnoName,
  errnoNumber,
  errnoText,
} from '../../src/base/errno.ts';

test('numbers are those of Linux', () => {
  expect([EAGAIN, EWOULDBLOCK, ECONNRESET, ENOTCONN, ETIMEDOUT]).toEqual([11, 11, 104, 107, 110]);
});

test('names and sentences take either sign', () => {
  expect(errnoName(-104)).toBe('ECONNRESET');
  expect(errnoName(104)).toBe('ECONNRESET');
  expect(errnoText(-110)).toBe('Connection timed out');
  expect(errnoName(-9999)).toBe('errno 9999');
  expect(errnoText(9999)).toBe('Unknown error 9999');
  expect(errnoName(0)).toBe('OK');
});

test('a name gives its number back', () => {
  expect(errnoNumber('EPIPE')).toBe(32);
  expect(errnoNumber('EWOULDBLOCK')).toBe(11);
  expect(errnoNumber('constructor')).toBe(0);
});
