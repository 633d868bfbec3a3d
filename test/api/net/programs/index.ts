import type { Program } from '../kit.ts';
import { attempts } from './attempts.ts';
import { connecting } from './connect.ts';
import { data } from './data.ts';
import { ending } from './ending.ts';
import { options } from './options.ts';
import { servers } from './server.ts';
import { streams } from './streams.ts';

export const programs: Readonly<Record<string, readonly Program[]>> = {
  connecting,
  attempts,
  data,
  ending,
  options,
  servers,
  streams,
};
