#!/bin/sh
# The settings that the scripts beside this file are written for. `lastack packetdrill` knows them under
# this file's name; the reference tool runs it in the script's network namespace.
set -e
ip tcp_metrics flush all >/dev/null 2>&1 || true
for setting in \
  tcp_rmem="4096 540000 15728640" tcp_wmem="4096 262144 4194304" \
  tcp_timestamps=1 tcp_sack=1 tcp_dsack=1 tcp_ecn=0 \
  tcp_syn_retries=5 tcp_synack_retries=5 tcp_syncookies=1 \
  tcp_frto=2 tcp_reordering=3 tcp_early_retrans=4 tcp_recovery=1 \
  tcp_congestion_control=cubic tcp_slow_start_after_idle=0 \
  tcp_tso_win_divisor=3 tcp_pacing_ss_ratio=200 tcp_pacing_ca_ratio=120 \
  tcp_notsent_lowat=4294967295 tcp_fastopen=0x70403
do
  sysctl -q -w "net.ipv4.$setting"
done
tc qdisc replace dev tun0 root pfifo
