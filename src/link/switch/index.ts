/** A learning Ethernet switch whose ports are links: `lastack/link/switch`. */
export { Switch, type SwitchOptions, SwitchPort } from './switch.ts';
