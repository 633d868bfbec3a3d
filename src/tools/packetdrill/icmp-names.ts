/** Names of ICMP types and codes in scripts; `type_N` and `code_N` are numbers. */

const TYPES4: Readonly<Record<string, number>> = {
  echo_reply: 0,
  unreachable: 3,
  destination_unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo_request: 8,
  time_exceeded: 11,
  parameter_problem: 12,
  timestamp: 13,
  timestamp_reply: 14,
  info_request: 15,
  info_reply: 16,
  address: 17,
  address_reply: 18,
};

const TYPES6: Readonly<Record<string, number>> = {
  unreachable: 1,
  destination_unreachable: 1,
  packet_too_big: 2,
  time_exceeded: 3,
  parameter_problem: 4,
  echo_request: 128,
  echo_reply: 129,
};

const CODES4: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  unreachable: {
    net_unreachable: 0,
    host_unreachable: 1,
    protocol_unreachable: 2,
    port_unreachable: 3,
    frag_needed: 4,
    source_route_failed: 5,
    net_unknown: 6,
    host_unknown: 7,
    source_host_isolated: 8,
    net_prohibited: 9,
    host_prohibited: 10,
    net_unreachable_for_tos: 11,
    host_unreachable_for_tos: 12,
    packet_filtered: 13,
    precedence_violation: 14,
    precedence_cutoff: 15,
  },
  redirect: { net: 0, host: 1, tos_net: 2, tos_host: 3 },
  time_exceeded: { ttl: 0, fragment: 1, exceeded_in_transit: 0, exceeded_reassembly: 1 },
  parameter_problem: { error: 0, missing: 1, bad_length: 2 },
};

const CODES6: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  unreachable: {
    no_route: 0,
    admin_prohibited: 1,
    not_neighbour: 2,
    not_neighbor: 2,
    beyond_scope: 2,
    address_unreachable: 3,
    host_unreachable: 3,
    port_unreachable: 4,
  },
  time_exceeded: { hop_limit: 0, exceed_hop_limit: 0, fragment: 1, exceed_fragment_time: 1 },
  parameter_problem: {
    header: 0,
    header_field: 0,
    next_header: 1,
    unknown_next_header: 1,
    option: 2,
    unknown_option: 2,
  },
};

/** Numbers of a script's ICMP type and code; null if the family has no such name. */
export function icmpNumbers(
  v4: boolean,
  type: string,
  code: string | null,
): { type: number; code: number } | null {
  const canonical = type === 'destination_unreachable' ? 'unreachable' : type;
  const typeNumber = /^type_\d+$/.test(type) ? Number(type.slice(5)) : (v4 ? TYPES4 : TYPES6)[type];
  if (typeNumber === undefined) return null;
  if (code === null) return { type: typeNumber, code: 0 };
  const codeNumber = /^code_\d+$/.test(code)
    ? Number(code.slice(5))
    : (v4 ? CODES4 : CODES6)[canonical]?.[code];
  return codeNumber === undefined ? null : { type: typeNumber & 255, code: codeNumber & 255 };
}
