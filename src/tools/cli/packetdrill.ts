import { runPaths } from '../packetdrill/index.ts';
import type { CommandSpec } from './command.ts';

/** The help of `lastack packetdrill`; its words are read where the scripts are run. */
export const packetdrillCommand: CommandSpec = {
  name: 'packetdrill',
  summary: 'runs packetdrill scripts against the engine in virtual time, and prints TAP',
  usage: ['[--json] [--ip_version FAMILY] [-D NAME=VALUE] [--OPTION=VALUE] PATH…'],
  options: {
    json: { type: 'boolean', help: 'one JSON document instead of TAP 14' },
    ip_version: {
      type: 'string',
      value: 'ipv4|ipv6|ipv4-mapped-ipv6',
      help: 'only this family (several with commas). Default: those that the script is meant for',
    },
    define: { type: 'string', short: 'D', value: 'NAME=VALUE', help: 'defines a word of the scripts' },
  },
  examples: [
    ['lastack packetdrill handshake.pkt', 'one script, with each family that it is meant for'],
    ['lastack packetdrill --ip_version ipv4 tests/', 'every .pkt in a folder and below'],
    ['lastack packetdrill --json tests/ > report.json', 'for programs'],
  ],
  notes: [
    "Other options are those that a script may have, such as --tolerance_usecs=10000, and win over the script's.",
    'Exit code 0 if nothing failed, 1 if something did, 2 if it could not be begun.',
  ],
  run: () => Promise.resolve(2),
  runWords: (words, io) =>
    runPaths(
      words,
      text => io.out(text),
      text => io.err(text),
    ),
};
