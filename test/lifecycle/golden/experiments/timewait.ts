/** TIME_WAIT against a peer played by the script: repeated FINs, resets, data, SYNs of every kind. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { options } from '../packet.ts';
import { check, established, Raw } from '../raw.ts';
import type { Sock } from '../vocabulary.ts';

/** A closes first and comes to TIME_WAIT. */
function* toTimeWait(L: Lab, ts = false): Script<Raw> {
  const { r, a } = yield* established(L, { ts });
  yield* L.call('A.close', a.close());
  yield* r.wait(p => p.F);
  yield* L.sleep(0.02);
  r.rcv++;
  yield* r.send('.', r.snd, r.rcv);
  yield* L.sleep(0.02);
  yield* r.send('F.', r.snd, r.rcv, { note: 'peer FIN' });
  r.snd++;
  yield* L.sleep(0.05);
  r.rx.length = 0;
  yield* L.say(() => `A ss: ${L.A.ss().join('\n')}`);
  return r;
}

/** The same where A is the server: its listener stays. */
function* serverToTimeWait(L: Lab, ts: boolean): Script<Raw> {
  const r = new Raw(L, ts);
  const ls = yield* L.A.socket();
  yield* ls.reuseAddr();
  yield* ls.bind('10.9.0.1', 80);
  yield* ls.listen(5);
  yield* r.connect(80);
  const s: Sock = yield* ls.accepted();
  L.mark();
  yield* L.call('A.close (server side)', s.close());
  yield* r.wait(p => p.F);
  r.rcv++;
  yield* r.send('.', r.snd, r.rcv);
  yield* L.sleep(0.02);
  yield* r.send('F.', r.snd, r.rcv, { note: 'peer FIN' });
  r.snd++;
  yield* L.sleep(0.05);
  r.rx.length = 0;
  yield* L.say(() => `A ss: ${L.A.ss().join('\n')}`);
  return r;
}

function* repeatedFin(L: Lab): Script {
  const r = yield* toTimeWait(L, true);
  yield* L.sleep(5);
  yield* L.say(() => `5 s later: ${L.A.ss().join('\n')}`);
  yield* r.send('F.', r.snd - 1, r.rcv, { note: 'retransmitted FIN (TS newer)' });
  yield* check(L, r);
  yield* L.sleep(3);
  const note = 'retransmitted FIN with OLD timestamp';
  yield* r.send('F.', r.snd - 1, r.rcv, { note, ts: [500, r.tsr] });
  yield* check(L, r);
}

function* repeatedFinNoTimestamps(L: Lab): Script {
  const r = yield* toTimeWait(L);
  yield* L.sleep(5);
  yield* L.say(() => `5 s later: ${L.A.ss().join('\n')}`);
  yield* r.send('F.', r.snd - 1, r.rcv, { note: 'retransmitted FIN' });
  yield* check(L, r);
  yield* r.send('F.', r.snd - 1, r.rcv, { note: 'again within 500ms' });
  yield* check(L, r);
}

function* data(L: Lab): Script {
  const r = yield* toTimeWait(L);
  yield* L.sleep(3);
  yield* r.send('P.', r.snd, r.rcv, { data: 'data', note: 'new data in TIME_WAIT' });
  yield* check(L, r);
}

function* finWithData(L: Lab): Script {
  const r = yield* toTimeWait(L);
  yield* L.sleep(1);
  yield* r.send('FP.', r.snd - 1 - 4, r.rcv, { data: 'abcd', note: 'retransmitted data+FIN' });
  yield* check(L, r);
}

function* reset(L: Lab): Script {
  const r = yield* toTimeWait(L);
  yield* r.send('R', r.snd + 5, 0, { note: 'RST seq+5 (not exact)' });
  yield* check(L, r);
  yield* r.send('R', r.snd, 0, { note: 'RST exact rcv_nxt' });
  yield* check(L, r);
}

function* reset1337(L: Lab): Script {
  L.A.sysctl('net.ipv4.tcp_rfc1337', 1);
  const r = yield* toTimeWait(L);
  yield* r.send('R', r.snd, 0, { note: 'RST exact rcv_nxt rfc1337=1' });
  yield* check(L, r);
}

interface NewSyn {
  /** The old connection had timestamps. */
  had: boolean;
  /** Sequence number, from RCV.NXT. */
  seq: number;
  /** TSval, from the next one that the peer would send; none if null. */
  ts: number | null;
  note: string;
}

function* syn(L: Lab, o: NewSyn): Script {
  const r = yield* serverToTimeWait(L, o.had);
  yield* sendSyn(r, o);
  yield* check(L, r);
}

function* sendSyn(r: Raw, o: NewSyn): Script {
  const opts =
    o.ts === null ? options({ mss: 1460 }) : options({ mss: 1460, sackOk: true, ts: [r.tsv + o.ts, 0] });
  yield* r.send('S', r.snd + o.seq, 0, { options: opts, ts: null, note: o.note });
}

function* synLower(L: Lab): Script {
  const r = yield* serverToTimeWait(L, false);
  yield* L.sleep(2);
  yield* sendSyn(r, { had: false, seq: -5000, ts: null, note: 'SYN seq < rcv_nxt no TS' });
  yield* check(L, r);
  yield* r.send('R', r.rcv, 0, { note: '(peer resets on challenge ack with seq=ack)' });
  yield* check(L, r);
}

function* synThenReset(L: Lab): Script {
  const r = yield* serverToTimeWait(L, false);
  yield* sendSyn(r, { had: false, seq: 1000, ts: null, note: 'SYN accepted from TW' });
  const s = yield* r.wait(p => p.S);
  yield* L.say(`ISN of SYN-ACK minus old SND.NXT = ${(s.seq - r.rcv) >>> 0}`);
  yield* r.send('R', r.snd + 1001, 0, { note: 'RST (was old dup)' });
  yield* check(L, r);
}

export const timeWait: Experiments = {
  tw_dupfin: L => repeatedFin(L),
  tw_dupfin_nots: L => repeatedFinNoTimestamps(L),
  tw_data: L => data(L),
  tw_fin_with_data: L => finWithData(L),
  tw_rst: L => reset(L),
  tw_rst_1337: L => reset1337(L),
  tw_syn_higher: L => syn(L, { had: false, seq: 1000, ts: null, note: 'SYN seq > rcv_nxt no TS' }),
  tw_syn_lower: L => synLower(L),
  tw_syn_lower_tsnewer: L => syn(L, { had: true, seq: -5000, ts: 50, note: 'SYN lower seq, TS newer' }),
  tw_syn_lower_tsequal: L => syn(L, { had: true, seq: -5000, ts: -1, note: 'SYN lower seq, TS equal' }),
  tw_syn_higher_tsequal: L => syn(L, { had: true, seq: 5000, ts: -1, note: 'SYN higher seq, TS equal' }),
  tw_syn_higher_tsolder: L =>
    syn(L, { had: true, seq: 5000, ts: -100, note: 'SYN higher seq, TS older (PAWS)' }),
  tw_syn_higher_nots_onconn_with_ts: L =>
    syn(L, { had: true, seq: 5000, ts: null, note: 'SYN higher seq without TS (old conn had TS)' }),
  tw_syn_accept_then_rst: L => synThenReset(L),
};
