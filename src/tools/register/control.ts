import { rmSync } from 'node:fs';
import type { Host } from '../../api/net/create-host.ts';
import { listSysctls } from '../../base/sysctl-list.ts';
import { errorText } from '../cli/error.ts';
import { version } from '../cli/version.ts';
import { prepareDirectory, runtimeDirectory, socketPath } from '../control/place.ts';
import { PROTOCOL, type SysctlItem } from '../control/protocol.ts';
import { type Answer, ControlServer, type Handler } from '../control/server.ts';
import { socketRows } from '../ss/collect.ts';
import type { SocketRow } from '../ss/row.ts';
import { Watch } from '../watch/watch.ts';

/** What `lastack ss` and its kin may ask of a process that runs on our hosts. */
export function handlerFor(all: readonly Host[]): Handler {
  const began = performance.now();
  const watches = new Map(all.map(h => [h, new Watch(h.stack, undefined, fd => h.ownerOf(fd))]));
  return (request): Answer | string => {
    const named = 'host' in request ? request.host : undefined;
    const hosts = all.filter(h => named === undefined || h.name === named);
    const names = all.map(h => h.name);
    if (hosts.length === 0) return `no host is called '${named}'; there are ${names.join(' and ')}`;
    for (const h of hosts) h.driver.enter();
    switch (request.ask) {
      case 'hello':
        return {
          head: {
            protocol: PROTOCOL,
            version: version(),
            pid: process.pid,
            uptime: (performance.now() - began) / 1000,
            hosts: names,
            fronts: [],
          },
        };
      case 'sockets':
        return { head: { pid: process.pid }, items: rows(hosts, request.info === true, watches) };
      case 'summary':
        return {
          head: {
            hosts: hosts.map(h => ({
              host: h.name,
              states: [...h.stack.tcp.counts()],
              ipv6: 0,
              orphans: h.stack.tcp.orphans,
            })),
            findings: hosts.flatMap(h => watches.get(h)!.look()),
          },
        };
      case 'counters':
        return { items: hosts.map(h => ({ host: h.name, counters: h.stack.mib.entries() })) };
      case 'sysctl':
        return { items: settings(hosts, request.names) };
      default:
        return `a process under lastack/register does not answer '${request.ask}': 'lastack up' does`;
    }
  };
}

function* rows(
  hosts: readonly Host[],
  info: boolean,
  watches: ReadonlyMap<Host, Watch>,
): Generator<SocketRow> {
  for (const h of hosts) {
    const watch = watches.get(h);
    yield* socketRows(h.stack, {
      info,
      ownerOf: fd => h.ownerOf(fd),
      ...(watch ? { ageOf: watch.ageOf } : {}),
    });
  }
}

function settings(hosts: readonly Host[], names: readonly string[] | undefined): SysctlItem[] {
  return hosts.flatMap(h =>
    listSysctls(h.stack.sysctl)
      .filter(e => names === undefined || names.includes(e.name))
      .map(e => ({ host: h.name, ...e })),
  );
}

/** Opens the control socket; without one everything works, except that nobody can ask. */
export async function openControl(hosts: readonly Host[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    const directory = runtimeDirectory(env);
    prepareDirectory(directory);
    const server = new ControlServer(socketPath(directory, process.pid), handlerFor(hosts));
    await server.listen();
    process.once('exit', () => rmSync(server.path, { force: true }));
  } catch (e) {
    process.emitWarning(
      `no control socket, so 'lastack ss' will not find this process: ${errorText(e)}`,
      'lastack',
    );
  }
}
