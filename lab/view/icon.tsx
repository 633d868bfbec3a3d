/** Icons are drawn here: no font has them all. */
const PATHS = {
  start: 'M3 3h2v10H3zM13 3v10L6 8z',
  end: 'M11 3h2v10h-2zM3 3v10l7-5z',
  back: 'M11 3v10L4 8z',
  event: 'M5 3v10l7-5z',
  play: 'M4 2.5v11l9-5.5z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  segment: 'M2 7h8V4l4 4-4 4V9H2z',
  state:
    'M1 5.5a1.5 1.5 0 0 1 1.5-1.500h3A1.5 1.5 0 0 1 7 5.500v5A1.5 1.5 0 0 1 5.5 12h-3A1.5 1.5 0 0 1 1 10.500zM8 7h3V4.500L15 8l-4 3.500V9H8z',
  power: 'M7 1.500h2v7H7zM4.6 3.700l1.2 1.500a4 4 0 1 0 4.4 0l1.2-1.500a6 6 0 1 1-6.8 0z',
  live: 'M8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8z',
  lose: 'M3.5 2.500L8 7l4.5-4.5 1 1L9 8l4.5 4.5-1 1L8 9l-4.5 4.5-1-1L7 8 2.5 3.500z',
  delay:
    'M8 1.500a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zm0 1.600a4.9 4.9 0 1 0 0 9.8 4.9 4.9 0 0 0 0-9.800zM7.3 4.500h1.500v3.200l2.2 2.2-1 1-2.7-2.700z',
  duplicate: 'M2 2h8v2H4v6H2zM6 6h8v8H6z',
  reorder:
    'M1 4h3l6 7h2V9l3 3-3 3v-2H9.200L3.2 6H1zM1 11h2.300l1.6-1.9 1.2 1.400L4.2 13H1zM12 1l3 3-3 3V5h-2L8.4 6.9 7.2 5.5 9.2 3H12z',
  corrupt: 'M9 1L3 9h4l-1 6 7-9H8.500z',
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
