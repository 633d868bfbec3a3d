/** The longest interval that timers know. */
const LONG = 0x7fffffff;

let held = 0;
let timer: NodeJS.Timeout | null = null;

/** Gives the process a reason to live, until `letGo` has been called as often. */
export function hold(): void {
  if (held++ === 0) timer = setInterval(() => {}, LONG);
}

export function letGo(): void {
  if (--held > 0) return;
  if (timer !== null) clearInterval(timer);
  timer = null;
}
