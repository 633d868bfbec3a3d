/**
 * Lets everything run that waits for resolved promises: the one place where a simulated world and async
 * programs meet. It returns in a later task of the platform's loop, when the queue of microtasks is empty.
 */
export function drainMicrotasks(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
