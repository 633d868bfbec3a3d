/** A script whose run has more than 100,000 segments: for tests and figures of long runs. */
export const LONG_RUN = `seed 5
end 10s
0 wire delay 5ms
0 wire rate 1gbit
0 wire queue 400
0 B listen s 80 5
0 B accept s b
10ms A connect a B:80
50ms A write a 50000000
50ms A write a 50000000
50ms B drain b`;
