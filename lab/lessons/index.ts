import { closing } from './close.ts';
import { failures, flow } from './failure.ts';
import type { Group, Lesson, Words } from './lesson.ts';
import { opening } from './open.ts';
import { servers } from './server.ts';
import { timeWait } from './timewait.ts';
import { waves } from './waves.ts';

export type { Group, Lesson, Words } from './lesson.ts';

/** Every lesson, in the order in which the page lists them. */
export const LESSONS: readonly Lesson[] = [
  ...opening,
  ...closing,
  ...waves,
  ...timeWait,
  ...servers,
  ...failures,
  ...flow,
];

export const lessonOf = (id: string): Lesson | null => LESSONS.find(l => l.id === id) ?? null;

export const GROUPS: readonly (readonly [Group, Words])[] = [
  ['open', { en: 'Opening', zh: '建立' }],
  ['close', { en: 'Closing', zh: '关闭' }],
  ['waves', { en: 'The four waves, lost', zh: '四次挥手的丢失' }],
  ['timewait', { en: 'TIME_WAIT', zh: 'TIME_WAIT' }],
  ['server', { en: 'Servers and queues', zh: '服务器与队列' }],
  ['failure', { en: 'Failures', zh: '故障' }],
  ['flow', { en: 'Windows and loss', zh: '窗口与丢失' }],
];
