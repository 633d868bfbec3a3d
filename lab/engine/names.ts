/** The two hosts of every scenario. */
export const ADDRESS: Readonly<Record<'A' | 'B', string>> = { A: '10.9.0.1', B: '10.9.0.2' };

/** Numbers connections by their ends, in order of appearance, whichever end is named first. */
export class Connections {
  private readonly numbers = new Map<string, number>();
  /** `10.9.0.1:40000 – 10.9.0.2:80`, by number. */
  readonly labels: string[] = [];

  of(a: string, aPort: number, b: string, bPort: number): number {
    const left = `${a}:${aPort}`;
    const right = `${b}:${bPort}`;
    const key = left < right ? `${left} ${right}` : `${right} ${left}`;
    let n = this.numbers.get(key);
    if (n === undefined) {
      n = this.numbers.size;
      this.numbers.set(key, n);
      this.labels.push(key.replace(' ', ' – '));
    }
    return n;
  }
}
