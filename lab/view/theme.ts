import { signal } from '@preact/signals';

export type Theme = 'light' | 'dark';
const KEY = 'lastack-lab-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const system = (): Theme => (dark.matches ? 'dark' : 'light');

/** What was chosen here before, or else as the system is. */
export const theme = signal<Theme>(stored() ?? system());

export function followTheme(): void {
  theme.subscribe(value => {
    document.documentElement.dataset['theme'] = value;
  });
  dark.addEventListener('change', () => {
    if (stored() === null) theme.value = system();
  });
}

export function toggleTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null;
  }
}

/** Whether movement is to be spared. */
export const still = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
