/**
 * How other TCPs' connections got stuck: each test is named after a report against one of them, by the
 * number it has in regressions.md, and tells in its own words what must happen instead.
 */
import { describe } from 'vitest';
import { beginnings } from './regressions/beginnings.ts';
import { between } from './regressions/between.ts';
import { ends } from './regressions/ends.ts';

describe('how other stacks got stuck: ends', ends);
describe('how other stacks got stuck: beginnings', beginnings);
describe('how other stacks got stuck: in between', between);
