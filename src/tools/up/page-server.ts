import { EAGAIN } from '../../base/errno.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../socket/constants.ts';
import { errorText } from '../cli/error.ts';
import type { InnerHost, Watcher } from './host.ts';
import { HttpHead, type HttpRequest } from './http-head.ts';
import { errorPage } from './page.ts';
import { HTML, httpResponse } from './page-http.ts';

/** Makes the answer to a request that came over the inner connection `fd`: bytes that hold only for the moment. */
export type PageHandler = (request: HttpRequest, fd: number) => Uint8Array;

/** A client that has not sent its request, or not taken its answer, after so long is cut off. */
const PATIENCE_MS = 30_000;
const FIN_DELAY_MS = 5;
const buffer = new Uint8Array(16 * 1024);

/**
 * One connection to the built-in page, on B: reads a request head, writes an answer, closes first. What the
 * client sends beyond its head is read and thrown away until its FIN, so that closing does not reset it.
 */
export class PageConnection implements Watcher {
  private readonly host: InnerHost;
  private readonly fd: number;
  private readonly handler: PageHandler;
  private readonly head = new HttpHead();
  private readonly timer: NodeJS.Timeout;
  private answer: Uint8Array | null = null;
  private sent = 0;
  private closed = false;

  constructor(host: InnerHost, fd: number, handler: PageHandler) {
    this.host = host;
    this.fd = fd;
    this.handler = handler;
    this.timer = setTimeout(() => this.end(true), PATIENCE_MS);
    this.timer.unref();
  }

  ready(events: number): void {
    if (this.closed) return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) this.read();
    if (!this.closed && events & EPOLLOUT) this.write();
  }

  private read(): void {
    for (;;) {
      const n = this.host.recv(this.fd, buffer);
      if (n === -EAGAIN) return;
      if (n <= 0) {
        // The client is done, has closed before it asked, or is gone.
        if (n < 0 || this.answer === null || this.sent === this.answer.length) this.end(n < 0);
        return;
      }
      const step = this.head.push(buffer.subarray(0, n));
      if (step.kind === 'request') this.respond(this.answerTo(step.request));
      else if (step.kind === 'bad') {
        this.respond(
          httpResponse(
            step.status,
            HTML,
            errorPage(step.status, 'This is a small page that knows GET and HEAD.'),
          ),
        );
      }
      if (this.closed) return;
    }
  }

  /** A mistake in making a page must not end the program. */
  private answerTo(request: HttpRequest): Uint8Array {
    try {
      return this.handler(request, this.fd);
    } catch (e) {
      const status = '500 Internal Server Error';
      return httpResponse(status, HTML, errorPage(status, errorText(e)));
    }
  }

  private respond(answer: Uint8Array): void {
    this.answer = answer;
    this.write();
    // What has not gone yet waits in bytes of its own.
    if (this.answer.length > 0) {
      this.answer = answer.slice(this.sent);
      this.sent = 0;
    }
  }

  private write(): void {
    const a = this.answer;
    if (a === null || a.length === 0) return;
    while (this.sent < a.length) {
      const n = this.host.send(this.fd, a, this.sent, a.length - this.sent);
      if (n === -EAGAIN) return;
      if (n < 0) {
        this.end(true);
        return;
      }
      this.sent += n;
    }
    this.answer = a.subarray(0, 0);
    this.sent = 0;
    // A moment later, so that the FIN is seen as a segment of its own and not on the back of the last data.
    setTimeout(() => {
      if (!this.closed) this.host.shutdownWrite(this.fd);
    }, FIN_DELAY_MS).unref();
  }

  private end(reset: boolean): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    if (reset) this.host.abort(this.fd);
    else this.host.close(this.fd);
  }
}
