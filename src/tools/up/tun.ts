import type { Io } from '../cli/command.ts';
import { CliError, EXIT_MACHINE, EXIT_OK, errorText } from '../cli/error.ts';
import { choosePaint } from '../cli/paint.ts';
import { frontTexts, wireText } from './facts.ts';
import { Instance, type Running } from './instance.ts';
import type { TunSettings, UpOptions } from './options.ts';
import { answerPage } from './pages.ts';
import { kernelAddress, TunHost } from './tun-host.ts';
import { openControl, stopped } from './up.ts';

/** `lastack up --tun`: one host on the machine's own network, until it is told to stop. */
export async function upTun(options: UpOptions, settings: TunSettings, io: Io): Promise<number> {
  const paint = choosePaint(options.color, io.tty, io.env);
  let host: TunHost;
  try {
    host = new TunHost(options, settings);
  } catch (e) {
    throw new CliError(EXIT_MACHINE, `--tun: ${errorText(e)}`, 'docs/tun.md says what it needs');
  }
  const instance = new Instance<Running>(host);
  host.page = (request, fd) => answerPage(instance, request, fd);
  const control = await openControl(instance, io);
  const [url = ''] = frontTexts(host.fronts);
  const own = settings.address.split('/')[0]!;
  io.out(
    [
      `${paint.bold('lastack')}: this machine (${kernelAddress(settings.address)}) → ${host.device.name} → ${wireText(options)} → host B (${settings.address}, fd77:1::2)`,
      `  ${paint.cyan(url)}   try: curl ${url}   ping ${own}`,
      ...(host.device.gsoMax > 0 ? [] : [paint.dim('  without offload: every packet by itself')]),
      paint.dim(`  process ${process.pid}; Ctrl-C ends; in another terminal: npx lastack ss -tano`),
      '',
    ].join('\n'),
  );
  const gone = new AbortController();
  host.ongone = reason => {
    io.err(`lastack: ${reason}\n`);
    gone.abort();
  };
  const looking = setInterval(() => instance.look(), 1000);
  looking.unref();
  await stopped(AbortSignal.any([io.signal, gone.signal]));
  clearInterval(looking);
  await control?.close();
  await host.close();
  io.out(`${host.accepted} connections to the page. Goodbye.\n`);
  return gone.signal.aborted ? EXIT_MACHINE : EXIT_OK;
}
