/** What a link of messages has carried, and what it would not carry. */
export class MessageCounters {
  received = 0;
  sent = 0;
  /** Messages that were dropped: text or another type than bytes, shorter than a header, longer than the MTU. */
  notBytes = 0;
  tooShort = 0;
  tooLong = 0;
  /** Frames that came while nobody listened. */
  unread = 0;
  /** Frames that could not be sent: longer than the MTU, or refused by what is beneath. */
  unsent = 0;
}

/** @throws RangeError if no frame link can have this MTU */
export function checkLinkMtu(mtu: number): number {
  if (Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535) return mtu;
  throw new RangeError(`mtu ${mtu}: expected a whole number of bytes, 68..65535`);
}
