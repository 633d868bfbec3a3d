/** Drivers: a stack on a real clock and real links. Nothing here needs Node; `node.ts` beside it does. */
export { type CloseReport, type CutConnection, Driver } from './driver.ts';
export { Loop, WebLoop } from './loop.ts';
export { Router, type RouterLink, type RouterOptions, type RouterRoute } from './router.ts';
