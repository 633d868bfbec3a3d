import { lookup } from 'node:dns/promises';
import type { Args, Io } from '../cli/command.ts';
import { CliError, EXIT_MACHINE, EXIT_OK, errorCode, errorText } from '../cli/error.ts';
import { choosePaint, type Paint, printable } from '../cli/paint.ts';
import { prepareDirectory, runtimeDirectory, socketPath } from '../control/place.ts';
import { ControlServer } from '../control/server.ts';
import { type Opened, openLab } from '../lab-server/open.ts';
import type { Conversation } from '../trace/event.ts';
import { ladderText } from '../trace/ladder.ts';
import { storyOf } from '../trace/story.ts';
import { demonstrate } from './demo.ts';
import { Facts, frontTexts, wireText } from './facts.ts';
import { frameLines } from './frame.ts';
import { Gateway } from './gateway.ts';
import { Instance, type Running } from './instance.ts';
import { Lines } from './lines.ts';
import { type MetricsServer, serveMetrics } from './metrics-server.ts';
import { readUpOptions } from './options.ts';
import { answerPage } from './pages.ts';
import { Screen } from './screen.ts';
import { upTun } from './tun.ts';

const LOOK_MS = 1000;

/** `lastack up`: runs until it is told to stop. */
export async function up(args: Args, io: Io): Promise<number> {
  const options = readUpOptions(args);
  if (options.tun !== null) return await upTun(options, options.tun, io);
  const paint = choosePaint(options.color, io.tty, io.env);
  const gateway = new Gateway(options);
  const instance = new Instance(gateway);
  gateway.page = (request, fd) => answerPage(instance, request, fd);
  let metrics: MetricsServer | null = null;
  let lab: Opened;
  try {
    if (options.to !== null) await resolvable(options.to.host);
    await gateway.start();
    if (options.metrics !== null) metrics = await serveMetrics(instance, options.address, options.metrics);
    lab = await openLab(instance);
  } catch (e) {
    await metrics?.close();
    await gateway.close(0);
    throw e;
  }
  const control = await openControl(instance, io);
  io.out(`${greeting(gateway, paint, metrics?.url ?? null, lab)}\n`);
  const lines = new Lines(io, paint, gateway);
  const facts = new Facts(instance);
  const screen =
    io.tty && options.screen ? new Screen(io, (w, h) => frameLines(facts.take(), w, h, paint)) : null;
  gateway.listener = {
    closed: c => {
      facts.closed(c);
      if (screen === null) lines.closed(c);
    },
    note: text => (screen === null ? lines.say(text) : screen.print(text)),
  };
  const looking = setInterval(() => {
    const found = instance.look();
    if (screen === null) lines.findings(found);
  }, LOOK_MS);
  looking.unref();
  if (options.demo && options.to === null) {
    const life = await demonstrate(gateway, io.signal);
    if (life !== null && !io.signal.aborted) io.out(`${demoText(life, io, paint)}\n`);
  }
  screen?.start();
  await stopped(io.signal);
  screen?.stop();
  clearInterval(looking);
  await end(gateway, instance, io, paint, [control, metrics, lab.server]);
  return EXIT_OK;
}

/** A name that nobody knows is better said at once than to every client. */
async function resolvable(host: string): Promise<void> {
  try {
    await lookup(host);
  } catch (e) {
    const why = errorCode(e) === 'EAI_AGAIN' ? 'the name server does not answer' : 'check the spelling';
    throw new CliError(EXIT_MACHINE, `no such host: ${printable(host)}`, `--to: ${why}, or write an address`);
  }
}

/** Waits for Ctrl-C; the process has nothing else that would keep it alive for certain. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const alive = setInterval(() => {}, 1 << 30);
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}

function greeting(gateway: Gateway, paint: Paint, metrics: string | null, lab: Opened): string {
  const { options } = gateway;
  const [front] = gateway.fronts;
  const texts = frontTexts(gateway.fronts);
  const behind =
    options.to === null
      ? 'a page that shows the connection that fetched it'
      : `${options.to.host}:${options.to.port}`;
  const out = [
    `${paint.bold('lastack')}: client → host A → ${wireText(options)} → host B → ${behind}`,
    `  ${paint.cyan(texts[0]!)}${front?.kind === 'page' ? `   try: curl ${texts[0]}` : ''}`,
  ];
  if (texts[1] !== undefined)
    out.push(`  ${paint.cyan(texts[1])}   try: curl -x ${texts[1]} http://example.org/`);
  if (metrics !== null) out.push(`  ${paint.cyan(metrics)}`);
  if (lab.server !== null)
    out.push(`  ${paint.cyan(lab.server.url)}   the lab: these connections and others, in a browser`);
  else if (lab.why !== '') out.push(paint.dim(`  no lab: ${lab.why}`));
  if (options.seed !== null) out.push(`  seed ${options.seed}`);
  for (const path of gateway.captures?.paths ?? []) out.push(`  capture: ${path}`);
  out.push(paint.dim(`  process ${process.pid}; Ctrl-C ends; in another terminal: npx lastack ss -tano`), '');
  return out.join('\n');
}

function demoText(life: Conversation, io: Io, paint: Paint): string {
  const width = Math.min(io.columns || 100, 110);
  const lines = ladderText(life, { width, paint, headings: storyOf(life) });
  return [
    paint.bold('One request of our own, and the whole life of the connection that carried it:'),
    '',
    ...lines,
    '',
  ].join('\n');
}

/** The control socket; without one everything works, except that nobody can ask. */
export async function openControl(instance: Instance<Running>, io: Io): Promise<ControlServer | null> {
  try {
    const directory = runtimeDirectory(io.env);
    prepareDirectory(directory);
    const server = new ControlServer(socketPath(directory, process.pid), instance.handler);
    await server.listen();
    return server;
  } catch (e) {
    io.err(
      `lastack: no control socket: ${errorText(e)}; 'lastack ss' and its kin will not find this instance\n`,
    );
    if (e instanceof CliError && e.hint !== '') io.err(`  ${e.hint}\n`);
    return null;
  }
}

async function end(
  gateway: Gateway,
  instance: Instance,
  io: Io,
  paint: Paint,
  others: readonly ({ close(): Promise<void> } | null)[],
): Promise<void> {
  const open = [...gateway.open];
  const waiting = instance
    .summaries()
    .map(s => `${s.host} ${s.states[6] ?? 0}`)
    .join(', ');
  io.out(
    `\nclosing: ${open.length === 0 ? 'no connection is open' : `${open.length} open`}, in TIME_WAIT: ${waiting}\n`,
  );
  for (const c of open.slice(0, 10)) {
    io.out(
      `  still open: #${c.id + 1} ${c.from} → ${c.target?.kind === 'server' ? `${c.target.host}:${c.target.port}` : 'page'} (${c.stage})\n`,
    );
  }
  if (open.length > 10) io.out(`  … and ${open.length - 10} more\n`);
  const cut = await gateway.close();
  if (cut.length > 0)
    io.out(
      paint.yellow(`  ${cut.length} did not come to their end in time: ${cut.slice(0, 5).join('; ')}\n`),
    );
  for (const o of others) await o?.close();
  // A client that is cut off only now is none to be told of after the farewell.
  gateway.listener = {};
  const { captures } = gateway;
  if (captures !== null) {
    io.out(
      captures.error === ''
        ? `captures: ${captures.paths.join(', ')}\n`
        : `capture failed: ${captures.error}\n`,
    );
    if (captures.omitted > 0)
      io.out(`  ${captures.omitted} packets were left out: the disk did not keep up\n`);
  }
  io.out(`${gateway.accepted} connections carried, ${gateway.failed} failed. Goodbye.\n`);
}
