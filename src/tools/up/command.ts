import type { CommandSpec } from '../cli/command.ts';
import { UP_OPTIONS } from './options.ts';
import { up } from './up.ts';

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'two user-space hosts on a wire, and a gateway through them for ordinary programs',
  usage: ['[options]', '--to HOST:PORT [options]', '--socks PORT [options]', '--tun [NAME] [options]'],
  options: UP_OPTIONS,
  examples: [
    ['lastack up', 'a page on http://127.0.0.1:8080/ that shows the connection that fetched it'],
    [
      'lastack up --drop "B FIN 1"',
      'lose the first FIN of the server of every connection, and watch it being repeated',
    ],
    ['lastack up --to 127.0.0.1:3000 --loss 2% --delay 40ms', 'your own server behind a bad wire'],
    ['lastack up --socks 1080', 'then: curl -x socks5h://127.0.0.1:1080 http://example.org/'],
    [
      'lastack up --sysctl tcp_fin_timeout=5 --sysctl B:lastack.msl=5',
      'other knobs, for both hosts or for one',
    ],
    ['lastack up --tun', 'a host beside this machine: ping 10.77.1.2, curl http://10.77.1.2/ (root, koffi)'],
    ['lastack up --capture traces', 'then: lastack trace traces/A.pcapng, or open it in Wireshark'],
  ],
  notes: [
    'An ordinary connection to the port is carried as a TCP connection of our own: the client → host A → the wire → host B → the page or the server. Both hosts live in this process. End of file, resets and back-pressure pass in both directions; B connects to the server before it completes the handshake with A, so that a refused server is a refused connection.',
    'RULE: [drop | delay TIME | duplicate | corrupt | reorder] SENDER WHAT [COUNT], where SENDER is A, B or *, WHAT is SYN, SYN-ACK, ACK, pure-ACK, FIN, RST, DATA, any …, and COUNT is 1, 2..4, 3.. or *, counted for each connection.',
    "--tun: one host, B, on the machine's own network, at the other end of a TUN device; the kernel is A. Conditions and rules work on what passes between them. It needs Linux, the package koffi, and root (or CAP_NET_ADMIN) to make the device and give the kernel its address. See docs/tun.md.",
    "While it runs, 'lastack ss', 'netstat', 'sysctl' and 'trace live' talk to it from another terminal.",
  ],
  run: up,
};
