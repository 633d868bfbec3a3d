const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** Whether the Node that runs is at least this one: what changed in Node's `net` changes with it. */
export function since(wantedMajor: number, wantedMinor = 0): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
