#!/usr/bin/env node
import { type CommandEntry, main } from './cli/main.ts';
import { nodeIo } from './cli/node-io.ts';

const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'two user-space hosts on a wire, and a gateway through them for ordinary programs',
    load: async () => (await import('./up/command.ts')).upCommand,
  },
  {
    name: 'ss',
    summary: 'the sockets of a running instance, as ss(8) shows them',
    load: async () => (await import('./ss/command.ts')).ssCommand,
  },
  {
    name: 'netstat',
    summary: 'the same as netstat(8) shows it, and the counters (-s)',
    load: async () => (await import('./ss/netstat-command.ts')).netstatCommand,
  },
  {
    name: 'sysctl',
    summary: "reads and sets a running instance's knobs, by Linux's names",
    load: async () => (await import('./sysctl/command.ts')).sysctlCommand,
  },
  {
    name: 'ping',
    summary: 'echoes from one host of a running instance to the other, or to any address',
    load: async () => (await import('./ping/command.ts')).pingCommand,
  },
  {
    name: 'traceroute',
    summary: 'the hops on the way to an address, from a host of a running instance',
    load: async () => (await import('./ping/traceroute-command.ts')).tracerouteCommand,
  },
  {
    name: 'trace',
    summary: 'connections as a ladder, a table or JSON, from a capture file or live',
    load: async () => (await import('./trace/command.ts')).traceCommand,
  },
  {
    name: 'packetdrill',
    summary: 'runs packetdrill scripts against the engine in virtual time, and prints TAP',
    load: async () => (await import('./cli/packetdrill.ts')).packetdrillCommand,
  },
  {
    name: 'diagram',
    summary: 'the TCP state diagram, drawn from the table that the engine runs on',
    load: async () => (await import('./diagram/command.ts')).diagramCommand,
  },
];

process.exitCode = await main(process.argv.slice(2), nodeIo(), COMMANDS);
