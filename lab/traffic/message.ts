import type { HostSockets, LiveHello, LiveMessage } from '../../src/tools/lab-server/protocol.ts';
import type { Endpoint, TraceEvent } from '../../src/tools/trace/event.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (x: unknown): x is Fields => typeof x === 'object' && x !== null && !Array.isArray(x);
const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);
const isText = (x: unknown): x is string => typeof x === 'string' && x.length <= 2000;
const areNumbers = (o: Fields, ...names: string[]): boolean => names.every(n => isNumber(o[n]));
const areTexts = (o: Fields, ...names: string[]): boolean => names.every(n => isText(o[n]));

/** A message of /live; null if it is none that is known. What it says is used as it stands: all is checked. */
export function readMessage(text: string): LiveMessage | null {
  let o: unknown;
  try {
    o = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isFields(o)) return null;
  if (isHello(o['hello'])) return { hello: o['hello'] };
  if (isNumber(o['at']) && isSockets(o['sockets'])) return { at: o['at'], sockets: o['sockets'] };
  if (isNumber(o['missed'])) return { missed: o['missed'] };
  if (isNumber(o['of']) && isEvent(o['event'])) return { of: o['of'], event: o['event'] };
  if (isNumber(o['conversation']) && isEndpoint(o['left']) && isEndpoint(o['right']))
    return { conversation: o['conversation'], left: o['left'], right: o['right'] };
  return null;
}

export function isHello(x: unknown): x is LiveHello {
  if (!isFields(x) || !areTexts(x, 'lastack', 'instance', 'wire') || !isNumber(x['now'])) return false;
  const { hosts, fronts, settings } = x;
  const texts = (list: unknown): list is string[] => Array.isArray(list) && list.every(isText);
  return texts(hosts) && hosts.length === 2 && texts(fronts) && isFields(settings);
}

const isEndpoint = (x: unknown): x is Endpoint =>
  isFields(x) && areTexts(x, 'host', 'address') && isNumber(x['port']);

function isSockets(x: unknown): x is HostSockets[] {
  return (
    Array.isArray(x) &&
    x.every(
      h =>
        isFields(h) &&
        isText(h['host']) &&
        isNumber(h['more']) &&
        Array.isArray(h['counts']) &&
        Array.isArray(h['rows']) &&
        h['rows'].every(isSocket),
    )
  );
}

function isSocket(r: unknown): boolean {
  if (!isFields(r) || !areTexts(r, 'host', 'local', 'peer')) return false;
  if (!areNumbers(r, 'state', 'recvQ', 'sendQ', 'localPort', 'peerPort')) return false;
  const { timer, info } = r;
  return (
    (timer === null || (isFields(timer) && isText(timer['name']) && isNumber(timer['ms']))) &&
    (info === null || (isFields(info) && areNumbers(info, 'cwnd', 'ssthresh', 'unacked', 'rtt')))
  );
}

function isEvent(x: unknown): x is TraceEvent {
  if (!isFields(x) || !areNumbers(x, 'n', 'at') || !isText(x['host'])) return false;
  switch (x['kind']) {
    case 'segment':
      return (
        isText(x['fate']) && (x['arrivedAt'] === null || isNumber(x['arrivedAt'])) && isSegment(x['segment'])
      );
    case 'state':
      return areNumbers(x, 'from', 'state') && isText(x['why']);
    case 'timer':
      return isText(x['timer']);
    case 'loss':
      return areNumbers(x, 'seq', 'end');
    case 'congestion':
      return areNumbers(x, 'cwnd', 'ssthresh') && isText(x['state']);
    case 'drop':
      return isText(x['reason']);
    default:
      return false;
  }
}

function isSegment(x: unknown): boolean {
  if (!isFields(x) || !areTexts(x, 'source', 'destination')) return false;
  if (!areNumbers(x, 'sourcePort', 'destinationPort', 'seq', 'ack', 'flags', 'window', 'length'))
    return false;
  const { sack } = x;
  return (
    sack === undefined ||
    (Array.isArray(sack) && sack.every(b => Array.isArray(b) && isNumber(b[0]) && isNumber(b[1])))
  );
}
