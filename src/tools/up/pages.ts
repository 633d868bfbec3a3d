import { ESTABLISHED, type State } from '../../tcp/state.ts';
import { stateSvg } from '../diagram/svg.ts';
import { connectionRowOf } from '../ss/collect.ts';
import { ssText } from '../ss/format.ts';
import type { InnerHost } from './host.ts';
import type { HttpRequest } from './http-head.ts';
import type { Instance, Running } from './instance.ts';
import { connectionPage, errorPage, lifePage } from './page.ts';
import { HTML, httpResponse, PROMETHEUS, SVG, TEXT } from './page-http.ts';

/** Earlier connections that the page names. */
const OTHERS = 6;

/** Answers a request to the built-in page that came over the inner socket `fd` of host B. */
export function answerPage(instance: Instance<Running>, request: HttpRequest, fd: number): Uint8Array {
  const head = request.method === 'HEAD';
  if (request.method !== 'GET' && !head) {
    return httpResponse(
      '405 Method Not Allowed',
      HTML,
      errorPage('405 Method Not Allowed', 'This page knows GET and HEAD.'),
    );
  }
  const { recorder, b } = instance.gateway;
  const log = logOf(instance, fd);
  const others = recorder.newest(OTHERS, log);
  switch (request.path) {
    case '/': {
      const { state, text } = socketOf(b, fd);
      return httpResponse('200 OK', HTML, connectionPage({ log, others, state, socket: text }), head);
    }
    case '/last': {
      const last = others[0];
      return last === undefined
        ? httpResponse(
            '404 Not Found',
            HTML,
            errorPage('404 Not Found', 'There was no connection before this one.'),
            head,
          )
        : httpResponse('200 OK', HTML, lifePage(last), head);
    }
    case '/metrics':
      return httpResponse('200 OK', PROMETHEUS, [instance.metrics()], head);
    case '/diagram.svg':
      return httpResponse('200 OK', SVG, [stateSvg()], head);
    case '/hello':
      return httpResponse('200 OK', TEXT, ['Hello from host B.\n'], head);
    default: {
      const m = /^\/connection\/(\d{1,9})$/.exec(request.path);
      const found = m === null ? undefined : recorder.logs.find(l => l.id === Number(m[1]));
      if (found !== undefined) return httpResponse('200 OK', HTML, lifePage(found), head);
      const why = m === null ? 'There is no such page here.' : 'This connection is not remembered any more.';
      return httpResponse('404 Not Found', HTML, errorPage('404 Not Found', why), head);
    }
  }
}

function logOf(instance: Instance<Running>, fd: number): ReturnType<Running['recorder']['find']> {
  const { b, recorder } = instance.gateway;
  const peer = b.peerOf(fd);
  const name = b.nameOf(fd);
  if (peer === null || name === null) return null;
  return recorder.find(
    { address: peer.address.toString(), port: peer.port },
    { address: name.address.toString(), port: name.port },
  );
}

function socketOf(b: InnerHost, fd: number): { state: State; text: string } {
  const row = connectionRowOf(b.stack, fd, { info: true, ownerOf: f => b.ownerOf(f) });
  if (row === null) return { state: ESTABLISHED, text: '' };
  return { state: row.state, text: ssText([row], { timers: true, info: true }).join('\n') };
}
